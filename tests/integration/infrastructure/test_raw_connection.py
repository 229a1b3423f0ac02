"""The raw connection: commits, rolls back failures, and reconnects after the server closed it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.infrastructure.raw_connection import CONNECTION_LOST_ERRORS, DedicatedConnection, SqlExecutor

KEEP = text("INSERT INTO hosts (host_id) VALUES (:host_id)")
FIND = text("SELECT host_id FROM hosts ORDER BY host_id")
MY_BACKEND = text("SELECT pg_backend_pid()")
END_BACKEND = text("SELECT pg_terminate_backend(:pid)")
NOBODY_LISTENS = "postgresql+asyncpg://owner@127.0.0.1:1/postgres"


@pytest.fixture
async def direct(database: Database) -> AsyncIterator[DedicatedConnection]:
    direct = database.direct()
    yield direct
    await direct.close()


async def backend(statements: SqlExecutor) -> int:
    [(pid,)] = await statements.execute(MY_BACKEND, {})
    return int(pid)


async def hosts(database: Database) -> list[str]:
    async with database.system() as session:
        return list(await session.scalars(FIND))


async def test_unit_of_work_is_committed_over_the_same_connection(
    database: Database, direct: DedicatedConnection
) -> None:
    pids = []
    for number in range(3):
        async with direct.unit_of_work() as statements:
            await statements.execute(KEEP, {"host_id": f"host_{number}"})
            pids.append(await backend(statements))
    assert await hosts(database) == ["host_0", "host_1", "host_2"]
    assert len(set(pids)) == 1


async def test_what_fails_leaves_nothing_and_gives_up_its_connection(
    database: Database, direct: DedicatedConnection
) -> None:
    async with direct.unit_of_work() as statements:
        before = await backend(statements)
    with pytest.raises(ZeroDivisionError):
        async with direct.unit_of_work() as statements:
            await statements.execute(KEEP, {"host_id": "host_1"})
            raise ZeroDivisionError
    async with direct.unit_of_work() as statements:
        after = await backend(statements)
    assert await hosts(database) == []
    assert after != before


async def end(owner: AsyncEngine, pid: int) -> None:
    async with owner.connect() as connection:
        await connection.execute(END_BACKEND, {"pid": pid})


async def test_connection_that_was_lost_while_idle_is_replaced(
    database: Database, direct: DedicatedConnection, owner: AsyncEngine
) -> None:
    async with direct.unit_of_work() as statements:
        lost = await backend(statements)
    await end(owner, lost)
    async with direct.unit_of_work() as statements:
        await statements.execute(KEEP, {"host_id": "host_1"})
    assert await hosts(database) == ["host_1"]


async def test_connection_that_is_lost_within_is_the_callers_to_judge(
    database: Database, direct: DedicatedConnection, owner: AsyncEngine
) -> None:
    """Whether it was committed is not known, so nothing is sent a second time."""
    with pytest.raises(CONNECTION_LOST_ERRORS):
        async with direct.unit_of_work() as statements:
            await statements.execute(KEEP, {"host_id": "host_1"})
            await end(owner, await backend(statements))
            await statements.execute(KEEP, {"host_id": "host_2"})
    assert await hosts(database) == []


async def test_one_that_is_cancelled_leaves_nothing_and_does_not_wait(
    database: Database, direct: DedicatedConnection
) -> None:
    async with database.system() as session:
        await session.execute(text("LOCK TABLE hosts"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), direct.unit_of_work() as statements:
                await statements.execute(KEEP, {"host_id": "host_1"})
    assert await hosts(database) == []


async def test_connections_go_back_to_the_pool(database: Database) -> None:
    """More units fail than the pool has connections."""
    direct = database.direct()
    for _ in range(25):
        with pytest.raises(ZeroDivisionError):
            async with direct.unit_of_work():
                raise ZeroDivisionError
    async with direct.unit_of_work() as statements:
        assert await backend(statements)
    await direct.close()


async def test_server_that_is_away_is_an_os_error() -> None:
    away = Database.connect(NOBODY_LISTENS)
    with pytest.raises(ConnectionRefusedError):
        async with away.direct().unit_of_work():
            pass
    await away.close()


@pytest.mark.parametrize(
    ("statement", "logged"),
    [
        pytest.param("SELECT no_such_function()", ["call_refused"], id="refused"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", [], id="another-was-first"),
        pytest.param("SELECT pg_terminate_backend(pg_backend_pid())", [], id="lost"),
    ],
)
async def test_a_call_that_is_refused_is_logged(
    direct: DedicatedConnection, caplog: pytest.LogCaptureFixture, statement: str, logged: list[str]
) -> None:
    """Its caller goes another way, and nobody would hear of it."""
    assert await direct.call(text(statement), {}) is None
    assert [record.message for record in caplog.records] == logged
    assert await direct.call(text("SELECT 1"), {}) == 1
