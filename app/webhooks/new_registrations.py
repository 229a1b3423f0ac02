"""Deliveries of registrations that nobody knows yet, written with their jobs by one statement.

It is what most webhooks are. Each statement of a group waits for its turn on a busy loop: see decision 26 and
docs/performance.md. A row is written only where the one before it was: not the registration of a delivery
that came before, nor the job of a registration that another process wrote first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json
from sqlalchemy import text

from app.infrastructure.raw_connection import SqlExecutor
from app.sync.jobs.enqueue import JOBS_UPSERT, JobRequest, jobs_json
from app.webhooks.existing_state import ExistingState
from app.webhooks.merge_upsert import EVENTS, REGISTRATIONS, REGISTRATIONS_INSERT, Key, Row, keyed_json
from app.webhooks.parse import ParsedDelivery
from app.webhooks.state_merge import EventState

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


def rows_of_new(
    deliveries: Sequence[ParsedDelivery], seen: ExistingState, events: Mapping[Key, EventState]
) -> dict[Key, Row] | None:
    """The rows of the registrations, or None where a delivery tells anything else that has to be written.

    `events`: what the deliveries tell of their events.
    """
    rows: dict[Key, Row] = {}
    for delivery in deliveries:
        if delivery.unread is not None or not _is_known(delivery, seen):
            return None
        if delivery.registration is None or delivery.registration_id is None:
            continue
        key = delivery.host_id, delivery.registration_id
        if key in rows or key in seen.registrations:
            return None
        row = REGISTRATIONS.merge(None, delivery.registration)
        assert row is not None
        rows[key] = row
    if len({delivery.key for delivery in deliveries}) < len(deliveries):
        return None
    return (
        rows if rows and all(_is_told(seen.events.get(key), state) for key, state in events.items()) else None
    )


async def insert_all(
    statements: SqlExecutor,
    deliveries: Sequence[ParsedDelivery],
    rows: Mapping[Key, Row],
    requests: Sequence[JobRequest],
) -> Written:
    """Insert the deliveries, their new registrations, and the jobs of these."""
    values = {
        "deliveries": deliveries_json(deliveries),
        "registrations": keyed_json(REGISTRATIONS, rows),
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


def _is_known(delivery: ParsedDelivery, seen: ExistingState) -> bool:
    """Whether its host is, by this name."""
    host = seen.hosts[delivery.host_id]
    return host.is_known and delivery.host_name in (None, host.name)


def _is_told(row: Row | None, state: EventState) -> bool:
    """Whether an event's row says all of it already."""
    return row is not None and EVENTS.merge(row, state) is None
