"""A pool's connection for one transaction, begun and ended by the driver itself.

SQLAlchemy's own for it takes greenlets, events and finalizers: as much as all that is said to Postgres. It is
made over the same connection for whoever needs it: a session proper, an error, a rollback. From then on the
transaction ends by it.
"""

import asyncio
import weakref
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn, Self

import asyncpg
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.pool.base import _ConnectionFairy
from sqlalchemy.util import greenlet_spawn

from app.infrastructure.connection_pool import ShrinkingPool

OUTDATED = (
    AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError,
    AsyncAdapt_asyncpg_dbapi.InternalServerError,
)
"""What a prepared statement says whose tables or types were changed since, by a migration for instance."""


CALL_SECONDS: Final = 5.0
"""The longest that a call may take which begins no transaction; its function waits less for a lock.
A server that fell silent costs all connections that are as old."""


class Answer(NamedTuple):
    """Rows, the names of their columns, and Postgres' words for what was done."""

    rows: Sequence[Any]
    columns: tuple[str, ...]
    status: str


class HeldConnection:
    """One transaction of `engine`. Raises SQLAlchemy's errors.

    Listeners of the engine are told of statements and commits without the connection; those of the pool's
    `checkout` and `checkin` hear only of connections that were idle for long, or are new.
    """

    __slots__ = ("_connection", "_engine", "_entry", "_pool", "adapted", "begins_as")

    def __init__(
        self, engine: Engine, entry: ConnectionPoolEntry | None, connection: Connection | None
    ) -> None:
        self._engine: Any = engine
        self._pool: Any = engine.pool
        self._entry, self._connection = entry, connection
        found = entry.dbapi_connection if entry is not None else None
        self.adapted: Any = found if connection is None else connection.connection.dbapi_connection
        self.begins_as: tuple[str | None, bool, bool] = None, False, True
        """The tenant, whether plans are kept, whether the commit waits for the disk: see `acting_as`."""

    @classmethod
    async def of(cls, engine: Engine) -> Self:
        """A connection of the pool; its first statement begins the transaction."""
        pool = engine.pool
        entry = pool.take_fresh() if isinstance(pool, ShrinkingPool) else None
        return cls(engine, entry, await greenlet_spawn(_begun, engine) if entry is None else None)

    @property
    def driver(self) -> Any:
        """The driver's connection."""
        return self.adapted._connection

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection, in the same transaction."""
        if self._connection is None:
            self._connection = Connection(self._engine, connection=self._checked_out())
            self._connection.begin()
        return self._connection

    async def begin(self) -> None:
        try:
            await self._start()
        except self.adapted.dbapi.Error as error:
            await self._fail(error, "BEGIN", ())

    async def execute(self, sql: str, values: tuple[Any, ...], *, is_alone: bool = False) -> Answer:
        """`is_alone`: it is a transaction by itself, as the login, answered within CALL_SECONDS."""
        engine, adapted = self._engine, self.adapted
        if engine._has_events:
            for hear in engine.dispatch.before_cursor_execute:
                hear(self._connection, None, sql, values, None, False)
        try:
            async with adapted._execute_mutex:
                if adapted._transaction is None and not is_alone:
                    await self._start()
                try:
                    if not is_alone:
                        return await self._answer(sql, values)
                    async with asyncio.timeout(CALL_SECONDS):
                        return await self._answer(sql, values)
                except Exception as error:
                    adapted._handle_exception(self._as_lost(error) if is_alone else error)
                    raise
        except adapted.dbapi.Error as error:
            if isinstance(error, OUTDATED):
                engine.dialect._invalidate_schema_cache()
            await self._fail(error, sql, values)

    async def _answer(self, sql: str, values: tuple[Any, ...]) -> Answer:
        # Statements that were prepared before this time are prepared anew.
        statement, about = await self.adapted._prepare(
            sql, self._engine.dialect._invalidate_schema_cache_asof
        )
        rows = await statement.fetch(*values)
        return Answer(rows, tuple([each.name for each in about or ()]), statement.get_statusmsg())

    def _as_lost(self, error: Exception) -> Exception:
        """As of a connection that was lost where the server fell silent: what `acting_as` says of a BEGIN."""
        if not isinstance(error, TimeoutError):
            return error
        self.driver.terminate()
        lost: Exception = asyncpg.ConnectionDoesNotExistError("the database fell silent")
        return lost

    async def commit(self) -> None:
        """Commit and give the connection back. Where that fails it is still held."""
        if self._connection is not None:
            await greenlet_spawn(_commit, self._connection)
            return
        adapted, engine = self.adapted, self._engine
        if adapted._transaction is not None:
            if engine._has_events:
                for hear in engine.dispatch.commit:
                    hear(None)
            try:
                try:
                    await adapted._call_and_discard(adapted._transaction.commit)
                except Exception as error:
                    adapted._handle_exception(error)
            except adapted.dbapi.Error as error:
                await self._fail(error, "COMMIT", ())
            except BaseException:
                # Whether it was committed is not known, and its answer may still come.
                self.driver.terminate()
                raise
        self._pool.give_back(self._entry)

    async def invalidate(self) -> None:
        """Cut the connection, whatever it is at."""
        await greenlet_spawn(self.connection.invalidate)

    async def close(self) -> None:
        """Roll back what was not committed, and give the connection back."""
        await greenlet_spawn(self.connection.close)

    async def _start(self) -> None:
        """Said to the driver no earlier: whoever fails before its BEGIN leaves nothing to the next one."""
        driver = self.driver
        driver.tenant, driver.keeps_plans, driver.waits_for_disk = self.begins_as
        await self.adapted._start_transaction()

    async def _fail(self, error: Exception, sql: str, values: tuple[Any, ...]) -> NoReturn:
        """As SQLAlchemy says it; a connection that was lost is given up, and all that are as old."""
        raise await greenlet_spawn(self.connection._handle_dbapi_exception, error, sql, values, None, None)

    def _checked_out(self) -> _ConnectionFairy:
        """As the pool's own way hands out a connection."""
        entry: Any = self._entry
        found = _ConnectionFairy(self._pool, entry.dbapi_connection, entry, self._pool._should_log_debug())
        # As SQLAlchemy has it: without a callback the reference may outlive what it names.
        entry.fairy_ref = weakref.ref(found, lambda _: None)
        found._counter = 1
        return found


def _begun(engine: Engine) -> Connection:
    """A connection that is in a transaction as far as SQLAlchemy knows; its first statement begins it."""
    connection = engine.connect()
    connection.begin()
    return connection


def _commit(connection: Connection) -> None:
    if connection.in_transaction():
        connection.commit()
    connection.close()
