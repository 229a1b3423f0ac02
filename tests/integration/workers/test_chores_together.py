"""Chores that have nothing to do cost one statement together, and what they did is noted together."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, text

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.main import open_resources
from app.models import Preflight
from tests.integration.registrations.sample_event import add_connected_host, save
from tests.integration.workers.test_supervisor import last_successes
from tests.waiting import until
from workers import periodic_tasks
from workers.periodic_tasks import PERIODIC_TASKS, DueWork, PeriodicTask, SuccessNotes, run_periodic_tasks


@pytest.fixture
async def resources(settings: Settings, database: Database) -> AsyncIterator[Resources]:
    async with open_resources(settings) as resources:
        yield resources


async def turns_of(resources: Resources, *conditions: str) -> tuple[Counter[str], int]:
    """How many turns chores with these conditions had, and how many statements asked whether they are due.

    The last of them has five; the others could have had as many.
    """
    turns, asked = Counter[str](), 0

    def heard(*args: Any) -> None:
        nonlocal asked
        asked += args[2].startswith("SELECT EXISTS")

    def chore(name: str, due: str) -> PeriodicTask:
        async def run(_: Resources) -> None:
            turns[name] += 1

        return PeriodicTask(name, 0.02, run, due=due)

    stop, engines = asyncio.Event(), [each.sync_engine for each in resources.database.engines]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", heard)
    chores = [chore(f"chore {number}", due) for number, due in enumerate(conditions)]
    working = asyncio.create_task(run_periodic_tasks(resources, chores, stop=stop))
    await until(lambda: turns[chores[-1].name] >= 5)
    stop.set()
    await working
    for engine in engines:
        event.remove(engine, "before_cursor_execute", heard)
    return turns, asked


async def test_chores_that_have_nothing_to_do_share_one_statement(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic_tasks, "LOOK_SECONDS", 3600.0)
    nothing = "EXISTS (SELECT FROM preflights WHERE requested_at IS NOT NULL)"
    turns, asked = await turns_of(resources, nothing, nothing, "EXISTS (SELECT FROM backfills)", "")
    assert set(turns) == {"chore 3"}
    assert asked == 1


async def test_chore_runs_once_there_is_something_to_do(
    resources: Resources, database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic_tasks, "LOOK_SECONDS", 0.0)
    chores = [chore for chore in PERIODIC_TASKS if chore.due]
    work = DueWork(database, chores)
    assert not any([await work.has(chore.name) for chore in chores])
    await add_connected_host(database, vault)
    await save(database, Preflight(host_id="host_a", requested_at=text("clock_timestamp()")))
    assert [chore.name for chore in chores if await work.has(chore.name)] == ["preflights"]


async def test_successes_are_noted_together(database: Database) -> None:
    notes, written = SuccessNotes(database), 0

    def heard(*args: Any) -> None:
        nonlocal written
        written += "INTO chore_runs" in args[2]

    engines = [each.sync_engine for each in database.engines]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", heard)
    await notes.done("feed otters")
    await notes.done("feed otters")
    await asyncio.sleep(0.05)
    await notes.done("count fish")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", heard)
    found = await last_successes(database)
    assert written == 2
    assert set(found) == {"feed otters", "count fish"}
    assert found["count fish"] - found["feed otters"] >= 0.05
