"""A database that went back in time is noticed by what Valkey knows of it, until somebody says so."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.restored_copy import NewestNote, RestoredCopy, refuse_restored_copy
from app.recovery.restored import declare_restored
from tests.integration.workers.test_process import environment_of

ENDS_WITHIN = 60
CHANGE = text("SELECT max(nextval('changes')) FROM generate_series(1, 50)")
BACK = "SELECT setval('changes', {})"


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[DrainQueue]:
    queue = DrainQueue(settings.redis_url)
    yield queue
    await queue.close()


async def change(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(CHANGE) or 0)


async def noted(database: Database, queue: DrainQueue) -> int:
    """How far the database has come, as a worker notes it; then more happens."""
    note, at = NewestNote(), await change(database)
    for _ in range(2):
        await note.write(database, queue)
        await change(database)
    return at


async def go_back(owner: AsyncEngine, to: int) -> None:
    async with owner.begin() as connection:
        await connection.execute(text(BACK.format(to)))


async def test_database_that_went_back_is_refused_until_somebody_says_so(
    database: Database, owner: AsyncEngine, queue: DrainQueue
) -> None:
    at = await noted(database, queue)
    await refuse_restored_copy(database, queue)
    await go_back(owner, at - 1)
    with pytest.raises(RestoredCopy, match=f"is at change {at - 1} and was at {at}:"):
        await refuse_restored_copy(database, queue)
    async with database.system() as session:
        since = datetime.now(UTC) - timedelta(hours=1)
        await declare_restored(session, since, looks_for=timedelta(1), lost_write_window=timedelta(0))
    await refuse_restored_copy(database, queue)
    assert await noted(database, queue) > at


async def test_what_is_behind_leaves_its_note_and_says_so(
    database: Database, owner: AsyncEngine, queue: DrainQueue, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that was running when its database failed over with a loss."""
    at = await noted(database, queue)
    await go_back(owner, at - 1)
    note = NewestNote()
    for _ in range(3):
        await note.write(database, queue)
    assert "database_behind" in caplog.messages
    with pytest.raises(RestoredCopy):
        await refuse_restored_copy(database, queue)


async def test_what_the_database_may_still_lose_is_not_noted(
    database: Database, owner: AsyncEngine, queue: DrainQueue
) -> None:
    """A crash takes away what was not on disk yet: a number of a turn ago is."""
    at = await change(database)
    await NewestNote().write(database, queue)
    await go_back(owner, at - 1)
    await refuse_restored_copy(database, queue)


async def test_another_database_on_the_same_valkey_is_no_copy(
    database: Database, owner: AsyncEngine, queue: DrainQueue
) -> None:
    at = await noted(database, queue)
    async with owner.begin() as connection:
        await connection.execute(text("DELETE FROM key_checks"))
    await go_back(owner, at - 1)
    await refuse_restored_copy(database, queue)


async def test_without_valkey_nothing_is_noticed_and_nothing_is_held_up(
    database: Database, owner: AsyncEngine, queue: DrainQueue
) -> None:
    at = await noted(database, queue)
    await go_back(owner, at - 1)
    away = DrainQueue("redis://127.0.0.1:1/0")
    await refuse_restored_copy(database, away)
    await NewestNote().write(database, away)


@pytest.mark.parametrize("command", [["app.cli.main", "api", "--port", "1"], ["workers.main"]])
async def test_api_and_worker_do_not_start_on_it(
    database: Database, owner: AsyncEngine, queue: DrainQueue, settings: Settings, command: list[str]
) -> None:
    await go_back(owner, await noted(database, queue) - 1)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment_of(settings)}, capture_output=True, text=True, check=False,
        timeout=ENDS_WITHIN,
    )  # fmt: skip
    assert done.returncode == 2
    assert "DATABASE_URL is a restored copy" in done.stderr.splitlines()[-1]
