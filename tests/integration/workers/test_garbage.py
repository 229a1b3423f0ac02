"""A worker looks for garbage seldom: what a batch holds is none yet, and what stands after start stays."""

import gc

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from workers import main
from workers.supervisor import Supervisor


async def test_a_worker_collects_seldom_while_it_runs(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[int, bool]] = []

    async def run(supervisor: Supervisor) -> None:
        found.append((gc.get_threshold()[0], gc.get_freeze_count() > 0))

    monkeypatch.setattr(Supervisor, "run", run)
    monkeypatch.setattr(main, "stop_on_signals", lambda stop: None)
    before = gc.get_threshold()
    await main.run_worker(settings)
    assert (found, gc.get_threshold()) == ([(100_000, True)], before)
