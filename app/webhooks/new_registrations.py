"""Groups that tell of nothing but new registrations are recorded by one call of a function (decision 32).

What is needed to see that is what the last look said of their hosts and events. The function writes nothing
unless all that still holds and all rows are new; then the group goes the way of every other one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from app.infrastructure.json_rows import as_rows
from app.infrastructure.raw_connection import DedicatedConnection
from app.sync.jobs.enqueue import JobRequest, jobs_json
from app.webhooks.ingest import (
    IngestResult,
    event_states,
    is_wanted,
    job_requests,
    orgs_of,
    trace_contexts,
)
from app.webhooks.merge_upsert import (
    EVENTS,
    REGISTRATIONS,
    ExistingState,
    Key,
    Row,
    RowChange,
    deliveries_json,
    keyed_json,
)
from app.webhooks.parse import ParsedDelivery
from app.webhooks.state_merge import EventState

FIRST_TYPES: Final = frozenset({"registration.confirmed"})
"""Most others tell of registrations that are there."""
REMEMBERED_MAX: Final = 10_000
"""Hosts and events; an event takes about a kilobyte."""

RECORD_NEW = text(
    "SELECT record_registrations_by_place(CAST(:hosts AS jsonb), CAST(:events AS jsonb),"
    " CAST(:deliveries AS jsonb), CAST(:registrations AS jsonb), CAST(:jobs AS jsonb))"
)


class LastSeen:
    """What the last looks said of hosts and events; the database says whether it still holds."""

    def __init__(self) -> None:
        self._seen = ExistingState({}, {}, {})

    def note(self, seen: ExistingState) -> None:
        """Remember the hosts and events of a look."""
        if len(self._seen.found) + len(seen.found) > REMEMBERED_MAX:
            self._seen = ExistingState({}, {}, {})
        self._seen.hosts.update(seen.hosts)
        self._seen.events.update(seen.events)
        self._seen.found.update(seen.found)

    async def record_new(
        self, connection: DedicatedConnection, deliveries: Sequence[ParsedDelivery]
    ) -> IngestResult | None:
        """Record the deliveries; None where that is not known to be done, and they go the longer way."""
        events = event_states(deliveries)
        rows = _rows_of_new(deliveries, self._seen, events)
        requests = None if rows is None else _first_jobs(rows, self._seen, trace_contexts(deliveries))
        if rows is None or requests is None:
            return None
        values = {
            "hosts": self._hosts_json({delivery.host_id for delivery in deliveries}),
            "events": self._events_json(events),
            "deliveries": deliveries_json(deliveries),
            "registrations": keyed_json(REGISTRATIONS, rows),
            "jobs": jobs_json(requests),
        }
        if not await connection.call(RECORD_NEW, values):
            return None
        return IngestResult([each.outcome for each in deliveries], {each.org_id for each in requests})

    def _hosts_json(self, host_ids: set[str]) -> str:
        found = self._seen.found
        return as_rows((each, found[each, ""]) for each in sorted(host_ids))

    def _events_json(self, events: Mapping[Key, EventState]) -> str:
        found = self._seen.found
        return as_rows((*key, found[key]) for key in sorted(events))


def _rows_of_new(
    deliveries: Sequence[ParsedDelivery], seen: ExistingState, events: Mapping[Key, EventState]
) -> dict[Key, Row] | None:
    """The rows of the registrations, or None where a delivery tells anything else that has to be written.

    `events`: what the deliveries tell of their events.
    """
    if not all(_is_of_known(delivery, seen) for delivery in deliveries):
        return None
    if not all(_is_told(seen.events.get(key), state) for key, state in events.items()):
        return None
    rows = {
        (each.host_id, each.registration_id): REGISTRATIONS.merge(None, each.registration)
        for each in deliveries
        if each.registration_id is not None and each.registration is not None
    }
    are_alone = len(rows) == len({delivery.key for delivery in deliveries}) == len(deliveries)
    return {key: row for key, row in rows.items() if row is not None} if are_alone else None


def _is_of_known(delivery: ParsedDelivery, seen: ExistingState) -> bool:
    """Whether its host is known by this name, and nobody of it was erased."""
    host = seen.hosts.get(delivery.host_id)
    return (
        delivery.type in FIRST_TYPES
        and host is not None
        and host.is_known
        and not host.has_tombstones
        and delivery.host_name in (None, host.name)
    )


def _is_told(row: Row | None, state: EventState) -> bool:
    """Whether an event's row says all of it already."""
    return row is not None and EVENTS.merge(row, state) is None


def _first_jobs(
    rows: Mapping[Key, Row], seen: ExistingState, traces: Mapping[Key, str]
) -> list[JobRequest] | None:
    """The jobs of new registrations; None where one is not wanted, and may have a job all the same."""
    org_of = orgs_of(seen)
    changes = [RowChange(key, None, row) for key, row in rows.items() if key[0] in org_of]
    return job_requests(changes, org_of, (), traces) if all(map(is_wanted, changes)) else None
