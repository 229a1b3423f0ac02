"""A session whose texts are sent by the driver itself: all that SQLAlchemy does for one costs more than it.

Whoever adds objects, selects entities or opens a savepoint has a session as ever, in the same transaction.
See docs/performance.md.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Result, TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from app.infrastructure.acting_role import PLAN_ANEW
from app.infrastructure.held_connection import HeldConnection
from app.models.kept_plan import KeptPlan

TEXTS_MAX: Final = 1024
"""Texts that are kept compiled; all of the service's are constants."""

CHANGED: Final = re.compile(r"(?:SELECT|UPDATE|DELETE|INSERT \d+) (\d+)")
"""Postgres' words for what a statement did, and how many rows it was about."""

COLUMNS: Final[dict[str, tuple[str, ...]]] = {}
"""The columns of texts that were asked for them."""


class PositionalText(NamedTuple):
    """A statement with `$1`, and the names of its parameters in their order.

    `is_plain`: the driver takes the parameters as they are. `keeps_plan`: it is a KeptPlan.
    """

    sql: str
    names: tuple[str, ...]
    is_plain: bool = True
    keeps_plan: bool = False


class DirectResult(IteratorResult[Any]):
    """The rows of a text, and what Postgres said that it did."""

    status: str = ""

    @property
    def rowcount(self) -> int:
        """How many rows it changed; -1 where that was not said."""
        found = CHANGED.match(self.status)
        return int(found[1]) if found else -1


