"""One connection past SQLAlchemy, for the path that commits many times a second: the intake.

A unit of work through a session and its pool costs 1.4 ms of processor time before its first statement and
0.25 ms for each; here it is a fifth of that. See docs/performance.md.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.infrastructure.acting_role import PLAN_ANEW
from app.infrastructure.database_errors import is_away, sqlstate
from app.infrastructure.direct_session import positional
from app.infrastructure.log_limit import LogLimit

log = logging.getLogger(__name__)
limit = LogLimit(log)

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CONNECTION_LOST_ERRORS = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
"""What a connection says that its server hung up on, depending on how far it had noticed."""


class SqlExecutor(Protocol):
    """What a session and a direct unit of work have in common: rows are unpacked, not asked by name."""

    async def execute(
        self, statement: TextClause, parameters: Mapping[str, Any], /
    ) -> Iterable[tuple[Any, ...]]: ...


@dataclass
class AsyncpgExecutor:
    """The statements of a session, sent by the driver itself. Raises asyncpg's errors.

    The plan of a KeptPlan is kept, until something else is sent.
    """

    connection: Driver
    _keeps_plans: bool = True

    async def execute(
        self, statement: TextClause, parameters: Mapping[str, Any], /
    ) -> Iterable[tuple[Any, ...]]:
        plain = positional(statement)
        if self._keeps_plans and not plain.keeps_plan:
            self._keeps_plans = False
            await self.connection.fetch(PLAN_ANEW)
        values = (parameters[name] for name in plain.names)
        rows: list[asyncpg.Record] = await self.connection.fetch(plain.sql, *values)
        return rows


class DedicatedConnection:
    """One connection of the engine's pool, held from the first unit of work until one fails.

    Units of work follow each other; only one is open at a time.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: tuple[AsyncConnection, Driver] | None = None

    @asynccontextmanager
    async def unit_of_work(self, first: str = "") -> AsyncIterator[SqlExecutor]:
        """One transaction, committed at the end; whatever fails in it, its connection is given up.

        `first` is a statement without parameters and rows that goes with the BEGIN, in its round trip.
        """
        try:
            driver = await self._begun(f"BEGIN; {first}")
            yield AsyncpgExecutor(driver)
            await driver.execute("COMMIT")
        except BaseException:
            await self.close()
            raise

    async def call(self, statement: TextClause, parameters: Mapping[str, Any]) -> Any:
        """The only value of a statement that is a transaction by itself: one round trip.

        It acts as the login, so all that it does is a function's, which takes its role. None where Postgres
        could not do it, or the connection was lost: whether it was done is not known then. A refusal that
        another transaction does not explain is logged: whoever calls does the same in another way.
        """
        try:
            plain, driver = positional(statement), await self._opened()
            return await driver.fetchval(plain.sql, *(parameters[name] for name in plain.names))
        except CONNECTION_LOST_ERRORS as error:
            if not (is_away(error) or isinstance(error, asyncpg.SerializationError)):
                refused, state = type(error).__name__, sqlstate(error)
                limit.log(logging.WARNING, "call_refused", key=refused, error=refused, sqlstate=state)
            await self.close()
            return None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give up the connection, without waiting for whoever is at its other end."""
        held, self._held = self._held, None
        if held is not None:
            connection, driver = held
            driver.terminate()
            await connection.invalidate()
            await connection.close()

    async def _begun(self, begin: str) -> Driver:
        """In a transaction; a connection that was lost while it was idle is replaced."""
        if self._held is not None:
            try:
                await _begin(self._held[1], begin)
                return self._held[1]
            except CONNECTION_LOST_ERRORS:
                await self.close()
        driver = await self._opened()
        await _begin(driver, begin)
        return driver

    async def _opened(self) -> Driver:
        if self._held is None:
            connection = await self._engine.connect()
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection)
            self._held = connection, driver
        return self._held[1]


async def _begin(driver: Driver, begin: str) -> None:
    acting: Any = driver
    acting.keeps_plans = True
    await driver.execute(begin)
