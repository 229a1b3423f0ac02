"""Load existing hosts, events and registrations for a group of deliveries in one query."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.infrastructure.raw_connection import SqlExecutor
from app.webhooks.merge_upsert import EVENTS, REGISTRATIONS, Key, Row
from app.webhooks.parse import ParsedDelivery

HOST, EVENT, REGISTRATION = "host", "event", "registration"

LOAD_EXISTING = text(
    f"""
    SELECT '{HOST}' AS kind, k.host_id, '' AS id, CAST(json_build_object(
        'is_known', h.host_id IS NOT NULL, 'name', h.name, 'org_id', c.org_id,
        'has_tombstones', EXISTS (SELECT FROM erasures AS e WHERE e.host_id = k.host_id)
    ) AS text) AS found
    FROM unnest(CAST(:hosts AS text[])) AS k (host_id)
    LEFT JOIN hosts AS h ON h.host_id = k.host_id
    LEFT JOIN connections AS c ON c.host_id = k.host_id
    UNION ALL
    SELECT '{EVENT}', host_id, id, found FROM ({EVENTS.read}) AS e
    UNION ALL
    SELECT '{REGISTRATION}', host_id, id, found FROM ({REGISTRATIONS.read}) AS r
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
    """The existing rows: every requested host is in `hosts`; events and registrations only if they exist."""

    hosts: dict[str, ExistingHost]
    events: dict[Key, Row]
    registrations: dict[Key, Row]


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
        if kind == HOST:
            seen.hosts[host_id] = ExistingHost(**row)
        elif kind == EVENT:
            seen.events[host_id, id_] = EVENTS.parse_row(row)
        else:
            seen.registrations[host_id, id_] = REGISTRATIONS.parse_row(row)
    return seen
