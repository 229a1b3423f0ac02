"""Idle connections are closed, so that one process cannot keep another from connecting."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure import connection_pool
from app.infrastructure.connection_pool import (
    KEPT_LOOKS,
    PoolUse,
    ShrinkingPool,
    connections_of,
    give_back_idle,
)
from app.infrastructure.database import Database
from app.infrastructure.database_errors import SERVER_FULL, sqlstate
from tests.scraped import counted

ONE = text("SELECT 1")
PID = text("SELECT pg_backend_pid()")


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


async def test_the_connection_that_was_used_last_is_used_next(settings: Settings) -> None:
    """A worker's chores leave a dozen behind: taken in turns, each planned a lease anew, which takes 3 ms."""
    async with Database.connect(settings.database_url, pool=8) as database:
        engine = database.engines[1]
        await use(engine, 8)
        taken = {await pid_of(database) for _ in range(8)}
        assert len(taken | await use(engine, 1)) == 1


async def pid_of(database: Database) -> int:
    async with database.system() as session:
        return int((await session.execute(PID)).scalar_one())


async def test_those_that_were_idle_for_longest_are_given_back_first(engine: AsyncEngine) -> None:
    pool, used_last = PoolUse(engine), set[int]()
    await use(engine, 8)
    for _ in range(KEPT_LOOKS + 1):
        used_last = await use(engine, 1)
        await pool.give_back()
    assert (idle(engine), await use(engine, 1)) == (1, used_last)


@pytest.mark.parametrize(("seconds", "left"), [(60.0, 1), (0.0, 0)])
async def test_an_idle_process_holds_one_connection_and_later_none(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, seconds: float, left: int
) -> None:
    """Most hosts have one registration in minutes: on a new connection it took 311 ms instead of 261."""
    monkeypatch.setattr(connection_pool, "LAST_KEPT_SECONDS", seconds)
    pool = PoolUse(engine)
    await use(engine, 8)
    for _ in range(KEPT_LOOKS + 2):
        await pool.give_back()
    assert idle(engine) == left


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
        while idle(engine) > 1:
            await asyncio.sleep(0.01)
    looking.cancel()


async def test_what_one_pool_needs_the_other_one_gives_back_at_once(
    settings: Settings, owner: AsyncEngine
) -> None:
    """A worker's system role once held all connections idle, and its tenants' role got none for 34 s."""
    async with owner.begin() as connection:
        await connection.execute(text("CREATE ROLE es_few LOGIN CONNECTION LIMIT 4 IN ROLE eventship_app"))
        await connection.execute(text("GRANT eventship_system TO es_few"))
    url = make_url(settings.database_url).set(username="es_few").render_as_string(hide_password=False)
    database = Database.connect(url, pool=8)
    looking = asyncio.create_task(give_back_idle(database.engines, every=3600))
    tenants, system = database.engines
    try:
        await use(system, 4)
        async with asyncio.timeout(10):
            while not await has_one(tenants):
                await asyncio.sleep(0.05)
        assert idle(system) == 0
    finally:
        looking.cancel()
        await database.close()
        async with owner.begin() as connection:
            await connection.execute(text("DROP ROLE es_few"))


async def has_one(engine: AsyncEngine) -> bool:
    try:
        return len(await use(engine, 1)) == 1
    except DBAPIError as error:
        if sqlstate(error) != SERVER_FULL:
            raise
        return False


async def test_a_full_server_takes_another_process_in_once_this_one_is_idle(engine: AsyncEngine) -> None:
    """What workers that were started first once kept for good: 1,710 of 1,710 webhooks got 503."""
    pool = PoolUse(engine)
    pids = await use(engine, 8)
    for _ in range(KEPT_LOOKS + 1):
        await pool.give_back()
    alive = text("SELECT pid FROM pg_stat_activity")
    async with engine.connect() as connection:
        left = pids & set((await connection.execute(alive)).scalars())
    assert (len(pids), len(left)) == (8, 1)


async def test_waits_and_timeouts_are_counted_by_role(settings: Settings) -> None:
    async with Database.connect(settings.database_url, pool=1) as database:
        engine = database.engines[1]
        engine.sync_engine.pool._timeout = 0.01  # type: ignore[attr-defined]
        waits = counted("db_pool_wait_seconds_count", role="system")
        late = counted("db_pool_timeouts_total", role="system")
        async with engine.connect():
            assert dict(connections_of([engine])) == {
                ("system", "idle"): 0,
                ("system", "used"): 1,
                ("system", "overflow"): 0,
            }
            with pytest.raises(PoolTimeout):
                async with engine.connect():
                    pass
        assert counted("db_pool_timeouts_total", role="system") == late + 1
        assert counted("db_pool_wait_seconds_count", role="system") == waits + 2
        await engine.dispose()  # makes another pool, of the same name
        async with engine.connect():
            assert counted("db_pool_wait_seconds_count", role="system") == waits + 3


async def pings_of(database: Database, monkeypatch: pytest.MonkeyPatch, *, idle_seconds: float) -> int:
    """How often a connection that was used is asked whether it lives, over three more uses."""
    pings = 0
    [_, engine] = database.engines
    ping = engine.sync_engine.dialect.do_ping

    def noted(connection: Any) -> bool:
        nonlocal pings
        pings += 1
        return ping(connection)

    monkeypatch.setattr(engine.sync_engine.dialect, "do_ping", noted)
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", idle_seconds)
    for _ in range(4):
        async with database.system() as session:
            await session.execute(ONE)
    return pings


