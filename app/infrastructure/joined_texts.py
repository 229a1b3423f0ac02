"""Several texts as one statement, so that one round trip does.

Of several changes each is a common table expression of the last; of several reads each is an array of rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Result, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.direct_session import DirectSession
from app.models.kept_plan import KeptPlan, kept_plan

Change = tuple[TextClause, Mapping[str, Any]]
"""A text that inserts, updates or deletes, and its parameters."""
Read = tuple[TextClause, Mapping[str, Any]]
"""A text that reads, and its parameters."""
PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""As SQLAlchemy finds them in a text."""


async def execute_together(session: AsyncSession, changes: Sequence[Change], last: Change) -> Result[Any]:
    """Carry out all of them; the rows of the last one.

    They see the tables as they were before any of them, so none may lean on another.
    """
    statement = joined(tuple(change for change, _ in changes), last[0])
    values = dict(last[1])
    for place, (_, own) in enumerate(changes):
        values |= {_name(name, place): value for name, value in own.items()}
    return await session.execute(statement, values)


async def read_ahead(session: AsyncSession, reads: Sequence[Read]) -> None:
    """Send all of these at once; each is handed out, once, to whoever asks the session the very same next.

    To be called where all of them are about to be asked for in this transaction, and nothing that they read
    is changed before. A session of another kind is asked one by one, as without this.
    """
    if not isinstance(session, DirectSession):
        return
    for statement, _ in reads:
        await session.columns_of(statement)
    values = {
        _name(name, place): value for place, (_, own) in enumerate(reads) for name, value in own.items()
    }
    found = (await session.execute(_side_by_side(tuple(statement for statement, _ in reads)), values)).one()
    for (statement, own), rows in zip(reads, found, strict=True):
        session.answer(statement, own, rows)


@lru_cache
def _side_by_side(reads: tuple[TextClause, ...]) -> TextClause:
    """Each is planned by itself, as if it stood alone."""
    parts = []
    for place, each in enumerate(reads):
        sql = PARAMETER.sub(":" + _name(r"\1", place), each.text)
        parts.append(f"ARRAY(SELECT found FROM ({sql}) AS found) AS read_{place}")  # noqa: S608 -- constants
    return _alike(reads)(f"SELECT {', '.join(parts)}")


@lru_cache
def joined(changes: tuple[TextClause, ...], last: TextClause) -> TextClause:
    if not changes:
        return last
    parts = []
    for place, each in enumerate(changes):
        sql = PARAMETER.sub(":" + _name(r"\1", place), each.text)
        parts.append(f"change_{place} AS ({sql})")
    return _alike((*changes, last))(f"WITH {', '.join(parts)} {last.text}")


def _alike(parts: Iterable[TextClause]) -> Callable[[str], TextClause]:
    """What makes a text of them: its plan is kept where that of each is."""
    return kept_plan if all(isinstance(each, KeptPlan) for each in parts) else text


@lru_cache(1024)
def _name(parameter: str, place: int) -> str:
    return f"{parameter}_of_{place}"
