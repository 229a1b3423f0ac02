"""Several changes as one statement: each is a common table expression of the last, so one round trip does."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Result, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

Change = tuple[TextClause, Mapping[str, Any]]
"""A text that inserts, updates or deletes, and its parameters."""
PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""As SQLAlchemy finds them in a text."""


async def execute_together(session: AsyncSession, changes: Sequence[Change], last: Change) -> Result[Any]:
    """Carry out all of them; the rows of the last one.

    They see the tables as they were before any of them, so none may lean on another.
    """
    statement = _joined(tuple(change for change, _ in changes), last[0])
    values = dict(last[1])
    for place, (_, own) in enumerate(changes):
        values |= {_name(name, place): value for name, value in own.items()}
    return await session.execute(statement, values)


@lru_cache
def _joined(changes: tuple[TextClause, ...], last: TextClause) -> TextClause:
    if not changes:
        return last
    parts = []
    for place, each in enumerate(changes):
        sql = PARAMETER.sub(":" + _name(r"\1", place), each.text)
        parts.append(f"change_{place} AS ({sql})")
    return text(f"WITH {', '.join(parts)} {last.text}")


def _name(parameter: str, place: int) -> str:
    return f"{parameter}_of_{place}"
