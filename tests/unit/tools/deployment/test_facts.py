"""What the checks of deploy/ take for granted is what the code says, and what was not looked at is told."""

import shutil
from typing import Any, cast

import pytest
from starlette.routing import Route

from app.cli.serve import GRACE_SECONDS
from app.config.secret_files import NAMES
from app.operations.health_port import health_app
from tools.deployment import check
from tools.deployment.processes import HEALTH_PATHS, PLAUSIBLE, REQUEST_SECONDS


def test_seconds_for_requests_are_those_of_the_server() -> None:
    assert REQUEST_SECONDS == GRACE_SECONDS


def test_health_paths_are_those_of_the_port() -> None:
    app = health_app(cast(Any, None))
    assert {route.path for route in app.routes if isinstance(route, Route)} == HEALTH_PATHS


def test_each_secret_has_a_value_to_try_settings_with() -> None:
    assert set(PLAUSIBLE) == set(NAMES)


def test_programs_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert check.check_deployment() == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for program in check.PROGRAMS for line in said if f" {program}, " in line] == said
    assert len(said) == len(check.PROGRAMS)


def test_what_a_program_says_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: "/bin/ls")
    assert check.check_deployment() == 1
    assert "deploy/docker-compose: " in capsys.readouterr().err
