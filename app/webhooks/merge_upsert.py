"""Merge incoming states into `events` and `registrations`: insert absent rows; lock, merge, update the rest.

An example: two webhooks of one registration arrive at once at two processes, and neither finds a row.

1. Both merge their state into nothing and run INSERT … ON CONFLICT DO NOTHING. One insert wins; the other
   waits for that transaction to commit, and returns no key.
2. The loser reads the row that it did not insert with SELECT … FOR UPDATE, merges its state into that row,
   and runs UPDATE. The merge does not depend on the order, so the row is the same whoever won.
3. A third webhook that says nothing new finds the row by `load_existing`, without a lock. The merge leaves
   the row as it is, so the registration is neither locked nor updated: states only grow.

A group of webhooks takes one INSERT, one SELECT and one UPDATE for each table. Inserts come before locks, and
both go in the order of keys, so that two processes cannot wait for each other in a circle; READ COMMITTED
suffices.

Where a group tells of nothing but new registrations, one statement inserts its deliveries, these and their
jobs, since each statement of a group waits for its turn on a busy loop (decision 26). A row is written only
where the one before it was: not the registration of a delivery that came before, nor the job of a
registration that another process wrote first.

Rows and keys travel as JSON: of an array, asyncpg asks every element whether it is an array too.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic_core import to_json
from sqlalchemy import TextClause, text

from app.infrastructure.raw_connection import SqlExecutor
from app.sync.jobs.enqueue import JOBS_UPSERT, JobRequest, jobs_json
from app.webhooks.parse import ParsedDelivery
from app.webhooks.row_mapping import merge_into_event_row, merge_into_registration_row
from app.webhooks.state_merge import EventState, RegistrationState

Row = Mapping[str, Any]
Key = tuple[str, str]
State = TypeVar("State")

READ_EVENTS: Final = """
    SELECT t.host_id, t.event_id AS id, CAST(row_to_json(t) AS text) AS found
    FROM events AS t
    JOIN (
        SELECT key ->> 0 AS host_id, key ->> 1 AS id
        FROM jsonb_array_elements(CAST(:events AS jsonb)) AS key
    ) AS k ON t.host_id = k.host_id AND t.event_id = k.id
"""
INSERT_EVENTS: Final = text("""
    INSERT INTO events (
        host_id, event_id, title, kind, starts_at, ends_at, timezone, location, url, organizer,
        is_cancelled, cancelled_at, cancel_reason, version, snapshot_at, merge_state, is_enabled
    )
    SELECT
        e.host_id, event_id, title, kind, starts_at, ends_at, timezone, location, url, organizer,
        is_cancelled, cancelled_at, cancel_reason, version, snapshot_at, merge_state,
        CASE WHEN host.settings ->> 'new_events' = 'off' THEN false END
    FROM jsonb_populate_recordset(CAST(NULL AS events), CAST(:events AS jsonb)) AS e
    LEFT JOIN hosts AS host ON host.host_id = e.host_id
    ORDER BY e.host_id, event_id
    ON CONFLICT DO NOTHING
    RETURNING host_id, event_id
""")
UPDATE_EVENTS: Final = text("""
    UPDATE events AS t SET
        title = r.title, kind = r.kind, starts_at = r.starts_at, ends_at = r.ends_at,
        timezone = r.timezone, location = r.location, url = r.url, organizer = r.organizer,
        is_cancelled = r.is_cancelled, cancelled_at = r.cancelled_at, cancel_reason = r.cancel_reason,
        version = r.version, snapshot_at = r.snapshot_at, merge_state = r.merge_state
    FROM jsonb_populate_recordset(CAST(NULL AS events), CAST(:events AS jsonb)) AS r
    WHERE t.host_id = r.host_id AND t.event_id = r.event_id
""")
READ_REGISTRATIONS: Final = """
    SELECT t.host_id, t.registration_id AS id, CAST(row_to_json(t) AS text) AS found
    FROM registrations AS t
    JOIN (
        SELECT key ->> 0 AS host_id, key ->> 1 AS id
        FROM jsonb_array_elements(CAST(:registrations AS jsonb)) AS key
    ) AS k ON t.host_id = k.host_id AND t.registration_id = k.id
"""
REGISTRATIONS_INSERT: Final = """
    INSERT INTO registrations (
        host_id, registration_id, event_id, status, attendee, email_key, ticket, buyer, answers, utm,
        salesforce_id, starts_at, ends_at, version, snapshot_at, registered_at, confirmed_at, checked_in_at,
        last_checked_in_at, check_in_reverted_at, cancelled_at, cancel_reason, no_show_at, completed_at,
        rescheduled_at, reschedule_reason, rescheduled_from, replay, emails, merge_state
    )
    SELECT
        host_id, registration_id, event_id, status, attendee, email_key, ticket, buyer, answers, utm,
        salesforce_id, starts_at, ends_at, version, snapshot_at, registered_at, confirmed_at, checked_in_at,
        last_checked_in_at, check_in_reverted_at, cancelled_at, cancel_reason, no_show_at, completed_at,
        rescheduled_at, reschedule_reason, rescheduled_from, replay, emails, merge_state
    FROM jsonb_populate_recordset(CAST(NULL AS registrations), CAST(:registrations AS jsonb))
    {only}
    ORDER BY host_id, registration_id
    ON CONFLICT DO NOTHING
    RETURNING host_id, registration_id