class DirectSession(AsyncSession):
    """One transaction of `engine`, begun by its first statement, or by `begin_for` for one tenant.

    Texts with plain parameters go by the driver; the session proper is made for anything else, and joins the
    transaction. Both raise SQLAlchemy's errors, and both are heard by `before_cursor_execute`.
    """

    def __init__(self, engine: AsyncEngine, *, info: dict[str, Any], waits_for_disk: bool = True) -> None:
        # The parent's would make the session proper, a fifth of what a short transaction costs.
        self._engine = engine.sync_engine
        self._info = info
        self._waits_for_disk = waits_for_disk
        self._held: HeldConnection | None = None
        self._answered: dict[TextClause, tuple[Mapping[str, Any], Result[Any]]] = {}
        self._keeps_plans = False

    @cached_property
    def sync_session(self) -> Session:  # type: ignore[override]  # made where it is needed
        return self._assign_proxied(
            Session(
                self._engine if self._held is None else self._held.connection,
                info=self._info,
                expire_on_commit=False,
                join_transaction_mode="control_fully",
            )
        )

    @property
    def _proxied(self) -> Session:  # type: ignore[override]
        return self.sync_session

    @property
    def info(self) -> dict[Any, Any]:
        return self._info

    async def begin_for(self, host_id: str, *, keeps_plans: bool = False) -> None:
        """Begin with the rows of this tenant alone in sight.

        Nothing was done before it, so a connection that turns out to have ended is replaced once.
        """
        try:
            await self._begin_for(host_id, keeps_plans)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            await self.close()
            await self._begin_for(host_id, keeps_plans)

    async def call(self, function: KeptPlan, params: Mapping[str, Any]) -> Result[Any]:
        """The rows of a function that is a transaction by itself, and takes its role."""
        return await self._send(positional(function), params, is_alone=True)

    async def columns_of(self, statement: TextClause) -> tuple[str, ...]:
        """The names of the statement's columns; Postgres is asked for them once."""
        plain = positional(statement)
        if plain.sql not in COLUMNS:
            prepared = await (await self._driver()).prepare(plain.sql)
            COLUMNS[plain.sql] = tuple(each.name for each in prepared.get_attributes())
        return COLUMNS[plain.sql]

    def answer(self, statement: TextClause, params: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> None:
        """Rows that were read already: whoever asks this next, with the same parameters, gets them."""
        columns = COLUMNS[positional(statement).sql]
        self._answered[statement] = params, DirectResult(_metadata(columns), iter(rows))

    async def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        if self._answered and statement in self._answered:
            asked, rows = self._answered.pop(statement)
            if asked == params:
                return rows
        plain = None if options else self._as_direct(statement, params)
        if plain is not None:
            return await self._send(plain, params or {})
        await self._plan_anew()
        return await super().execute(statement, params, **options)

    async def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        return (await self.execute(statement, params, **options)).scalar()

    async def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:
        return (await self.execute(statement, params, **options)).scalars()

    async def commit(self) -> None:
        if self._has_session:
            await super().commit()
        if self._held is not None:
            await self._held.commit()
            self._held = None
            if self._engine.pool.awaited:  # type: ignore[attr-defined]  # engine_for makes a ShrinkingPool
                # Else whoever begins the next transaction at once takes the connection again, and again.
                await asyncio.sleep(0)

    async def rollback(self) -> None:
        """Undo all of it; what followed would be another transaction, bound to no tenant."""
        await self.close()

    async def invalidate(self) -> None:
        if self._has_session:
            await super().invalidate()
        if self._held is not None:
            await self._held.invalidate()

    async def close(self) -> None:
        if self._has_session:
            await super().close()
        if self._held is not None:
            await self._held.close()
            self._held = None

    async def __aexit__(self, *error: object) -> None:
        if self._has_session or self._held is not None:
            await super().__aexit__(*error)

    @property
    def _has_session(self) -> bool:
        return "sync_session" in vars(self)

    def _as_direct(self, statement: Any, params: Any) -> PositionalText | None:
        """The text to be sent by the driver; None for what the session proper has to say."""
        if not isinstance(statement, TextClause) or not (params is None or isinstance(params, dict)):
            return None
        if self._has_session and self._is_for_session(self.sync_session):
            return None
        plain = positional(statement)
        return plain if plain.is_plain else None

    def _is_for_session(self, session: Session) -> bool:
        """Whether the session proper has to do something before any text: flush, open a savepoint, refuse."""
        is_open = self._held is not None and session.is_active and not session.in_nested_transaction()
        return not is_open or bool(session.new or session.dirty or session.deleted)

    async def _driver(self) -> Any:
        return (await self._opened(keeps_plans=False)).driver

    async def _opened(self, keeps_plans: bool, host_id: str | None = None) -> HeldConnection:
        """The connection; whether its transaction keeps plans is settled by what begins it."""
        if self._held is None:
            self._held = await HeldConnection.of(self._engine)
            self._held.begins_as = host_id, keeps_plans, self._waits_for_disk
            self._keeps_plans = keeps_plans
        return self._held

    async def _plan_anew(self) -> None:
        """Before what is no KeptPlan: the rest of the transaction is planned for the rows that are there."""
        if self._keeps_plans:
            self._keeps_plans = False
            await self._send(PositionalText(PLAN_ANEW, ()), {})

    async def _begin_for(self, host_id: str, keeps_plans: bool) -> None:
        held = await self._opened(keeps_plans, host_id)
        await held.begin()

    async def _send(
        self, plain: PositionalText, params: Mapping[str, Any], *, is_alone: bool = False
    ) -> Result[Any]:
        if not plain.keeps_plan:
            await self._plan_anew()
        values = tuple([params[name] for name in plain.names])
        held = await self._opened(plain.keeps_plan)
        rows, columns, status = await held.execute(plain.sql, values, is_alone=is_alone)
        result = DirectResult(_metadata(columns), iter(rows))
        result.status = status
        return result


@lru_cache(TEXTS_MAX)
def positional(statement: TextClause) -> PositionalText:
    """The statement as the driver takes it."""
    compiled: Any = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
    are_given = all(each.required for each in compiled.binds.values())
    is_plain = are_given and not compiled._bind_processors and not compiled.post_compile_params
    keeps_plan = isinstance(statement, KeptPlan)
    return PositionalText(str(compiled), tuple(compiled.positiontup or ()), is_plain, keeps_plan)


@lru_cache(TEXTS_MAX)
def _metadata(columns: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(columns)
