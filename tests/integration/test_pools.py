"""Idle connections go back to Postgres, so that one process cannot keep another one out."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Database
from app.pools import KEPT_LOOKS, PoolUse, give_back_idle
from app.settings import Settings


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    database = Database.connect(settings.database_url, pool=8)
    yield database.engines[1]
    await database.close()


async def use(engine: AsyncEngine, connections: int) -> set[int]:
    """Use so many at once; returns the process ids of their servers."""
    barrier = asyncio.Barrier(connections)

    async def hold() -> int:
        async with engine.connect() as connection:
            pid = int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            await barrier.wait()
            return pid

    return set(await asyncio.gather(*(hold() for _ in range(connections))))


def idle(engine: AsyncEngine) -> int:
    return int(engine.pool.checkedin())  # type: ignore[attr-defined]


async def test_what_a_burst_needed_is_given_back_some_looks_later(engine: AsyncEngine) -> None:
    pool = PoolUse(engine)
    await use(engine, 8)
    left = []
    for _ in range(KEPT_LOOKS + 1):
        await use(engine, 2)
        await pool.give_back()
        left.append(idle(engine))
    assert left == [*[8] * KEPT_LOOKS, 2]
    await use(engine, 8)


async def test_an_idle_process_holds_no_connection(engine: AsyncEngine) -> None:
    pool = PoolUse(engine)
    await use(engine, 8)
    for _ in range(KEPT_LOOKS + 2):
        await pool.give_back()
    assert idle(engine) == 0


async def test_what_is_in_use_is_left_alone(engine: AsyncEngine) -> None:
    pool = PoolUse(engine)
    async with engine.connect() as connection:
        for _ in range(KEPT_LOOKS + 2):
            await pool.give_back()
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_it_looks_by_itself(engine: AsyncEngine) -> None:
    looking = asyncio.create_task(give_back_idle([engine], every=0.01))
    await use(engine, 8)
    async with asyncio.timeout(10):
        while idle(engine):
            await asyncio.sleep(0.01)
    looking.cancel()


async def test_a_full_server_takes_another_process_in_once_this_one_is_idle(engine: AsyncEngine) -> None:
    """What workers that were started first once kept for good: 1,710 of 1,710 webhooks got 503."""
    pool = PoolUse(engine)
    pids = await use(engine, 8)
    for _ in range(KEPT_LOOKS + 1):
        await pool.give_back()
    alive = text("SELECT pid FROM pg_stat_activity")
    async with engine.connect() as connection:
        left = pids & set((await connection.execute(alive)).scalars())
    assert (len(pids), left) == (8, set())
