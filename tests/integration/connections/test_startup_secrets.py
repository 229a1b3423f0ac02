"""What API and workers refuse to start with: keys that stored secrets need, and files that hold none."""

import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from app.api.dependencies import Resources
from app.cli import main
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import new_key
from app.infrastructure.startup_checks import PepperChanged, check_pepper
from tests.factories import ENCRYPTION_KEY, connection_for
from tests.integration.connections.conftest import add
from tests.integration.workers.test_process import environment_of
from workers import main as worker

STARTS: dict[str, Callable[[], int]] = {
    "api": partial(main.main, ["api"]),
    "migrate": partial(main.main, ["migrate"]),
    "worker": worker.main,
}


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("_URL", "_FILE", "_KEYS", "_SECRETS")):
            monkeypatch.delenv(name)
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def sealed(resources: Resources) -> None:
    """A connection whose tokens are sealed by the key k1."""
    await add(resources, connection_for(resources.vault))


@pytest.fixture
async def peppered(settings: Settings, database: Database) -> None:
    """A database that a process with the oldest key has started on."""
    await check_pepper(database, settings.hash_pepper)


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.usefixtures("sealed")
def test_missing_key_that_is_in_use_stops_the_start(
    role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", new_key("k2"))
    assert STARTS[role]() == 2
    output = capsys.readouterr().err
    assert "ENCRYPTION_KEYS lacks k1" in output
    assert "keys rotate" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize("pepper", ["", "ab" * 32], ids=["not-set", "another"])
@pytest.mark.usefixtures("peppered")
def test_another_pepper_than_the_first_stops_the_start(
    role: str, pepper: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oldest key went and nothing is sealed with it: whom a tombstone names, nobody could say."""
    monkeypatch.setenv("ENCRYPTION_KEYS", new_key("k2"))
    if pepper:
        monkeypatch.setenv("PEPPER", pepper)
    assert STARTS[role]() == 2
    output = capsys.readouterr().err
    assert "PEPPER is not the one" in output
    assert "keys pepper" in output
    assert "Traceback" not in output


@pytest.mark.usefixtures("peppered")
async def test_pepper_set_to_what_the_command_prints_outlives_its_key(
    settings: Settings, database: Database
) -> None:
    changes = {"pepper": settings.hash_pepper.hex(), "encryption_keys": [new_key("k2")]}
    await check_pepper(database, Settings.model_validate(settings.model_dump() | changes).hash_pepper)
    with pytest.raises(PepperChanged):
        await check_pepper(database, b"p" * 32)


@pytest.mark.parametrize("role", ["api", "worker", "migrate"])
def test_secret_in_variable_and_file_stops_the_start(
    role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = "DATABASE_URL" if role == "migrate" else "ENCRYPTION_KEYS"
    (tmp_path / "secret").write_text(ENCRYPTION_KEY)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert STARTS[role]() == 2
    output = capsys.readouterr().err
    assert f"{name} and {name}_FILE are both set" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("role", ["api", "worker"])
def test_file_that_is_not_there_stops_the_start(
    role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Database
) -> None:
    monkeypatch.delenv("ENCRYPTION_KEYS")
    monkeypatch.setenv("ENCRYPTION_KEYS_FILE", "/run/secrets/nowhere")
    assert STARTS[role]() == 2
    output = capsys.readouterr().err
    assert "ENCRYPTION_KEYS_FILE cannot be read: /run/secrets/nowhere: No such file" in output
