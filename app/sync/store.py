"""What the engine commits between its calls: intents, results and fences, all under its own fence."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import delete, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Database
from app.models import Connection, WrittenRecord
from app.sync.access import AccessProblem, settle_problems
from app.sync.batch import ACCOUNT_SLOT, PERSON, SLOT_COLUMNS, Batch, SlotKey, Written
from app.sync.describes import keep
from app.sync.leases import Lease, LeaseLost
from app.sync.rows import Operation, Row
from app.sync.rules.statuses import TASK_STATUS
from app.sync.sees_all import OBJECT_PERMISSIONS, kept_body
from app.sync.turns import in_turns

# Locks the rows in the order in which everybody does, and counts those that are still ours.
HOLD = text("""
    WITH held AS (
        SELECT registration_id FROM sync_jobs
        WHERE host_id = :host_id AND registration_id = ANY(:registration_ids)
          AND (NOT :is_fenced OR (state = 'running' AND fence = :fence))
        ORDER BY registration_id FOR UPDATE
    )
    SELECT count(*) AS rows, clock_timestamp() AS now FROM held
""")
RAISE_FENCE = text("""
    INSERT INTO open_creates AS open (org_id, key, host_id, registration_id, started_at, until)
    SELECT :org_id, wanted.key, :host_id, wanted.registration_id,
           clock_timestamp(), clock_timestamp() + :quiet
    FROM unnest(CAST(:keys AS bytea[]), CAST(:registration_ids AS text[])) AS wanted (key, registration_id)
    ORDER BY wanted.key
    ON CONFLICT (org_id, key) DO UPDATE
    SET host_id = excluded.host_id, registration_id = excluded.registration_id,
        started_at = excluded.started_at, until = excluded.until
    WHERE open.until <= clock_timestamp() OR (open.host_id = :host_id AND open.registration_id = ANY(:mine))
    RETURNING key
""")
LISTED = ", ".join(("registration_id", *SlotKey._fields, *SLOT_COLUMNS))
# One text whatever the number of rows: it is read and planned once per connection.
KEEP_SLOTS = text(
    f"""
    INSERT INTO written_records (host_id, org_id, {LISTED}, written_at)
    SELECT :host_id, :org_id, {LISTED}, CASE WHEN state = 'written' THEN clock_timestamp() END
    FROM jsonb_populate_recordset(CAST(NULL AS written_records), CAST(:rows AS jsonb))
    ON CONFLICT (host_id, org_id, registration_id, slot, discriminator) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in (*SLOT_COLUMNS, "written_at"))}
    """  # noqa: S608 -- put together from constants
)
DROP_FENCES = text("""
    DELETE FROM open_creates
    WHERE org_id = :org_id AND host_id = :host_id AND registration_id = ANY(:settled)
