"""The end of a batch: results, jobs, broken links and the org's API figures, in one transaction."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.joined_texts import Change, execute_together
from app.infrastructure.json_rows import as_rows_by_key, row_of, value_of
from app.metrics import ACKNOWLEDGED_TO_SYNCED
from app.models import Backfill, CampaignLink, Event
from app.models.kept_plan import expecting_one, found_by, kept_plan
from app.notifications.facts import campaign_broken, events_failed
from app.salesforce.client import SalesforceClient
from app.states import BackfillState, JobReason, JobState, LinkState, SkipReason
from app.sync.engine.job_outcome import ENDED, decide_outcome, ended_row, unless_switched_on
from app.sync.execution.attempt_log import insertion_of_attempts
from app.sync.jobs.gates import change_of_api_usage, close_if_used_up
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.describe_cache import mark_stale
from app.sync.model.cooperative import yielding
from app.sync.model.item_errors import TOLD_BY_EACH_RUN
from app.sync.model.job_outcome import JobOutcome, Obstacle
from app.sync.model.work_item import WorkItem

BACKFILL_REASONS = frozenset(
    {
        JobReason.LINK,
        JobReason.REQUEST,
        JobReason.REAPPLY,
        JobReason.BEFORE_CONNECTION,
        JobReason.SWITCHED_ON,
    }
)
PACED_REASONS = BACKFILL_REASONS | {JobReason.EVENT_CHANGED}
"""Live work goes before these."""

# What a running job becomes; it is re-armed where something newer was requested than it ran for.
#
#   ended as            re-armed    next state    due          org
#   ambiguous           never       ambiguous     its recheck  as before
#   any other           yes         pending       at once      that of the host's connection
#   any other           no          as it ended   as it ended  as before
#
# Attempts begin anew with whatever newer is requested, of an ambiguous job as well. While optional parts
# alone are on their way, `settled_state` keeps what the job has become apart from them; anything else that is
# requested meanwhile ends that.
#
# What a job ended as is looked up by its key and not joined: the planner takes the rows that run for one, and
# would compare each of them with the whole batch.
#
# `seconds`: how long synced live work took that was not held back, since it was requested, by a pause or a
# connection that had ended.
#
# Rows are met again by place, which nobody changes: they are locked by now. Whose they are is read with the
# place: of rows that run the planner expects one, and would walk all rows of the host for each of the batch.
PLACE_AND_OWNER = "ctid AS place, state, fence"
COMPLETE_JOBS = kept_plan(
    f"""
    UPDATE sync_jobs AS job
    SET (
        state, due_at, org_id, waiting_for, attempts, settled_state, trace_context, written_version,
        worker_crashes, batch_limit, skipped_because, is_attended, error_class, error_code, group_id, error,
        first_error_at, last_error_at, warnings, failed_parts, synced_at
    ) = (
        SELECT CASE WHEN is_rearmed THEN 'pending' ELSE ended.state END,
               CASE WHEN is_rearmed THEN clock_timestamp() ELSE ended.due_at END,
               CASE WHEN is_rearmed
                    THEN coalesce(
                        (SELECT connections.org_id FROM connections
                         WHERE connections.host_id = job.host_id),
                        job.org_id
                    )
                    ELSE job.org_id END,
               CASE WHEN is_rearmed THEN NULL ELSE ended.waiting_for END,
               CASE WHEN is_newer_requested THEN 0 ELSE job.attempts + ended.counts_as_attempt END,
               CASE WHEN is_more_requested THEN NULL
                    WHEN ended.is_unreached THEN job.settled_state
                    WHEN is_rearmed OR ended.state = 'pending' THEN ended.settled_as END,
               CASE WHEN is_rearmed OR ended.state IN ('pending', 'ambiguous') THEN job.trace_context END,
               CASE WHEN ended.settled_as IN ('synced', 'skipped', 'held')
                    THEN job.running_version ELSE job.written_version END,
               CASE WHEN ended.state = 'ambiguous' THEN job.worker_crashes ELSE 0 END,
               CASE WHEN ended.is_unfinished THEN coalesce(CAST(:batch_limit AS int), job.batch_limit) END,
               ended.skipped_because, ended.is_attended,
               ended.error_class, ended.error_code, ended.group_id, ended.error,
               CASE WHEN ended.error IS NULL THEN NULL
                    WHEN job.group_id = ended.group_id AND job.first_error_at IS NOT NULL
                    THEN job.first_error_at ELSE clock_timestamp() END,
               CASE WHEN ended.error IS NULL THEN NULL ELSE clock_timestamp() END,
               CASE WHEN ended.warnings <> '[]' THEN ended.warnings
                    WHEN ended.settled_as IS DISTINCT FROM 'synced' THEN job.warnings
                    ELSE (SELECT coalesce(jsonb_agg(warning), '[]')
                          FROM jsonb_array_elements(job.warnings) AS warning
                          WHERE warning ->> 'code' <> ALL (CAST(:of_each_run AS text[]))) END,
               coalesce(ended.failed_parts, job.failed_parts),
               CASE WHEN ended.settled_as = 'synced' THEN clock_timestamp() ELSE job.synced_at END
        FROM ({row_of("ended", "job.registration_id", ENDED)}) AS ended
        CROSS JOIN (
            SELECT job.requested_version > job.running_version AS is_newer_requested,
                   job.requested_version - job.running_version > job.optional_requests AS is_more_requested
        ) AS newer
        CROSS JOIN LATERAL (SELECT is_newer_requested AND ended.state <> 'ambiguous' AS is_rearmed) AS rearmed
    ),
        fence = NULL, running_version = NULL
    FROM unnest(CAST(:registration_ids AS text[])) AS wanted (id) CROSS JOIN LATERAL {
        found_by("registration_id", "wanted.id", table="sync_jobs", columns=PLACE_AND_OWNER, is_key=True)
    } AS locked
    WHERE job.ctid = locked.place AND {expecting_one("wanted.id")}
      AND (NOT :is_fenced OR (locked.state = 'running' AND locked.fence = :fence))
    RETURNING CASE WHEN {value_of("ended", "job.registration_id", ENDED, "settled_as")} = 'synced'
        AND job.reason = 'live' AND job.waiting_since > greatest(
            '-infinity',
            (SELECT greatest(host.resumed_at, connection.state_since, lease.resumed_at)
             FROM hosts AS host CROSS JOIN LATERAL {
        found_by("host_id", "host.host_id", table="connections", beside="true")
    } AS connection LEFT JOIN LATERAL {
        found_by("org_id", "connection.org_id", table="org_leases", beside="true")
    } AS lease ON true WHERE host.host_id = :host_id),
            (SELECT event.resumed_at FROM events AS event
             WHERE event.host_id = job.host_id AND event.event_id = job.event_id)
        ) THEN extract(epoch FROM clock_timestamp() - job.waiting_since)::float8 END AS seconds,
    (SELECT api_cap_percent FROM hosts WHERE host_id = :host_id) AS cap_percent
    """  # noqa: S608 -- put together from constants
)


async def complete_batch(
    store: WriteStore,
    items: Sequence[WorkItem],
    client: SalesforceClient | None,
    *,
    calls: int,
    has_broken_off: bool = False,
) -> dict[str, str]:
    """Commit how every row ended; returns the state of each by its registration.

    Raises LeaseLost when they belong to another worker by now. Of a batch that has broken off, any open row
    may be to blame: they are tried in halves next.
    """
    async with store.database.tenant(store.batch.host_id, keeps_plans=True) as session:
        off = await _lock_switched_off(session, store.batch.host_id, items)
        now = await store.lock_jobs(session, items)
        changes = [*await store.save_gone(session, items), store.release_of_create_locks(items)]
        outcomes = [
            (row, unless_switched_on(row, decide_outcome(row, now, jitter=random.random()), off))  # noqa: S311
            async for row in yielding(items)
        ]
        changes += await insertion_of_attempts(store, outcomes, calls=calls)
        failed = [row.job.event.event_id for row, outcome in outcomes if outcome.state == JobState.FAILED]
        await _mark_links_broken(session, store, items)
        await _invalidate_describes(session, store, items)
        if client is not None:
            changes.append(_usage(client, store, outcomes, calls=calls))
        ended = await _ended(store, outcomes, now, has_broken_off=has_broken_off)
        completed = (await execute_together(session, changes, (COMPLETE_JOBS, ended))).all()
        if client is not None:
            await close_if_used_up(session, store.batch.host_id, client.usage, completed[0].cap_percent)
        await events_failed(session, store.batch.host_id, failed)
    for each in completed:
        if each.seconds is not None:
            ACKNOWLEDGED_TO_SYNCED.observe(each.seconds)
    await _add_backfill_calls(store, items, calls)
    return {row.job.registration_id: outcome.state for row, outcome in outcomes}


async def _lock_switched_off(
    session: AsyncSession, host_id: str, items: Iterable[WorkItem]
) -> frozenset[str]:
    """The events that are still off of those for which items were skipped.

    They stay off until the caller's transaction ends: whoever switches one on then finds its rows skipped.
    """
    ids = {item.job.event.event_id for item in items if item.skipped_because == SkipReason.SWITCHED_OFF}
    if not ids:
        return frozenset()
    off = (
        select(Event.event_id)
        .where(Event.host_id == host_id, Event.event_id.in_(sorted(ids)), Event.is_enabled.is_(False))
        .order_by(Event.event_id)
        .with_for_update(read=True)
    )
    return frozenset(await session.scalars(off))


async def _ended(
    store: WriteStore,
    outcomes: Sequence[tuple[WorkItem, JobOutcome]],
    now: datetime,
    *,
    has_broken_off: bool,
) -> dict[str, Any]:
    """What COMPLETE_JOBS is told."""
    ended = {
        row.job.registration_id: ended_row(row, outcome, now) async for row, outcome in yielding(outcomes)
    }
    return {
        "ended": as_rows_by_key(ended),
        "registration_ids": list(ended),
        "batch_limit": sum(outcome.is_unfinished for _, outcome in outcomes) // 2 if has_broken_off else None,
        "host_id": store.batch.host_id,
        "fence": store.batch.fence,
        "of_each_run": sorted(TOLD_BY_EACH_RUN),
        "is_fenced": "fence" not in store.lease.guards_off,
    }


async def _mark_links_broken(session: AsyncSession, store: WriteStore, items: Sequence[WorkItem]) -> None:
    """A campaign that is gone, hidden or lost a chosen status: its link is broken until somebody mends it.

    Only the version that was looked at: a link that was mended or replaced meanwhile is another one.
    """
    seen = sorted(
        {
            (row.job.event.event_id, row.job.link.version)
            for row in items
            if row.obstacles
            and Obstacle.CAMPAIGN in row.obstacles
            and row.job.link
            and not row.job.link.is_broken
        }
    )
    if seen:
        broken = await session.execute(
            update(CampaignLink)
            .where(
                CampaignLink.host_id == store.batch.host_id,
                tuple_(CampaignLink.event_id, CampaignLink.version).in_(seen),
            )
            .values(state=LinkState.BROKEN, problem_code="campaign_broken", version=CampaignLink.version + 1)
            .returning(CampaignLink.event_id, CampaignLink.campaign_id)
        )
        for event_id, campaign_id in sorted(broken):
            await campaign_broken(session, store.batch.host_id, event_id, campaign_id=campaign_id)


async def _invalidate_describes(session: AsyncSession, store: WriteStore, items: Sequence[WorkItem]) -> None:
    """What Salesforce contradicted, or what a row failed by, is asked for anew before the next batch."""
    misjudged = {sobject for row in items for sobject in row.stale_describes}
    if misjudged:
        await mark_stale(session, misjudged, host_id=store.batch.host_id, org_id=store.batch.org_id)


async def _add_backfill_calls(store: WriteStore, items: Sequence[WorkItem], calls: int) -> None:
    """Count the calls of a batch for the backfill that most of its rows belong to.

    In a transaction of its own: enqueuing locks a backfill before its jobs, so it must not be locked after
    them.
    """
    events = Counter(row.job.event.event_id for row in items if row.job.reason in BACKFILL_REASONS)
    if not events or not calls:
        return
    host_id, [(event_id, _)] = store.batch.host_id, events.most_common(1)
    async with store.database.tenant(host_id) as session:
        await session.execute(
            update(Backfill)
            .where(
                Backfill.host_id == host_id,
                Backfill.event_id == event_id,
                Backfill.state == BackfillState.RUNNING,
            )
            .values(api_calls=Backfill.api_calls + calls)
        )


def _usage(
    client: SalesforceClient,
    store: WriteStore,
    outcomes: Sequence[tuple[WorkItem, JobOutcome]],
    *,
    calls: int,
) -> Change:
    """What records the batch's calls; last of all that its transaction locks is the connection."""
    has_written = any(outcome.settled_as == JobState.SYNCED for _, outcome in outcomes)
    return change_of_api_usage(store.batch.host_id, client.usage, calls=calls, has_written=has_written)
