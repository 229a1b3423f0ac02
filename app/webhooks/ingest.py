"""Record deliveries in one transaction: what came in, what it adds up to, and which jobs it arms."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.json_rows import as_rows, rows_of
from app.infrastructure.raw_connection import SqlExecutor
from app.metrics import WEBHOOK_BODY_CHANGES
from app.models import BACKFILL, CampaignLink
from app.privacy.erasure import erase
from app.privacy.tombstones import load_erased
from app.privacy.unparsed_store import mention_keys
from app.states import RegistrationStatus
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from app.sync.jobs.event_changes import ChangedEvent, request_changed_events
from app.sync.model.batch import CALENDAR_EVENT
from app.webhooks.email_news import email_news
from app.webhooks.merge_upsert import (
    EVENTS,
    REGISTRATIONS,
    ExistingState,
    Key,
    RowChange,
    insert_deliveries,
    load_existing,
    merge_rows,
)
from app.webhooks.parse import Outcome, ParsedDelivery
from app.webhooks.redaction import lock_hosts, redact_erased, subjects_of
from app.webhooks.row_mapping import has_calendar_change, has_relevant_change, moves_calendar
from app.webhooks.state_merge import EventState, RegistrationState, merge_events, merge_registrations

KEEP_UNKNOWN = text(
    "INSERT INTO unknown_bodies (host_id, webhook_id, occurred_at, sealed, mentions)"
    " VALUES (:host_id, :webhook_id, :occurred_at, :sealed, :mentions) ON CONFLICT DO NOTHING"
)

PLATFORM = "platform"
"""The audit log's name for whoever sends webhooks."""

KEPT_BODIES = text(
    "SELECT d.host_id, d.webhook_id, d.body_sha256 FROM deliveries AS d"
    " JOIN unnest(CAST(:hosts AS text[]), CAST(:ids AS text[])) AS k(host_id, id)"
    " ON d.host_id = k.host_id AND d.webhook_id = k.id"
)
UPSERT_HOSTS = text(
    "INSERT INTO hosts (host_id, name)"  # noqa: S608 -- put together from constants
    f" SELECT host_id, name FROM ({rows_of('rows', {'host_id': 'text', 'name': 'text'})}) AS told"
    " ORDER BY host_id"
    " ON CONFLICT (host_id) DO UPDATE SET name = coalesce(excluded.name, hosts.name)"
)
IN_CALENDAR = text("""
    SELECT job.host_id, job.registration_id FROM sync_jobs AS job
    JOIN jsonb_array_elements(CAST(:keys AS jsonb)) AS k (key)
      ON job.host_id = k.key ->> 0 AND job.registration_id = k.key ->> 1
    WHERE job.state IN ('running', 'ambiguous') OR EXISTS (
        SELECT FROM written_records AS record
        WHERE record.host_id = job.host_id AND record.org_id = job.org_id
          AND record.registration_id = job.registration_id AND record.slot = :slot
    )
""")
WITH_JOB = text(
    "SELECT j.host_id, j.registration_id FROM sync_jobs AS j"
    " JOIN jsonb_array_elements(CAST(:keys AS jsonb)) AS k (key)"
    " ON j.host_id = k.key ->> 0 AND j.registration_id = k.key ->> 1"
)


@dataclass(frozen=True)
class IngestResult:
    """What became of each delivery, in the order given, and which orgs to wake after the commit.

    `seen`: what was there before; of what was recorded without a look, None.
    """

    outcomes: list[Outcome]
    org_ids: set[str]
    seen: ExistingState | None = None


@dataclass(frozen=True)
class ImportResult:
    """Which registrations an import changed, and which orgs to wake after the commit."""

    changed: set[Key]
    org_ids: set[str]


async def ingest(
    session: AsyncSession, deliveries: Sequence[ParsedDelivery], *, pepper: bytes
) -> IngestResult:
    """Write new deliveries in the caller's transaction; a known delivery has no effect.

    Data of erased attendees is not stored; `pepper` keys the tombstones.
    """
    await lock_hosts(session, deliveries)
    recorded = await ingest_without_erasures(session, deliveries, pepper=pepper)
    for delivery, outcome in zip(deliveries, recorded.outcomes, strict=True):
        if delivery.erasure is not None and outcome is not Outcome.DUPLICATE:
            await erase(session, delivery.erasure, pepper=pepper, by=PLATFORM)
    return recorded


