"""Look at what is there, and merge incoming states into it: insert absent rows; lock, merge, update the rest.

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

Rows and keys travel as JSON: of an array, asyncpg asks every element whether it is an array too.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from pydantic_core import to_json
from sqlalchemy import TextClause

from app.infrastructure.json_rows import JSON_TYPE, as_rows, rows_of
from app.infrastructure.raw_connection import SqlExecutor
from app.models.kept_plan import KeptPlan, expecting_one, found_by, kept_plan
from app.webhooks.parse import ParsedDelivery
from app.webhooks.row_mapping import merge_into_event_row, merge_into_registration_row
from app.webhooks.state_merge import EventState, RegistrationState

Row = Mapping[str, Any]
Key = tuple[str, str]
State = TypeVar("State")

EVENT_VALUES: Final = {
    "title": "text",
    "kind": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "timezone": "text",
    "location": "text",
    "url": "text",
    "organizer": JSON_TYPE,
    "is_cancelled": "bool",
    "cancelled_at": "timestamptz",
    "cancel_reason": "text",
    "version": "bigint",
    "snapshot_at": "timestamptz",
    "merge_state": JSON_TYPE,
}
REGISTRATION_VALUES: Final = {
    "event_id": "text",
    "status": "text",
    "attendee": JSON_TYPE,
    "email_key": "text",
    "ticket": JSON_TYPE,
    "buyer": JSON_TYPE,
    "answers": JSON_TYPE,
    "utm": JSON_TYPE,
    "salesforce_id": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "version": "bigint",
    "snapshot_at": "timestamptz",
    "registered_at": "timestamptz",
    "confirmed_at": "timestamptz",
    "checked_in_at": "timestamptz",
    "last_checked_in_at": "timestamptz",
    "check_in_reverted_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "cancel_reason": "text",
    "no_show_at": "timestamptz",
    "completed_at": "timestamptz",
    "rescheduled_at": "timestamptz",
    "reschedule_reason": "text",
    "rescheduled_from": JSON_TYPE,
    "replay": JSON_TYPE,
    "emails": JSON_TYPE,
    "merge_state": JSON_TYPE,
}
DELIVERY_COLUMNS: Final = {
    "host_id": "text",
    "webhook_id": "text",
    "type": "text",
    "occurred_at": "timestamptz",
    "event_id": "text",
    "registration_id": "text",
    "body_sha256": "bytea",
    "outcome": "text",
    "payload": JSON_TYPE,
}
"""What webhooks fill, with the types of Postgres; rows are lists of these values, in this order."""
EVENT_COLUMNS: Final = {"host_id": "text", "event_id": "text"} | EVENT_VALUES
REGISTRATION_COLUMNS: Final = {"host_id": "text", "registration_id": "text"} | REGISTRATION_VALUES


def _read(table: str, id_column: str) -> str:
    by_id = found_by(id_column, "k.id", table=table, beside="host_id = k.host_id")
    return f"""
    SELECT t.host_id, t.{id_column} AS id, CAST(row_to_json(t) AS text) AS found
    FROM (
        SELECT key ->> 0 AS host_id, key ->> 1 AS id
        FROM jsonb_array_elements(CAST(:{table} AS jsonb)) AS key ORDER BY 1, 2
    ) AS k CROSS JOIN LATERAL {by_id} AS t
    """  # noqa: S608 -- put together from constants


def _update(table: str, id_column: str, columns: Mapping[str, str]) -> KeptPlan:
    """Rows that are updated were locked before: they are met again by place."""
    changed = ", ".join(f"{name} = r.{name}" for name in columns if name not in ("host_id", id_column))
    place = found_by(
        id_column,
        f"r.{id_column}",
        table=table,
        beside="host_id = r.host_id",
        columns="ctid AS place",
        is_key=True,
    )
    return kept_plan(
        f"""
        UPDATE {table} AS t SET {changed}
        FROM ({rows_of(table, columns)}) AS r CROSS JOIN LATERAL {place} AS locked
        WHERE t.ctid = locked.place AND {expecting_one("r.host_id")}
        """  # noqa: S608 -- put together from constants
    )


def _insert_new(table: str, id_column: str, columns: Mapping[str, str]) -> KeptPlan:
    names = ", ".join(columns)
    return kept_plan(
        f"""
        INSERT INTO {table} ({names}) SELECT {names} FROM ({rows_of(table, columns)}) AS r
        ORDER BY host_id, {id_column} ON CONFLICT DO NOTHING RETURNING host_id, {id_column}
        """  # noqa: S608 -- put together from constants
    )


READ_EVENTS: Final = _read("events", "event_id")
INSERT_EVENTS: Final = kept_plan(
    f"""
    INSERT INTO events ({", ".join(EVENT_COLUMNS)}, is_enabled)
    SELECT {", ".join(f"e.{name}" for name in EVENT_COLUMNS)},
        CASE WHEN host.settings ->> 'new_events' = 'off' THEN false END
    FROM ({rows_of("events", EVENT_COLUMNS)}) AS e
    LEFT JOIN LATERAL {
        found_by("host_id", "e.host_id", table="hosts", beside="true", columns="settings")
    } AS host ON true
    ORDER BY e.host_id, e.event_id
    ON CONFLICT DO NOTHING
    RETURNING host_id, event_id
    """  # noqa: S608 -- put together from constants
)
UPDATE_EVENTS: Final = _update("events", "event_id", EVENT_COLUMNS)
READ_REGISTRATIONS: Final = _read("registrations", "registration_id")
INSERT_REGISTRATIONS: Final = _insert_new("registrations", "registration_id", REGISTRATION_COLUMNS)
UPDATE_REGISTRATIONS: Final = _update("registrations", "registration_id", REGISTRATION_COLUMNS)
INSERT_DELIVERIES: Final = _insert_new("deliveries", "webhook_id", DELIVERY_COLUMNS)


HOST, EVENT, REGISTRATION = "host", "event", "registration"

LOAD_EXISTING = kept_plan(
    f"""
    SELECT '{HOST}' AS kind, k.host_id, '' AS id, CAST(json_build_object(
        'is_known', h.host_id IS NOT NULL, 'name', h.name, 'org_id', c.org_id,
        'has_tombstones', EXISTS (SELECT FROM erasures AS e WHERE e.host_id = k.host_id OFFSET 0)
    ) AS text) AS found
    FROM unnest(CAST(:hosts AS text[])) AS k (host_id)
    LEFT JOIN LATERAL {found_by("host_id", "k.host_id", table="hosts", beside="true")} AS h ON true
    LEFT JOIN LATERAL {found_by("host_id", "k.host_id", table="connections", beside="true")} AS c ON true
    UNION ALL
    SELECT '{EVENT}', host_id, id, found FROM ({READ_EVENTS}) AS e
    UNION ALL
    SELECT '{REGISTRATION}', host_id, id, found FROM ({READ_REGISTRATIONS}) AS r
    """  # noqa: S608 -- put together from constants
)


@dataclass(frozen=True)
class ExistingHost:
    """`org_id`: of its connection, if it ever had one."""

    is_known: bool
    name: str | None
    org_id: str | None
    has_tombstones: bool


@dataclass(frozen=True)
class ExistingState:
    """The existing rows: every requested host is in `hosts`; events and registrations only if they exist.

    `found`: hosts (by their id and "") and events as the text that was read.
    """

    hosts: dict[str, ExistingHost]
    events: dict[Key, Row]
    registrations: dict[Key, Row]
    found: dict[Key, str] = field(default_factory=dict)


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
    `host_id, id, found`; `found` is the row as JSON text, in which `times` are ISO 8601. `values` are the
    columns that are filled, beside the key.
    """

    name: str
    id_column: str
    values: tuple[str, ...]
    times: tuple[str, ...]
    read: str
    insert: TextClause
    update: TextClause
    merge: Callable[[Row | None, State], Row | None]

    @cached_property
    def lock(self) -> TextClause:
        """As `read`, locked in the order of keys."""
        return kept_plan(f"{self.read} ORDER BY t.host_id, t.{self.id_column} FOR UPDATE OF t")

    def parse_row(self, found: Row) -> Row:
        """The row that was read, with times in it."""
        times = {name: datetime.fromisoformat(found[name]) for name in self.times if found[name] is not None}
        return {**found, **times}


