"""What is given is used, what is left out is local."""

from pathlib import Path

import pytest

from app.config.settings import load_settings
from app.salesforce.allowed_hosts import check_instance_url
from devtools.local_stack.environment import service_environment, simulator_environment
from devtools.local_stack.secrets import LocalSecrets
from devtools.local_stack.stack import Plan

LOCAL = {
    "database_url": "postgresql+asyncpg://owner@127.0.0.1:5/postgres",
    "redis_url": "redis://127.0.0.1:6/0",
}


@pytest.fixture
def secrets(tmp_path: Path) -> LocalSecrets:
    return LocalSecrets.of(tmp_path)


def test_a_bare_machine_gets_everything_that_settings_need(
    secrets: LocalSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = service_environment({}, url="http://127.0.0.1:8000", secrets=secrets, **LOCAL)
    session = {"client_id": "3MVGotter", "client_secret": "shh"}
    for name, value in (env | simulator_environment("http://127.0.0.1:8100", session)).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.salesforce_login_url == "http://127.0.0.1:8100"
    assert settings.salesforce_client_id == "3MVGotter"
    assert settings.redirect_uri == "http://127.0.0.1:8000/oauth/salesforce/callback"


def test_simulator_with_names_is_met_at_its_login_hosts(
    secrets: LocalSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = service_environment({}, url="http://127.0.0.1:8000", secrets=secrets, **LOCAL)
    session = {"client_id": "3MVGotter", "client_secret": "shh"}
    named = simulator_environment("http://127.0.0.1:8100", session, has_names=True)
    for name, value in (env | named).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.salesforce_login_url == "http://login.localhost:8100"
    assert settings.salesforce_sandbox_login_url == "http://test.localhost:8100"
    own = "http://northwind.my.localhost:8100"
    assert check_instance_url(own, extra=settings.extra_hosts) == own


def test_names_are_a_choice(tmp_path: Path) -> None:
    assert not Plan(tmp_path, 1, 2, given={}).has_names
    assert Plan(tmp_path, 1, 2, given={"SIMULATOR_NAMES": "true"}).has_names


def test_what_is_given_wins(secrets: LocalSecrets) -> None:
    given = {
        "DATABASE_URL": "postgresql://db/x",
        "JWKS_URL": "https://id.example/keys",
        "TIMES_IN_DOUBT": "4",
    }
    env = service_environment(given, url="http://127.0.0.1:8000", secrets=secrets, **LOCAL)
    assert given.items() <= env.items()
    assert "JWKS_FILE" not in env
    assert env["REDIS_URL"] == LOCAL["redis_url"]


def test_a_given_login_host_leaves_the_simulator_out(tmp_path: Path) -> None:
    assert Plan(tmp_path, 1, 2, given={}).simulator_url == "http://127.0.0.1:2"
    real = {"SALESFORCE_LOGIN_URL": "https://login.salesforce.com"}
    assert Plan(tmp_path, 1, 2, given=real).simulator_url is None