async def ingest_without_erasures(
    statements: SqlExecutor, deliveries: Sequence[ParsedDelivery], *, pepper: bytes
) -> IngestResult:
    """`ingest` for deliveries without an erasure among them, through a session or past it.

    Their hosts are locked already. Rows are touched table by table (deliveries, hosts, events, registrations,
    jobs), by key within each.
    """
    deliveries, seen = await _redact_erased(statements, deliveries, pepper=pepper)
    fresh = await _insert_fresh(statements, deliveries)
    await keep_unknown(statements, fresh, pepper=pepper)
    await _upsert_hosts(statements, fresh, seen)
    moved = await merge_rows(statements, EVENTS, event_states(fresh), existing=seen.events)
    changes = await merge_rows(
        statements, REGISTRATIONS, _registration_states(fresh), existing=seen.registrations
    )
    requests = await _jobs_to_enqueue(statements, changes, seen, trace_contexts(fresh))
    org_ids = await enqueue_jobs(statements, requests)
    org_ids |= await request_changed_events(statements, _changed_events(moved, seen))
    is_fresh = {id(delivery) for delivery in fresh}
    outcomes = [
        delivery.outcome if id(delivery) in is_fresh else Outcome.DUPLICATE for delivery in deliveries
    ]
    return IngestResult(outcomes, org_ids, seen)


async def ingest_import(
    session: AsyncSession, lines: Sequence[ParsedDelivery], *, pepper: bytes
) -> ImportResult:
    """Merge imported registrations as webhooks are, without storing deliveries.

    Their jobs have a lower priority than live ones, and exist only where the registration was written before
    or its event is linked; others wait for a backfill.
    """
    await lock_hosts(session, lines)
    spared, seen = await _redact_erased(session, lines, pepper=pepper)
    await _upsert_hosts(session, spared, seen)
    moved = await merge_rows(session, EVENTS, event_states(spared), existing=seen.events)
    changes = await merge_rows(
        session, REGISTRATIONS, _registration_states(spared), existing=seen.registrations
    )
    wanted = await _only_requested(session, await _jobs_to_enqueue(session, changes, seen), changes)
    org_ids = await enqueue_jobs(session, [replace(arm, priority=BACKFILL) for arm in wanted])
    org_ids |= await request_changed_events(session, _changed_events(moved, seen))
    return ImportResult({change.key for change in changes}, org_ids)


async def _redact_erased(
    statements: SqlExecutor, deliveries: Sequence[ParsedDelivery], *, pepper: bytes
) -> tuple[list[ParsedDelivery], ExistingState]:
    """The deliveries without what must not be kept of them, and what is known of all around them."""
    seen = await load_existing(statements, deliveries)
    buried = [delivery for delivery in deliveries if seen.hosts[delivery.host_id].has_tombstones]
    erased_at = await load_erased(statements, subjects_of(buried), pepper=pepper)
    return [redact_erased(delivery, erased_at) for delivery in deliveries], seen


async def _insert_fresh(
    statements: SqlExecutor, deliveries: Sequence[ParsedDelivery]
) -> list[ParsedDelivery]:
    """Insert each webhook id once; the new ones, in the given order."""
    first: dict[Key, ParsedDelivery] = {}
    for delivery in deliveries:
        first.setdefault(delivery.key, delivery)
    inserted = await insert_deliveries(statements, list(first.values()))
    fresh = [delivery for key, delivery in first.items() if key in inserted]
    if len(fresh) < len(deliveries):
        await _count_changed_bodies(statements, deliveries)
    return fresh


async def _count_changed_bodies(statements: SqlExecutor, deliveries: Sequence[ParsedDelivery]) -> None:
    """A sender that reuses an id for another body is counted; the first body stays."""
    kept = await statements.execute(
        KEPT_BODIES,
        {"hosts": [each.host_id for each in deliveries], "ids": [each.webhook_id for each in deliveries]},
    )
    digest_of = {(host_id, webhook_id): body_sha256 for host_id, webhook_id, body_sha256 in kept}
    changed = sum(digest_of[delivery.key] != delivery.body_sha256 for delivery in deliveries)
    WEBHOOK_BODY_CHANGES.inc(changed)


async def _upsert_hosts(
    statements: SqlExecutor, fresh: Iterable[ParsedDelivery], seen: ExistingState
) -> None:
    """Make hosts known, and follow their names."""
    names = {delivery.host_id: delivery.host_name for delivery in fresh}
    changed = [
        (host_id, name)
        for host_id, name in names.items()
        if not seen.hosts[host_id].is_known or name not in (None, seen.hosts[host_id].name)
    ]
    if changed:
        await statements.execute(UPSERT_HOSTS, {"rows": as_rows(changed)})


def event_states(fresh: Iterable[ParsedDelivery]) -> dict[Key, EventState]:
    news: dict[Key, EventState] = {}
    for delivery in fresh:
        if delivery.event is not None and delivery.event_id is not None:
            key = delivery.host_id, delivery.event_id
            known = news.setdefault(key, delivery.event)
            if known != delivery.event:  # hundreds tell the same about the event of the evening
                news[key] = merge_events(known, delivery.event)
    return news


def _registration_states(fresh: Iterable[ParsedDelivery]) -> dict[Key, RegistrationState]:
    news: dict[Key, RegistrationState] = {}
    for delivery in fresh:
        told = delivery.registration
        if told is not None and delivery.registration_id is not None:
            key = delivery.host_id, delivery.registration_id
            news[key] = merge_registrations(news[key], told) if key in news else told
    return news


