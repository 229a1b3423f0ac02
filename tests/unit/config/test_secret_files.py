"""Settings from files: read, refused with one line that names the variable, and never shown."""

from pathlib import Path

import pytest

from app.cli.migrate import MigrationSettings
from app.config.secret_files import NAMES, read_secret_files
from app.config.settings import (
    ApiSettings,
    Settings,
    SettingsInvalid,
    environment_with_files,
    load_settings,
    read_settings,
)
from app.infrastructure.encryption import new_key
from tests.factories import ENCRYPTION_KEY, WEBHOOK_SECRET

PLAIN = {
    "DATABASE_URL": "postgresql://otter@127.0.0.1:5432/sync",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "PUBLIC_URL": "https://sync.eventship.example",
    "DASHBOARD_URL": "https://app.eventship.example",
    "JWKS_URL": "https://platform.example/jwks.json",
}
SECRET = {
    "WEBHOOK_SECRETS": WEBHOOK_SECRET,
    "ENCRYPTION_KEYS": ENCRYPTION_KEY,
    "PEPPER": "ab" * 32,
    "SALESFORCE_CLIENT_ID": "3MVG9otter",
    "SALESFORCE_CLIENT_SECRET": "hunter2",
    "DATABASE_APP_URL": "postgresql://app:hunter2@127.0.0.1:5432/sync",
    "DATABASE_SYSTEM_URL": "postgresql://system:hunter2@127.0.0.1:5432/sync",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing secret in the environment."""
    for name in (*NAMES, *(f"{name}_FILE" for name in NAMES)):
        monkeypatch.delenv(name, raising=False)
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every secret in a file of its own, named by its variable."""
    for name, value in SECRET.items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    return tmp_path


def faults() -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(ApiSettings)
    assert "hunter2" not in str(caught.value)
    return str(caught.value).splitlines()


def test_every_secret_may_stand_in_a_file(files: Path) -> None:
    settings = read_settings(ApiSettings)
    assert [secret.get_secret_value() for secret in settings.encryption_keys] == [ENCRYPTION_KEY]
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == [WEBHOOK_SECRET]
    assert settings.pepper is not None
    assert settings.pepper.get_secret_value() == SECRET["PEPPER"]
    assert settings.salesforce_client_secret is not None
    assert settings.salesforce_client_secret.get_secret_value() == "hunter2"
    assert settings.database_app_url == "postgresql+asyncpg://app:hunter2@127.0.0.1:5432/sync"


def test_every_setting_that_is_secret_may_stand_in_a_file() -> None:
    secret = {name.upper() for name, field in Settings.model_fields.items() if "Secret" in str(field)}
    assert secret <= set(NAMES)


def test_lists_take_one_value_a_line(files: Path) -> None:
    (files / "ENCRYPTION_KEYS").write_text(f"{new_key('k2')}\n{ENCRYPTION_KEY}\n\n")
    assert len(load_settings().encryption_keys) == 2


def test_variable_and_file_at_once_are_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", ENCRYPTION_KEY)
    assert faults() == ["ENCRYPTION_KEYS and ENCRYPTION_KEYS_FILE are both set: keep one of them"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"\xff\xfe\x00", "not a text", id="binary"),
        pytest.param(b" \n", "empty", id="empty"),
    ],
)
def test_file_that_cannot_be_read_is_refused_in_one_line(
    files: Path, content: bytes | None, says: str
) -> None:
    path = files / "ENCRYPTION_KEYS"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    [line] = faults()
    assert line.startswith(f"ENCRYPTION_KEYS_FILE cannot be read: {path}: ")
    assert says in line


def test_directory_is_no_secret(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEPPER_FILE", str(files))
    [line] = faults()
    assert line.startswith("PEPPER_FILE cannot be read")


def test_faults_of_files_are_listed_with_all_others(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "PEPPER").write_text("hunter2")
    monkeypatch.setenv("WEBHOOK_SECRETS_FILE", str(files / "nowhere"))
    monkeypatch.delenv("PUBLIC_URL")
    lines = faults()
    assert [line.split()[0] for line in lines] == ["WEBHOOK_SECRETS_FILE", "PUBLIC_URL"]


def test_content_of_a_file_is_checked_like_a_variable(files: Path) -> None:
    (files / "ENCRYPTION_KEYS").write_text("hunter2")
    [line] = faults()
    assert line.startswith("ENCRYPTION_KEYS: ")


def test_empty_name_of_a_file_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENCRYPTION_KEYS_FILE", "")
    assert len(load_settings().encryption_keys) == 1


def test_migration_takes_its_address_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / "url").write_text("postgres://owner@db/sync")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("PEPPER_FILE", "not read by a migration")
    assert read_settings(MigrationSettings).database_url == "postgresql+asyncpg://owner@db/sync"


def test_other_files_are_not_read() -> None:
    assert read_secret_files({"JWKS_FILE": "/nowhere", "PUBLIC_URL_FILE": "/nowhere"}).faults == {}


def test_processes_on_one_machine_are_given_the_text(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://db/x\n")
    given = {"DATABASE_URL_FILE": str(tmp_path / "url"), "JWKS_FILE": "/keys", "REDIS_URL": "redis://r"}
    assert environment_with_files(given) == {
        "DATABASE_URL": "postgresql://db/x",
        "JWKS_FILE": "/keys",
        "REDIS_URL": "redis://r",
    }
    with pytest.raises(SettingsInvalid, match="REDIS_URL_FILE"):
        environment_with_files({"REDIS_URL_FILE": "/nowhere/at/all"})