EVENTS: Final[MergeTable[EventState]] = MergeTable(
    name="events",
    id_column="event_id",
    values=tuple(EVENT_VALUES),
    times=("starts_at", "ends_at", "cancelled_at", "snapshot_at"),
    read=READ_EVENTS,
    insert=INSERT_EVENTS,
    update=UPDATE_EVENTS,
    merge=merge_into_event_row,
)
REGISTRATIONS: Final[MergeTable[RegistrationState]] = MergeTable(
    name="registrations",
    id_column="registration_id",
    values=tuple(REGISTRATION_VALUES),
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


async def load_existing(statements: SqlExecutor, deliveries: Sequence[ParsedDelivery]) -> ExistingState:
    """Load the existing hosts, events and registrations of these deliveries; nothing is locked."""
    events = sorted({(each.host_id, each.event_id) for each in deliveries if each.event_id})
    registrations = sorted(
        {(each.host_id, each.registration_id) for each in deliveries if each.registration_id}
    )
    found = await statements.execute(
        LOAD_EXISTING,
        {
            "hosts": sorted({each.host_id for each in deliveries}),
            "events": json.dumps(events),
            "registrations": json.dumps(registrations),
        },
    )
    seen = ExistingState({}, {}, {})
    for kind, host_id, id_, text_ in found:
        row = json.loads(text_)
        if kind != REGISTRATION:
            seen.found[host_id, id_] = text_
        if kind == HOST:
            seen.hosts[host_id] = ExistingHost(**row)
        elif kind == EVENT:
            seen.events[host_id, id_] = EVENTS.parse_row(row)
        else:
            seen.registrations[host_id, id_] = REGISTRATIONS.parse_row(row)
    return seen


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
    return changes + await _update_rows(statements, table, {key: incoming[key] for key in outdated | raced})


async def insert_deliveries(statements: SqlExecutor, deliveries: Sequence[ParsedDelivery]) -> set[Key]:
    """Insert the deliveries; the keys of those that were new."""
    kept = await statements.execute(INSERT_DELIVERIES, {"deliveries": deliveries_json(deliveries)})
    return {(host_id, webhook_id) for host_id, webhook_id in kept}


def deliveries_json(deliveries: Sequence[ParsedDelivery]) -> str:
    """The rows; the payload goes into each as the text that it is."""
    return f"[{','.join(_delivery_json(delivery) for delivery in deliveries)}]"


def _delivery_json(delivery: ParsedDelivery) -> str:
    row = (
        delivery.host_id,
        delivery.webhook_id,
        delivery.type,
        delivery.occurred_at,
        delivery.event_id,
        delivery.registration_id,
        "\\x" + delivery.body_sha256.hex(),
        str(delivery.outcome),
    )
    return f"{to_json(row).decode()[:-1]},{delivery.payload}]"


async def _insert(statements: SqlExecutor, table: MergeTable[Any], rows: Mapping[Key, Row]) -> set[Key]:
    if not rows:
        return set()
    inserted = await statements.execute(table.insert, {table.name: keyed_json(table, rows)})
    return {(host_id, id_) for host_id, id_ in inserted}


async def _update_rows(
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
        await statements.execute(table.update, {table.name: keyed_json(table, rows)})
    return changes


async def _lock(statements: SqlExecutor, table: MergeTable[Any], keys: Sequence[Key]) -> dict[Key, Row]:
    if not keys:
        return {}
    found = await statements.execute(table.lock, {table.name: json.dumps(keys)})
    return {(host_id, id_): table.parse_row(json.loads(row)) for host_id, id_, row in found}


def keyed_json(table: MergeTable[Any], rows: Mapping[Key, Row]) -> str:
    """Rows and their keys for the table's statements, in the order of keys."""
    values_of = itemgetter(*table.values)
    return as_rows((*key, *values_of(rows[key])) for key in sorted(rows))