"""
INSERT_REGISTRATIONS: Final = text(REGISTRATIONS_INSERT.format(only=""))
UPDATE_REGISTRATIONS: Final = text("""
    UPDATE registrations AS t SET
        event_id = r.event_id, status = r.status, attendee = r.attendee, email_key = r.email_key,
        ticket = r.ticket, buyer = r.buyer, answers = r.answers, utm = r.utm,
        salesforce_id = r.salesforce_id, starts_at = r.starts_at, ends_at = r.ends_at,
        version = r.version, snapshot_at = r.snapshot_at, registered_at = r.registered_at,
        confirmed_at = r.confirmed_at, checked_in_at = r.checked_in_at,
        last_checked_in_at = r.last_checked_in_at, check_in_reverted_at = r.check_in_reverted_at,
        cancelled_at = r.cancelled_at, cancel_reason = r.cancel_reason, no_show_at = r.no_show_at,
        completed_at = r.completed_at, rescheduled_at = r.rescheduled_at,
        reschedule_reason = r.reschedule_reason, rescheduled_from = r.rescheduled_from,
        replay = r.replay, emails = r.emails, merge_state = r.merge_state
    FROM jsonb_populate_recordset(CAST(NULL AS registrations), CAST(:registrations AS jsonb)) AS r
    WHERE t.host_id = r.host_id AND t.registration_id = r.registration_id
""")
DELIVERY_COLUMNS = (
    "host_id, webhook_id, type, occurred_at, event_id, registration_id, body_sha256, payload, outcome"
)
DELIVERIES_INSERT: Final = (
    f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) SELECT {DELIVERY_COLUMNS}"  # noqa: S608 -- a constant
    " FROM jsonb_populate_recordset(CAST(NULL AS deliveries), CAST(:deliveries AS jsonb))"
    " ORDER BY host_id, webhook_id ON CONFLICT DO NOTHING RETURNING host_id, webhook_id"
)
INSERT_DELIVERIES: Final = text(DELIVERIES_INSERT)

# IS TRUE: looked up in a hash table. A join would compare each row with each, since the intake joins by key.
ONLY_OF_NEW: Final = """
    WHERE ((host_id, registration_id) IN (SELECT host_id, registration_id FROM {before})) IS TRUE
