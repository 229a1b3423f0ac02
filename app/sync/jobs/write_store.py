"""What the engine commits between its calls: intents, results and create locks, all under its own fence."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import TextClause, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.joined_texts import Change
from app.infrastructure.json_rows import JSON_TYPE, as_rows, rows_of
from app.models import Connection, WrittenRecord
from app.models.kept_plan import kept_plan
from app.states import WriteState
from app.sync.jobs.leases import Lease, LeaseLost
from app.sync.lookup.access import AccessProblem, store_problems
from app.sync.lookup.describe_cache import store_describes
from app.sync.model.batch import ACCOUNT_SLOT, PERSON, SLOT_COLUMNS, Batch, SlotKey, WrittenSlot
from app.sync.model.cooperative import yielding
from app.sync.model.work_item import WorkItem, WriteOperation

# Locks the rows in the order in which everybody does, and counts those that are still ours.
HELD = """
    WITH held AS (
        SELECT FROM (
            SELECT id FROM unnest(CAST(:registration_ids AS text[])) AS id ORDER BY id
        ) AS wanted CROSS JOIN LATERAL (
            SELECT FROM sync_jobs
            WHERE host_id = :host_id AND registration_id BETWEEN wanted.id AND wanted.id
              AND (NOT :is_fenced OR (state = 'running' AND fence = :fence))
            ORDER BY registration_id FOR UPDATE
        ) AS job
    )
"""
LOCK_JOBS = kept_plan(f"{HELD} SELECT count(*) AS rows, clock_timestamp() AS now FROM held")  # noqa: S608 -- constants
# People are locked after all rows, and only where all are ours: the count is asked for before the first one.
# Keys travel as hexadecimal digits: of an array of bytes the driver asks each new connection what that is, by
# a query that takes Postgres 18 ms to plan.
LOCK_JOBS_AND_PEOPLE = kept_plan(
    f"""
    {HELD}, locked AS (
        INSERT INTO create_locks AS open (org_id, key, host_id, registration_id, started_at, until)
        SELECT :org_id, wanted.key, :host_id, wanted.registration_id,
               clock_timestamp(), clock_timestamp() + :window
        FROM unnest(CAST(:keys AS text[]), CAST(:creating AS text[])) AS given (key, registration_id)
        CROSS JOIN LATERAL (SELECT decode(given.key, 'hex') AS key, given.registration_id) AS wanted
        WHERE (SELECT count(*) FROM held) = cardinality(CAST(:registration_ids AS text[]))
        ORDER BY wanted.key
        ON CONFLICT (org_id, key) DO UPDATE
        SET host_id = excluded.host_id, registration_id = excluded.registration_id,
            started_at = excluded.started_at, until = excluded.until
        WHERE open.until <= clock_timestamp()
           OR (open.host_id = :host_id AND open.registration_id = ANY(:mine))
        RETURNING key
    )
    SELECT counted.rows, clock_timestamp() AS now, ARRAY(SELECT encode(key, 'hex') FROM locked) AS locked
    FROM (SELECT count(*) AS rows FROM held) AS counted
    """  # noqa: S608 -- put together from constants
)
SLOT_TYPES: Final = {
    "details": JSON_TYPE,
    "attempt_started_at": "timestamptz",
    "first_attempt_at": "timestamptz",
    "rounds": "int",
}
WRITTEN: Final = {
    name: SLOT_TYPES.get(name, "text") for name in ("registration_id", *SlotKey._fields, *SLOT_COLUMNS)
}
LISTED: Final = ", ".join(WRITTEN)
# One text whatever the number of rows: it is read and planned once per connection.
UPSERT_SLOTS = kept_plan(
    f"""
    INSERT INTO written_records (host_id, org_id, {LISTED}, written_at)
    SELECT :host_id, :org_id, {LISTED}, CASE WHEN state = 'written' THEN clock_timestamp() END
    FROM ({rows_of("rows", WRITTEN)}) AS slot
    ON CONFLICT (host_id, org_id, registration_id, slot, instance_key) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in (*SLOT_COLUMNS, "written_at"))}
    """  # noqa: S608 -- put together from constants
)
RELEASE_CREATE_LOCKS = kept_plan("""
    DELETE FROM create_locks
    WHERE org_id = :org_id AND host_id = :host_id AND registration_id = ANY(:settled)