""")
MEET_FENCE = text("SELECT key, started_at FROM open_creates WHERE org_id = :org_id AND key = ANY(:keys)")


@dataclass(frozen=True)
class Store:
    """The database as a drain uses it: every write checks that the rows are still this lease's."""

    database: Database
    lease: Lease
    batch: Batch
    quiet: timedelta

    async def hold(self, session: AsyncSession, rows: Sequence[Row]) -> datetime:
        """Lock the rows and confirm the lease; returns the database's time. Raises LeaseLost."""
        asked_at = time.monotonic()
        values = {
            "host_id": self.batch.host_id,
            "registration_ids": [row.job.registration_id for row in rows],
            "fence": self.batch.fence,
            "is_fenced": "fence" not in self.lease.guards_off,
        }
        held = (await session.execute(HOLD, values)).one()
        if held.rows != len(rows) or not rows:
            self.lease.is_lost = True
            raise LeaseLost(f"{len(rows) - held.rows} of {len(rows)} rows belong to another worker")
        self.lease.confirm(asked_at)
        now: datetime = held.now
        return now

    async def save(self, session: AsyncSession, rows: Iterable[Row]) -> None:
        """Write the slots that changed and take away those that are gone."""
        changes = [
            (row.job.registration_id, key, slot)
            async for row in in_turns(rows)
            for key, slot in sorted(row.changed_slots().items())
        ]
        values = [_values(id_, key, slot) for id_, key, slot in changes if slot is not None]
        if values:
            await self._upsert(session, values)
        gone = [(registration_id, *key) for registration_id, key, slot in changes if slot is None]
        if gone:
            await self._remove(session, gone)
        for row in rows:
            row.saved = dict(row.slots)

    async def raise_fences(
        self, session: AsyncSession, operations: Sequence[Operation]
    ) -> dict[bytes, datetime]:
        """Fence the people about to be created; returns the fences of others that stand in the way."""
        fenced = {key: operation for operation in operations for key in operation.fences}
        if not fenced or "open_creates" in self.lease.guards_off:
            return {}
        keys = list(fenced)
        mine = [row.job.registration_id for operation in fenced.values() for row in operation.rows]
        values = {
            "org_id": self.batch.org_id,
            "host_id": self.batch.host_id,
            "keys": keys,
            "registration_ids": [operation.carrier for operation in fenced.values()],
            "mine": mine,
            "quiet": self.quiet,
        }
        raised = set(await session.scalars(RAISE_FENCE, values))
        blocked = [key for key in keys if key not in raised]
        if not blocked:
            return {}
        standing = await session.execute(MEET_FENCE, {"org_id": self.batch.org_id, "keys": blocked})
        return {row.key: row.started_at for row in standing}

    async def tasks_since(self, since: datetime) -> frozenset[str]:
        """The Tasks that we know to have written since then."""
        query = select(WrittenRecord.sf_id).where(
            WrittenRecord.host_id == self.batch.host_id,
            WrittenRecord.org_id == self.batch.org_id,
            WrittenRecord.slot.startswith("task:"),
            WrittenRecord.attempt_started_at >= since,
        )
        async with self.database.tenant(self.batch.host_id) as session:
            return frozenset(each for each in await session.scalars(query) if each)

    async def keep_statuses(self, closed: Sequence[str]) -> None:
        """Keep which statuses close a Task, beside the describes."""
        bodies = {TASK_STATUS: {"closed": list(closed)}}
        async with self.database.tenant(self.batch.host_id) as session:
            await keep(session, bodies, host_id=self.batch.host_id, org_id=self.batch.org_id)

    async def user_id(self) -> str | None:
        """The connected user, as far as known."""
        query = select(Connection.user_id).where(
            Connection.host_id == self.batch.host_id, Connection.org_id == self.batch.org_id
        )
        async with self.database.tenant(self.batch.host_id) as session:
            return (await session.execute(query)).scalar_one_or_none()

    async def keep_sees_all(self, sees_all: Collection[str] | None, *, user_id: str | None) -> None:
        """Keep of which objects this user sees every record, beside the describes; None is unknown."""
        bodies = {OBJECT_PERMISSIONS: kept_body(sees_all, user_id)}
        async with self.database.tenant(self.batch.host_id) as session:
            await keep(session, bodies, host_id=self.batch.host_id, org_id=self.batch.org_id)

    async def note_problems(self, found: Iterable[AccessProblem], *, about: Collection[str]) -> None:
        """Keep what a look showed of the connected user's access; see `settle_problems`."""
        async with self.database.tenant(self.batch.host_id) as session:
            await settle_problems(
                session, found, host_id=self.batch.host_id, org_id=self.batch.org_id, about=about
            )

    async def drop_fences(self, session: AsyncSession, rows: Iterable[Row]) -> None:
        """Take down the fences of people whose creation came to a definite end."""
        values = {
            "org_id": self.batch.org_id,
            "host_id": self.batch.host_id,
            "settled": [row.job.registration_id for row in rows if not _is_creating(row)],
        }
        await session.execute(DROP_FENCES, values)

    async def _upsert(self, session: AsyncSession, values: list[dict[str, Any]]) -> None:
        rows = to_json(values).decode()
        owner = {"host_id": self.batch.host_id, "org_id": self.batch.org_id}
        await session.execute(KEEP_SLOTS, owner | {"rows": rows})

    async def _remove(self, session: AsyncSession, gone: list[tuple[str, str, str]]) -> None:
        key = tuple_(WrittenRecord.registration_id, WrittenRecord.slot, WrittenRecord.discriminator)
        await session.execute(
            delete(WrittenRecord).where(
                WrittenRecord.host_id == self.batch.host_id,
                WrittenRecord.org_id == self.batch.org_id,
                key.in_(gone),
            )
        )


def _values(registration_id: str, key: SlotKey, slot: Written) -> dict[str, Any]:
    whose = {"registration_id": registration_id, "slot": key.slot, "discriminator": key.discriminator}
    return whose | slot._asdict()


def _is_creating(row: Row) -> bool:
    fenced = (row.slots.get(SlotKey(name)) for name in (PERSON, ACCOUNT_SLOT))
    return any(slot is not None and slot.state in ("intended", "ambiguous") for slot in fenced)