"""
INSERT_ALL: Final = text(
    f"""
    WITH delivered AS ({DELIVERIES_INSERT}, registration_id),
    registered AS ({REGISTRATIONS_INSERT.format(only=ONLY_OF_NEW.format(before="delivered"))}),
    enqueued AS ({JOBS_UPSERT.format(only=ONLY_OF_NEW.format(before="registered"))})
    SELECT true AS is_delivery, host_id, webhook_id AS id FROM delivered
    UNION ALL SELECT false, host_id, registration_id FROM registered
    """  # noqa: S608 -- put together from constants
)


@dataclass(frozen=True)
class Written:
    """The keys of new deliveries, and of the registrations that were written with their jobs."""

    deliveries: set[Key]
    registrations: set[Key]


@dataclass(frozen=True)
class RowChange:
    """One row that was written: its columns before (None: there was none) and after."""

    key: Key
    before: Row | None
    after: Row


@dataclass(frozen=True)
class MergeTable(Generic[State]):
    """A table keyed `(host_id, id_column)`; `merge` returns the row with a state merged in, None: no change.

    Each statement takes one parameter, `:<name>`: the rows as JSON, or their keys. `read` selects
    `host_id, id, found`; `found` is the row as JSON text, in which `times` are ISO 8601.
    """

    name: str
    id_column: str
    times: tuple[str, ...]
    read: str
    insert: TextClause
    update: TextClause
    merge: Callable[[Row | None, State], Row | None]

    @cached_property
    def lock(self) -> TextClause:
        """As `read`, locked in the order of keys."""
        return text(f"{self.read} ORDER BY t.host_id, t.{self.id_column} FOR UPDATE OF t")

    def parse_row(self, found: Row) -> Row:
        """The row that was read, with times in it."""
        times = {name: datetime.fromisoformat(found[name]) for name in self.times if found[name] is not None}
        return {**found, **times}


EVENTS: Final[MergeTable[EventState]] = MergeTable(
    name="events",
    id_column="event_id",
    times=("starts_at", "ends_at", "cancelled_at", "snapshot_at"),
    read=READ_EVENTS,
    insert=INSERT_EVENTS,
    update=UPDATE_EVENTS,
    merge=merge_into_event_row,
)
REGISTRATIONS: Final[MergeTable[RegistrationState]] = MergeTable(
    name="registrations",
    id_column="registration_id",
    times=(
        "starts_at", "ends_at", "snapshot_at", "registered_at", "confirmed_at", "checked_in_at",
        "last_checked_in_at", "check_in_reverted_at", "cancelled_at", "no_show_at", "completed_at",
        "rescheduled_at", "erased_at",
    ),
    read=READ_REGISTRATIONS,
    insert=INSERT_REGISTRATIONS,
    update=UPDATE_REGISTRATIONS,
    merge=merge_into_registration_row,
)  # fmt: skip


async def merge_rows(
    statements: SqlExecutor,
    table: MergeTable[State],
    incoming: Mapping[Key, State],
    *,
    existing: Mapping[Key, Row],
) -> list[RowChange]:
    """Merge every incoming state into the table; returns what changed.

    `existing` are the rows that were read without a lock; a row that came since is found by its key.
    """
    found = {key: row for key, row in existing.items() if key in incoming}
    absent = {key: row for key in incoming.keys() - found.keys() if (row := table.merge(None, incoming[key]))}
    inserted = await _insert(statements, table, absent)
    raced = absent.keys() - inserted
    outdated = {key for key, row in found.items() if table.merge(row, incoming[key]) is not None}
    changes = [RowChange(key, None, absent[key]) for key in inserted]
    return changes + await _update(statements, table, {key: incoming[key] for key in outdated | raced})


async def insert_all(
    statements: SqlExecutor,
    deliveries: Sequence[ParsedDelivery],
    rows: Mapping[Key, Row],
    requests: Sequence[JobRequest],
) -> Written:
    """Insert the deliveries, their new registrations, and the jobs of these."""
    values = {
        "deliveries": deliveries_json(deliveries),
        "registrations": _keyed_json(REGISTRATIONS, rows),
        "jobs": jobs_json(requests),
    }
    written = Written(set(), set())
    for is_delivery, host_id, id_ in await statements.execute(INSERT_ALL, values):
        (written.deliveries if is_delivery else written.registrations).add((host_id, id_))
    return written


async def insert_deliveries(statements: SqlExecutor, deliveries: Sequence[ParsedDelivery]) -> Written:
    """Insert the deliveries alone."""
    kept = await statements.execute(INSERT_DELIVERIES, {"deliveries": deliveries_json(deliveries)})
    return Written({(host_id, webhook_id) for host_id, webhook_id in kept}, set())


def deliveries_json(deliveries: Sequence[ParsedDelivery]) -> str:
    """The rows; the payload goes into each as the text that it is."""
    return f"[{','.join(_delivery_json(delivery) for delivery in deliveries)}]"


def _delivery_json(delivery: ParsedDelivery) -> str:
    row = {
        "host_id": delivery.host_id,
        "webhook_id": delivery.webhook_id,
        "type": delivery.type,
        "occurred_at": delivery.occurred_at,
        "event_id": delivery.event_id,
        "registration_id": delivery.registration_id,
        "body_sha256": "\\x" + delivery.body_sha256.hex(),
        "outcome": str(delivery.outcome),
    }
    return f'{to_json(row).decode()[:-1]}, "payload": {delivery.payload}}}'


def rows_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows for `jsonb_populate_recordset`; times as ISO 8601. What is absent from a row is null in it."""
    present = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return to_json(present).decode()


async def _insert(statements: SqlExecutor, table: MergeTable[Any], rows: Mapping[Key, Row]) -> set[Key]:
    if not rows:
        return set()
    inserted = await statements.execute(table.insert, {table.name: _keyed_json(table, rows)})
    return {(host_id, id_) for host_id, id_ in inserted}


async def _update(
    statements: SqlExecutor, table: MergeTable[State], incoming: Mapping[Key, State]
) -> list[RowChange]:
    existing = await _lock(statements, table, sorted(incoming))
    changes = [
        RowChange(key, row, after)
        for key, row in existing.items()
        if (after := table.merge(row, incoming[key])) is not None
    ]
    if changes:
        rows = {change.key: change.after for change in changes}
        await statements.execute(table.update, {table.name: _keyed_json(table, rows)})
    return changes


async def _lock(statements: SqlExecutor, table: MergeTable[Any], keys: Sequence[Key]) -> dict[Key, Row]:
    if not keys:
        return {}
    found = await statements.execute(table.lock, {table.name: json.dumps(keys)})
    return {(host_id, id_): table.parse_row(json.loads(row)) for host_id, id_, row in found}


def _keyed_json(table: MergeTable[Any], rows: Mapping[Key, Row]) -> str:
    """Rows and their keys for the table's statements, in the order of keys."""
    return rows_json(
        {"host_id": host_id, table.id_column: id_, **rows[host_id, id_]} for host_id, id_ in sorted(rows)
    )
