"""Load existing hosts, events and registrations for a group of deliveries in one query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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


class ExistingRow(NamedTuple):
    """One row of the look; `found` was a JSON object."""

    kind: str
    host_id: str
    id: str
    found: Mapping[str, Any]

    @property
    def key(self) -> Key:
        return self.host_id, self.id


@dataclass(frozen=True)
class ExistingState:
    """The existing rows: every requested host is in `hosts`; events and registrations only if they exist."""

    rows: Sequence[ExistingRow]

    @cached_property
    def hosts(self) -> Mapping[str, ExistingHost]:
        return {row.host_id: ExistingHost(**row.found) for row in self.rows if row.kind == HOST}

    @cached_property
    def events(self) -> Mapping[Key, Row]:
        return {row.key: EVENTS.parse_row(row.found) for row in self.rows if row.kind == EVENT}

    @cached_property
    def registrations(self) -> Mapping[Key, Row]:
        return {row.key: REGISTRATIONS.parse_row(row.found) for row in self.rows if row.kind == REGISTRATION}


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
    return ExistingState(
        [ExistingRow(kind, host_id, id_, json.loads(row)) for kind, host_id, id_, row in found]
    )
