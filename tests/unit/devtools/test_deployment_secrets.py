"""`make secrets`: a process of ours starts with what it makes, and it makes nothing twice."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.config.settings import ApiSettings, Settings, read_settings
from devtools import deployment_secrets
from devtools.deployment_secrets import make_secrets
from tools.deployment.compose import secret_file_names
from tools.deployment.documents import documents
from tools.deployment.processes import ROOT

FILES = {
    "DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "REDIS_URL", "ENCRYPTION_KEYS", "WEBHOOK_SECRETS",
    "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET",
}  # fmt: skip


def test_settings_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets(tmp_path)
    for name in FILES:
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name.lower()))
    monkeypatch.setenv("JWKS_FILE", str(tmp_path / "jwks.json"))
    monkeypatch.setenv("PUBLIC_URL", "https://a.example")
    monkeypatch.setenv("DASHBOARD_URL", "https://b.example")
    assert read_settings(ApiSettings).live_webhook_secrets
    settings = read_settings(Settings)
    users = dict(line.replace('"', "").split() for line in (tmp_path / "userlist").read_text().splitlines())
    for url in (settings.database_app_url, settings.database_system_url):
        assert url is not None
        assert users[str(make_url(url).username)] == make_url(url).password
    assert f"requirepass {make_url(settings.redis_url).password}\n" in (tmp_path / "valkey_conf").read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    assert set(make_secrets(tmp_path)) | {"jwks.json"} == secret_file_names()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "grafana_password").unlink()
    assert make_secrets(tmp_path) == ["grafana_password"]
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"grafana_password"}


def test_only_their_owner_may_look_into_the_directory(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets" / "database_url").stat().st_mode) == 0o444


def test_app_is_the_one_that_the_simulator_knows() -> None:
    from salesforce_simulator import simulator

    assert deployment_secrets.SIMULATED_APP == (simulator.DEFAULT_CLIENT_ID, simulator.DEFAULT_CLIENT_SECRET)


def test_compose_names_files_that_are_made() -> None:
    [document] = documents((ROOT / "deploy/compose.yaml").read_text())
    named = {Path(each["file"]).name for each in document["secrets"].values()}
    assert named <= secret_file_names()