""")
BLOCKING_CREATE_LOCKS = kept_plan(
    "SELECT key, started_at FROM create_locks WHERE org_id = :org_id AND key = ANY(:keys)"
)


@dataclass(frozen=True)
class WriteStore:
    """The database as a drain uses it: every write checks that the rows are still this lease's."""

    database: Database
    lease: Lease
    batch: Batch
    lost_write_window: timedelta

    @property
    def _owner(self) -> dict[str, str]:
        return {"host_id": self.batch.host_id, "org_id": self.batch.org_id}

    async def lock_jobs(self, session: AsyncSession, items: Sequence[WorkItem]) -> datetime:
        """Lock the rows and confirm the lease; returns the database's time. Raises LeaseLost."""
        now, _ = await self._lock(session, LOCK_JOBS, items, {})
        return now

    async def lock_for_writes(
        self, session: AsyncSession, items: Sequence[WorkItem], operations: Sequence[WriteOperation]
    ) -> tuple[datetime, dict[bytes, datetime]]:
        """The same, and lock the people about to be created; returns as well which locks of others are in
        the way.
        """
        creating = {key: operation for operation in operations for key in operation.create_locks}
        if not creating or "open_creates" in self.lease.guards_off:
            return await self.lock_jobs(session, items), {}
        values = {
            "org_id": self.batch.org_id,
            "keys": [key.hex() for key in creating],
            "creating": [operation.primary_registration_id for operation in creating.values()],
            "mine": [job.registration_id for operation in creating.values() for job in operation.jobs],
            "window": self.lost_write_window,
        }
        now, held = await self._lock(session, LOCK_JOBS_AND_PEOPLE, items, values)
        blocked = creating.keys() - {bytes.fromhex(key) for key in held.locked}
        if not blocked:
            return now, {}
        others = {"org_id": self.batch.org_id, "keys": list(blocked)}
        return now, {row.key: row.started_at for row in await session.execute(BLOCKING_CREATE_LOCKS, others)}

    async def _lock(
        self,
        session: AsyncSession,
        statement: TextClause,
        items: Sequence[WorkItem],
        values: Mapping[str, Any],
    ) -> tuple[datetime, Any]:
        """What the statement returns, its time first. Raises LeaseLost where not all rows are ours."""
        asked_at = time.monotonic()
        about = {
            "host_id": self.batch.host_id,
            "registration_ids": [row.job.registration_id for row in items],
            "fence": self.batch.fence,
            "is_fenced": "fence" not in self.lease.guards_off,
        }
        held = (await session.execute(statement, {**about, **values})).one()
        if held.rows != len(items) or not items:
            self.lease.is_lost = True
            raise LeaseLost(f"{len(items) - held.rows} of {len(items)} rows belong to another worker")
        self.lease.confirm(asked_at)
        return held.now, held

    async def save(self, session: AsyncSession, items: Iterable[WorkItem]) -> None:
        """Write the slots that changed and take away those that are gone."""
        for statement, values in await self.save_gone(session, items):
            await session.execute(statement, values)

    async def save_gone(self, session: AsyncSession, items: Iterable[WorkItem]) -> list[Change]:
        """Take away the slots that are gone; returns what writes those that changed."""
        changes = [
            (row.job.registration_id, key, slot)
            async for row in yielding(items)
            for key, slot in sorted(row.changed_slots().items())
        ]
        gone = [(registration_id, *key) for registration_id, key, slot in changes if slot is None]
        if gone:
            await self._remove(session, gone)
        values = [slot_row(id_, key, slot) for id_, key, slot in changes if slot is not None]
        return [(UPSERT_SLOTS, self._owner | {"rows": as_rows(values)})] if values else []

    async def written_since(self, since: datetime, slots: Collection[str]) -> frozenset[str]:
        """The records that we know to have written to these slots since then."""
        query = select(WrittenRecord.sf_id).where(
            WrittenRecord.host_id == self.batch.host_id,
            WrittenRecord.org_id == self.batch.org_id,
            WrittenRecord.slot.in_(slots),
            WrittenRecord.attempt_started_at >= since,
        )
        async with self.database.tenant(self.batch.host_id) as session:
            return frozenset(each for each in await session.scalars(query) if each)

    async def cache(self, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """Store what is known beside the describes, by name."""
        if not bodies:
            return
        async with self.database.tenant(self.batch.host_id) as session:
            whose = self.batch
            await store_describes(session, bodies, host_id=whose.host_id, org_id=whose.org_id)

    async def user_id(self) -> str | None:
        """The connected user, as far as known."""
        query = select(Connection.user_id).where(
            Connection.host_id == self.batch.host_id, Connection.org_id == self.batch.org_id
        )
        async with self.database.tenant(self.batch.host_id) as session:
            return (await session.execute(query)).scalar_one_or_none()

    async def note_problems(self, found: Iterable[AccessProblem], *, about: Collection[str]) -> None:
        """Keep what a look showed of the connected user's access; see `store_problems`."""
        async with self.database.tenant(self.batch.host_id) as session:
            await store_problems(session, found, **self._owner, about=about)

    async def note_problem(
        self, problem: AccessProblem, *, known: Iterable[AccessProblem], is_met: bool, is_over: bool
    ) -> None:
        """Keep a problem that was met just now, or end the one that is known."""
        if is_met:
            await self.note_problems([problem], about=())
        elif is_over and any(each.code == problem.code for each in known):
            await self.note_problems([], about={problem.code})

    def release_of_create_locks(self, items: Iterable[WorkItem]) -> Change:
        """What releases the locks of people whose creation came to a definite end."""
        settled = [row.job.registration_id for row in items if not _is_creating(row)]
        return RELEASE_CREATE_LOCKS, {**self._owner, "settled": settled}

    async def _remove(self, session: AsyncSession, gone: list[tuple[str, str, str]]) -> None:
        key = tuple_(WrittenRecord.registration_id, WrittenRecord.slot, WrittenRecord.instance_key)
        await session.execute(
            delete(WrittenRecord).where(
                WrittenRecord.host_id == self.batch.host_id,
                WrittenRecord.org_id == self.batch.org_id,
                key.in_(gone),
            )
        )


def slot_row(registration_id: str, key: SlotKey, slot: WrittenSlot) -> tuple[Any, ...]:
    """The values of `WRITTEN`."""
    state, action, sobject, sf_id, meaning, label, reference, details, *times = slot
    words = (str(state), str(action), sobject, sf_id, meaning and str(meaning), label, reference)
    return (registration_id, *key, *words, details.as_json(), *times)


def _is_creating(item: WorkItem) -> bool:
    locked = (item.slots.get(SlotKey(name)) for name in (PERSON, ACCOUNT_SLOT))
    return any(
        slot is not None and slot.state in (WriteState.INTENDED, WriteState.AMBIGUOUS) for slot in locked
    )
