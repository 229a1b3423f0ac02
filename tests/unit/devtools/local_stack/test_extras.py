"""Commands that need an extra say in one line which, and how it is installed."""

from pathlib import Path

import pytest

from app.cli.main import main
from devtools.demo.__main__ import main as demo
from devtools.local_stack.extras import INSTALL_LOCAL, INSTALL_SIMULATOR

GIVEN = {"DATABASE_URL": "postgresql+asyncpg://u@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.fixture(autouse=True)
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devtools.local_stack.extras.importlib.util.find_spec", lambda _: None)


@pytest.mark.parametrize(
    ("given", "install"),
    [
        ({}, INSTALL_LOCAL),
        (GIVEN, INSTALL_SIMULATOR),
    ],
    ids=["engines", "simulator"],
)
def test_up_needs_the_extra(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
    install: str,
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SALESFORCE_LOGIN_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert main(["up", "--home", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(install)


def test_the_simulator_needs_its_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulator", "--port", "8100"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(INSTALL_SIMULATOR)


def test_the_demo_needs_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo() == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(INSTALL_LOCAL)
