"""What is said to Postgres, as SQLAlchemy hears it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def statements_of(*engines: AsyncEngine) -> Iterator[list[str]]:
    """The statements that these engines send meanwhile, in their order."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    for engine in engines:
        event.listen(engine.sync_engine, "before_cursor_execute", hear)
    yield heard
    for engine in engines:
        event.remove(engine.sync_engine, "before_cursor_execute", hear)