@pytest.mark.parametrize(("idle_seconds", "pings"), [(60.0, 0), (0.0, 3)])
async def test_a_connection_is_asked_whether_it_lives_only_after_it_was_idle(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, idle_seconds: float, pings: int
) -> None:
    async with Database.connect(settings.database_url, pool=2) as database:
        assert await pings_of(database, monkeypatch, idle_seconds=idle_seconds) == pings


@pytest.mark.parametrize("idle_seconds", [60.0, 0.0])
async def test_connections_whose_server_hung_up_are_replaced_before_their_next_use(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, idle_seconds: float
) -> None:
    async with Database.connect(settings.database_url, pool=2) as database:
        async with database.tenant("host_1") as session, database.system() as other:
            await other.execute(ONE)
            await session.execute(ONE)
        monkeypatch.setattr(connection_pool, "IDLE_SECONDS", idle_seconds)
        await end_connections_of(settings, database)
        async with database.tenant("host_1") as session, database.system() as other:
            assert (await session.execute(ONE)).scalar_one() == (await other.execute(ONE)).scalar_one() == 1


async def end_connections_of(settings: Settings, database: Database) -> None:
    """End the idle connections of both engines at the server, and let this process hear of it."""
    pids = [pid for engine in database.engines for pid in await use(engine, 1)]
    async with Database.connect(settings.database_url, pool=2) as another, another.system() as session:
        await session.execute(text("RESET ROLE"))
        for pid in pids:
            await session.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": pid})


@pytest.mark.parametrize("idle_seconds", [60.0, 0.0])
async def test_a_connection_that_ends_as_a_tenants_transaction_begins_is_replaced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, idle_seconds: float
) -> None:
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", idle_seconds)
    async with Database.connect(settings.database_url, pool=2) as database:
        async with database.tenant("host_1") as session:
            await session.execute(ONE)
        engine = database.engines[0].sync_engine
        ended: list[Any] = []

        def end(connection: Any, *_: object) -> None:
            if not ended:
                ended.append(connection)
                connection.driver_connection.terminate()

        def taken(pool: ShrinkingPool) -> Any:
            if (found := take_fresh(pool)) is not None:
                end(found)
            return found

        take_fresh = ShrinkingPool.take_fresh
        monkeypatch.setattr(ShrinkingPool, "take_fresh", taken)
        event.listen(engine, "checkout", end)
        async with database.tenant("host_1") as session:
            assert (await session.execute(ONE)).scalar_one() == 1
        assert len(ended) == 1


async def test_a_connection_that_was_just_used_counts_as_any_other(settings: Settings) -> None:
    async with Database.connect(settings.database_url, pool=2) as database:
        engine = database.engines[1]
        async with database.system() as session:
            await session.execute(ONE)
        waits = counted("db_pool_wait_seconds_count", role="system")
        use = PoolUse(engine)
        async with database.system() as session:
            await session.execute(ONE)
            found = dict(connections_of([engine]))
            assert (found["system", "used"], found["system", "idle"]) == (1, 0)
            assert "sync_session" not in vars(session)
        assert idle(engine) == 1
        assert counted("db_pool_wait_seconds_count", role="system") == waits + 1
        assert use.unneeded() == 0


async def test_no_more_connections_are_handed_out_than_the_pool_has(settings: Settings) -> None:
    """Whoever waits gets the connection that a transaction of texts gives back."""
    async with Database.connect(settings.database_url, pool=1) as database:
        for _ in range(2):
            async with database.system() as session:
                await session.execute(ONE)
                waiting = asyncio.create_task(use(database.engines[1], 1))
                await asyncio.sleep(0.05)
                assert not waiting.done()
            assert len(await waiting) == 1


async def test_whoever_commits_one_transaction_after_another_keeps_no_connection_from_others(
    settings: Settings,
) -> None:
    turns: list[str] = []

    async def commit_again_and_again(name: str) -> None:
        for _ in range(20):
            async with database.system() as session:
                await session.execute(ONE)
            turns.append(name)

    async with Database.connect(settings.database_url, pool=1) as database:
        await asyncio.gather(*(commit_again_and_again(name) for name in "abc"))
    assert {name: turns[:30].count(name) for name in "abc"} == {"a": 10, "b": 10, "c": 10}


async def test_after_a_lost_connection_no_older_one_is_taken_as_it_is(settings: Settings) -> None:
    async with Database.connect(settings.database_url, pool=2) as database:
        pool = database.engines[1].sync_engine.pool
        assert isinstance(pool, ShrinkingPool)
        async with database.system() as session, database.system() as other:
            await session.execute(ONE)
            await other.execute(ONE)
        with pytest.raises(DBAPIError) as lost:
            async with database.system() as session:
                await session.execute(ONE)
                session._held.driver.terminate()  # type: ignore[attr-defined]
                await session.execute(ONE)
        assert lost.value.connection_invalidated
        assert pool.take_fresh() is None
