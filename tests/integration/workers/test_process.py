"""A worker as its own process: how it starts, what it says when it cannot, and how it ends."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import pytest

from app.config.settings import Settings
from tests.factories import ENCRYPTION_KEY, SIMULATOR_URL, WEBHOOK_SECRET
from workers import main as worker

ENDS_WITHIN = 30


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """A process configures logging for itself; the tests' own must come back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def environment_of(settings: Settings, **changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "DASHBOARD_URL": "http://127.0.0.1:8000",
        "WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "ENCRYPTION_KEYS": ENCRYPTION_KEY,
        "JWKS_FILE": str(settings.jwks_file),
        "SALESFORCE_LOGIN_URL": SIMULATOR_URL,
        "SALESFORCE_SIMULATOR_URL": SIMULATOR_URL,
        **changes,
    }


def started(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "workers.main"]
    return subprocess.Popen(command, env=dict(environment), stderr=subprocess.PIPE, text=True)


def wait_for_line(process: "subprocess.Popen[str]", expected: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if expected in line:
            return
    raise AssertionError(f"{expected} was never said")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_worker_that_is_asked_to_stop_exits_with_0_in_time(
    settings: Settings, number: signal.Signals
) -> None:
    process = started(environment_of(settings))
    wait_for_line(process, "worker_started")
    begun = time.monotonic()
    process.send_signal(number)
    _, output = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0
    assert "worker_stopped" in output
    assert time.monotonic() - begun < ENDS_WITHIN


def test_worker_is_given_neither_the_owners_login_nor_the_platforms_secrets(settings: Settings) -> None:
    """What it does not use it does not need: a worker that is taken over gives less away."""
    given = environment_of(
        settings, DATABASE_APP_URL=settings.database_url, DATABASE_SYSTEM_URL=settings.database_url
    )
    for name in ("DATABASE_URL", "PUBLIC_URL", "DASHBOARD_URL", "WEBHOOK_SECRETS", "JWKS_FILE"):
        del given[name]
    process = started(given)
    wait_for_line(process, "worker_started")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize(
    ("changes", "output"),
    [
        pytest.param({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must look like postgresql://", id="url"),
        pytest.param({"ENCRYPTION_KEYS": "nonsense"}, "key", id="key"),
        pytest.param(
            {"DATABASE_URL": "postgresql://owner@127.0.0.1:1/none"}, "DATABASE_URL: Postgres", id="away"
        ),
        pytest.param(
            {"DATABASE_SYSTEM_URL": "postgresql://owner@127.0.0.1:1/none"},
            "DATABASE_SYSTEM_URL: Postgres",
            id="system-away",
        ),
        pytest.param(
            {"DATABASE_APP_URL": "postgresql://owner@127.0.0.1:1/none"},
            "DATABASE_APP_URL: Postgres",
            id="app-away",
        ),
    ],
)
def test_bad_configuration_is_one_clear_line(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    output: str,
) -> None:
    for name, value in environment_of(settings, **changes).items():
        monkeypatch.setenv(name, value)
    assert worker.main() == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert line.startswith("eventship-salesforce worker: ")
    assert output in line