def trace_contexts(fresh: Iterable[ParsedDelivery]) -> dict[Key, str]:
    """The trace of the newest delivery for each registration, of those that are collected."""
    return {
        (each.host_id, each.registration_id): each.trace_context
        for each in fresh
        if each.registration_id is not None and each.trace_context is not None
    }


async def _jobs_to_enqueue(
    statements: SqlExecutor,
    changes: Iterable[RowChange],
    seen: ExistingState,
    traces: Mapping[Key, str] | None = None,
) -> list[JobRequest]:
    """What to write: news of connected hosts that reached Salesforce already or should now.

    Each belongs to its trace in `traces`, or to that of the request.
    """
    org_of = orgs_of(seen)
    of_connected = [change for change in changes if change.key[0] in org_of]
    news: list[RowChange] = []
    others: list[RowChange] = []
    for change in of_connected:
        (news if has_relevant_change(change.before, change.after) else others).append(change)
    in_calendar = await _in_calendar(statements, others)
    known = {change.key for change in in_calendar}
    of_emails = await email_news(statements, [change for change in others if change.key not in known])
    optional = {change.key for change in of_emails}
    told = [*news, *of_emails]
    has_job = await _with_job(statements, [change for change in told if not is_wanted(change)])
    wanted = [change for change in told if is_wanted(change) or change.key in has_job]
    return job_requests([*wanted, *in_calendar], org_of, optional, traces)


def orgs_of(seen: ExistingState) -> dict[str, str]:
    """The orgs of the hosts that are or were connected."""
    return {host_id: host.org_id for host_id, host in seen.hosts.items() if host.org_id is not None}


def job_requests(
    changes: Iterable[RowChange],
    org_of: Mapping[str, str],
    optional: Collection[Key],
    traces: Mapping[Key, str] | None,
) -> list[JobRequest]:
    requests = [
        JobRequest(
            *change.key, change.after["event_id"], org_of[change.key[0]], is_optional=change.key in optional
        )
        for change in changes
    ]
    if not traces:
        return requests
    keys = [(each.host_id, each.registration_id) for each in requests]
    return [replace(each, trace_context=traces.get(key)) for each, key in zip(requests, keys, strict=True)]


async def _in_calendar(statements: SqlExecutor, changes: Iterable[RowChange]) -> list[RowChange]:
    """Those that change what a calendar Event shows, where there is one or may be one in a moment."""
    shown = {change.key: change for change in changes if has_calendar_change(change.before, change.after)}
    if not shown:
        return []
    found = await statements.execute(IN_CALENDAR, {"keys": json.dumps(list(shown)), "slot": CALENDAR_EVENT})
    return [shown[host_id, registration_id] for host_id, registration_id in found]


def _changed_events(changes: Iterable[RowChange], seen: ExistingState) -> list[ChangedEvent]:
    """The events of connected hosts whose calendar Events have to show something else."""
    return [
        ChangedEvent(host_id, event_id, org_id)
        for (host_id, event_id), before, after in ((each.key, each.before, each.after) for each in changes)
        if (org_id := seen.hosts[host_id].org_id) is not None and moves_calendar(before, after)
    ]


def is_wanted(change: RowChange) -> bool:
    return change.after["status"] == RegistrationStatus.CONFIRMED or change.after["checked_in_at"] is not None


async def _with_job(statements: SqlExecutor, changes: Iterable[RowChange]) -> set[Key]:
    """Queried after the rows are written, so that a job created in the meantime is found.

    Nobody else sees a row that was inserted, so it has none.
    """
    keys = [change.key for change in changes if change.before is not None]
    if not keys:
        return set()
    found = await statements.execute(WITH_JOB, {"keys": json.dumps(keys)})
    return {(host_id, registration_id) for host_id, registration_id in found}


async def _only_requested(
    session: AsyncSession, arms: Sequence[JobRequest], changes: Iterable[RowChange]
) -> list[JobRequest]:
    """Those in an event that writes to a campaign, or with a job already; `changes` include theirs."""
    columns = (CampaignLink.host_id, CampaignLink.event_id)
    events = {(arm.host_id, arm.event_id) for arm in arms}
    found = await session.execute(select(*columns).where(tuple_(*columns).in_(events))) if events else ()
    linked = {(host_id, event_id) for host_id, event_id in found}
    others = {(arm.host_id, arm.registration_id) for arm in arms if (arm.host_id, arm.event_id) not in linked}
    others -= await _with_job(session, [change for change in changes if change.key in others])
    return [arm for arm in arms if (arm.host_id, arm.registration_id) not in others]


async def keep_unknown(
    statements: SqlExecutor, deliveries: Iterable[ParsedDelivery], *, pepper: bytes
) -> None:
    """Store the encrypted bodies of unknown types."""
    for delivery in deliveries:
        if delivery.unread is not None:
            values = {
                "host_id": delivery.host_id,
                "webhook_id": delivery.webhook_id,
                "occurred_at": delivery.occurred_at,
                "sealed": delivery.unread.sealed,
                "mentions": mention_keys(delivery.host_id, delivery.unread.mentions, pepper=pepper),
            }
            await statements.execute(KEEP_UNKNOWN, values)
