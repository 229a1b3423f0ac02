"""Notice that the database went back in time: how far it had come is kept in Valkey, where a backup is not.

The name under which it is kept came with the first start and is in the database, so that a copy has it too.
Where Valkey is empty, another one or away, nothing is noticed.
"""

import logging
import secrets
from typing import Final

from sqlalchemy import text

from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.log_limit import LogLimit

log = logging.getLogger(__name__)
limit = LogLimit(log)

PREFIX: Final = "eventship:newest:"
LINEAGE: Final = "lineage"
KEEP_LINEAGE: Final = text("""
    INSERT INTO key_checks (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING
""")
READ_LINEAGE: Final = text("SELECT encode(value, 'hex') FROM key_checks WHERE name = :name")
READ_NEWEST: Final = text("""
    SELECT coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public' AND sequencename = 'changes'
""")


class RestoredCopy(Exception):
    """The database is an earlier one than was here before, and nobody said so."""


async def refuse_restored_copy(database: Database, queue: DrainQueue) -> None:
    """At the start. Raises RestoredCopy."""
    name = await _name(database)
    # The order matters: the database may only have come further than what was noted before.
    noted = await _noted(queue, name)
    newest = await _newest(database)
    if noted > newest:
        raise RestoredCopy(
            f"{database.system_variable} is a restored copy: it is at change {newest} and was at {noted}:"
            " run `eventship-salesforce restored --since TIME` (docs/operations.md#restore)"
        )


class NewestNote:
    """Notes how far the database has come, one turn later: by then it is on disk there."""

    def __init__(self) -> None:
        self._before: int | None = None

    async def write(self, database: Database, queue: DrainQueue) -> None:
        """One turn. What is behind its note is logged, and leaves it as it is."""
        name = await _name(database)
        noted = await _noted(queue, name)
        newest = await _newest(database)
        if noted > newest:
            self._before = None
            limit.log(logging.ERROR, "database_behind", key=name, at=newest, was_at=noted)
            return
        if self._before is not None and self._before > noted:
            await queue.keep(name, str(self._before))
        self._before = newest


async def _name(database: Database) -> str:
    async with database.system() as session:
        lineage = await session.scalar(READ_LINEAGE, {"name": LINEAGE})
        if lineage is None:
            values = {"name": LINEAGE, "value": secrets.token_bytes(16)}
            await session.execute(KEEP_LINEAGE, values)
            lineage = await session.scalar(READ_LINEAGE, {"name": LINEAGE})
    return f"{PREFIX}{lineage}"


async def _newest(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(READ_NEWEST) or 0)


async def _noted(queue: DrainQueue, name: str) -> int:
    kept = await queue.kept(name)
    return int(kept) if kept is not None and kept.isdigit() else 0
