"""What statements cost in Postgres alone: those of a question are heard, then explained as they run again."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON) "
TAKEN_AS_THEY_ARE = ("SET ", "SELECT set_config")
"""Statements that the plans of others depend on."""

Ask = Callable[[AsyncSession], Awaitable[Any]]
Heard = tuple[str, Any]


@dataclass(frozen=True)
class Cost:
    """Of all statements of one question: milliseconds of execution, pages touched, and their number."""

    milliseconds: float
    pages: int
    statements: int


@contextmanager
def heard(engines: Iterable[AsyncEngine]) -> Iterator[list[Heard]]:
    """The statements that these engines send meanwhile, with their parameters."""
    found: list[Heard] = []

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        found.append((statement, parameters))

    synchronous = [each.sync_engine for each in engines]
    for engine in synchronous:
        event.listen(engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        for engine in synchronous:
            event.remove(engine, "before_cursor_execute", listen)


async def cost_of(session: AsyncSession, statements: Iterable[Heard]) -> Cost:
    """Run them again, explained, in the session's transaction, and take back what they wrote."""
    connection = await session.connection()
    took, pages, count = 0.0, 0, 0
    for statement, parameters in statements:
        if statement.lstrip().startswith(TAKEN_AS_THEY_ARE):
            await connection.exec_driver_sql(statement, parameters)
            continue
        plan = await _explained(connection, statement, parameters)
        took += plan["Execution Time"]
        pages += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        count += 1
    await session.rollback()
    return Cost(took, pages, count)


async def _explained(connection: AsyncConnection, statement: str, parameters: Any) -> dict[str, Any]:
    found = (await connection.exec_driver_sql(EXPLAIN + statement, parameters)).scalar()
    plans: list[dict[str, Any]] = json.loads(found) if isinstance(found, str) else found or []
    return plans[0]
