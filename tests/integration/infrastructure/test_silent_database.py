"""A database that stops answering on open connections: no call waits for the kernel's timeout."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.config.settings import Settings
from app.infrastructure import acting_role, held_connection
from app.infrastructure.database import SOCKET_OPTIONS, Database
from app.infrastructure.database_errors import is_away
from app.models.kept_plan import kept_plan
from chaos.proxy import LOOPBACK, Proxy

ONE = text("SELECT 1")
CALL = kept_plan("SELECT 1")


@dataclass
class Far:
    """A database behind a proxy."""

    proxy: Proxy
    database: Database

    async def answers(self) -> bool:
        async with self.database.system() as session:
            return bool((await session.execute(ONE)).scalar_one())


@pytest.fixture
async def far(settings: Settings) -> AsyncIterator[Far]:
    port = urlsplit(settings.database_url).port
    assert port is not None
    proxy = Proxy("postgres", port, chance=random.Random(1))
    await proxy.start()
    url = settings.database_url.replace(f":{port}/", f":{proxy.port}/").replace("localhost", LOOPBACK)
    database = Database.connect(url, pool=4)
    yield Far(proxy, database)
    proxy.reset()
    await database.close()
    proxy.close()


async def warm(far: Far, connections: int) -> None:
    barrier = asyncio.Barrier(connections)

    async def hold() -> None:
        async with far.database.system() as session:
            await session.execute(ONE)
            await barrier.wait()

    await asyncio.gather(*(hold() for _ in range(connections)))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent on connections that fell silent, and was waited for in vain."""
    execute, found = asyncpg.Connection.execute, list[str]()

    async def noted(self: Any, query: str, *args: Any, timeout: float | None = None) -> str:
        try:
            return str(await execute(self, query, *args, timeout=timeout))
        except TimeoutError:
            found.append(query)
            raise

    monkeypatch.setattr(asyncpg.Connection, "execute", noted)
    monkeypatch.setattr(acting_role, "BEGIN_SECONDS", 2.0)
    return found


async def test_all_idle_connections_that_fell_silent_cost_one_wait(far: Far, waits: list[str]) -> None:
    await warm(far, 4)
    far.proxy.swallow()
    async with asyncio.timeout(30):
        while not await answers_or_is_away(far):
            pass
        await warm(far, 4)
    assert len(waits) == 1


async def test_calls_over_connections_that_fell_silent_cost_one_wait(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call begins no transaction, and none of them prepared it before."""
    monkeypatch.setattr(held_connection, "CALL_SECONDS", 0.5)
    await warm(far, 4)
    far.proxy.swallow()
    async with asyncio.timeout(30):
        with pytest.raises(DBAPIError) as raised:
            await far.database.call(CALL, {})
    assert is_away(raised.value)
    for _ in range(4):
        assert (await far.database.call(CALL, {})).scalar() == 1


async def answers_or_is_away(far: Far) -> bool:
    try:
        return await far.answers()
    except (DBAPIError, OSError):
        return False


async def test_a_turn_cut_in_the_middle_of_a_transaction_ends_at_once(far: Far) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), far.database.system() as session:
            await session.execute(ONE)
            far.proxy.swallow()
            await session.execute(ONE)
    assert time.monotonic() - began < 5
    assert await far.answers()


async def test_the_direct_connection_is_replaced(far: Far, waits: list[str]) -> None:
    direct = far.database.direct()
    async with direct.unit_of_work() as statements:
        await statements.execute(ONE, {})
    far.proxy.swallow()
    async with direct.unit_of_work() as statements:
        assert [tuple(row) for row in await statements.execute(ONE, {})] == [(1,)]
    assert len(waits) == 1
    await direct.close()


async def test_the_kernel_looks_after_every_socket(far: Far) -> None:
    async with far.database.system() as session:
        connection = await (await session.connection()).get_raw_connection()
        found = connection.driver_connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
    for name, (level, value) in SOCKET_OPTIONS.items():
        assert found.getsockopt(level, getattr(socket, name)) == value, name


async def test_a_server_that_became_read_only_is_left_by_the_whole_pool(far: Far) -> None:
    await warm(far, 3)
    async with far.database.system() as session:
        before = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    with pytest.raises(Exception, match="read-only") as refused:
        async with far.database.system() as session:
            await session.execute(text("SET TRANSACTION READ ONLY"))
            await session.execute(text("DELETE FROM worker_heartbeats"))
    assert is_away(refused.value)
    async with far.database.system() as session:
        after = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        backends = (await session.execute(text("SELECT 1"))).scalar_one()
    assert after != before
    assert backends == 1
