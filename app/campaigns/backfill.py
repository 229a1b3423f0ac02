"""Backfills: enqueue the jobs of an event chunk by chunk, and count how far that is.

A request only writes the row; workers call `enqueue_backfill_chunk` and `finish_backfills` again and again.
Jobs are enqueued below live work in priority. What a backfill still has to do is counted from its jobs: those
of its event that it was the last to enqueue. A job that something live enqueued since is no longer its own:
done, to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import BackfillRunning
from app.campaigns.schemas import BackfillEstimate, BackfillShown
from app.infrastructure.database import Database, database_now, hash_joins_only
from app.models import BACKFILL, Backfill, CampaignLink, Connection, Event, Registration, SyncJob
from app.models.conditions import IS_CHECKED_IN, IS_WRITABLE, SHOWN_STATE
from app.notifications.facts import backfill_finished
from app.states import BackfillState, JobReason, JobState, SkipReason
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from app.sync.jobs.unwritten import ACTIVE, BATCH_ROWS, api_calls_for, without_job

MAX_PENDING_JOBS: Final = 5 * BATCH_ROWS

IN_PROGRESS: Final = (JobState.PENDING, JobState.RUNNING, JobState.AMBIGUOUS)
UNSETTLED: Final = (*IN_PROGRESS, JobState.HELD)
WAS_SKIPPED: Final = and_(
    SyncJob.state == JobState.SKIPPED, SyncJob.skipped_because == SkipReason.SWITCHED_OFF
)
"""Rows of an event that was switched off."""
TO_ENQUEUE: Final = (Backfill.state == BackfillState.RUNNING, Backfill.is_enqueued.is_(False))


RELEASE_PASSED: Final = text("""
    WITH passed AS (
        SELECT job.host_id, job.registration_id FROM sync_jobs AS job
        JOIN backfills AS backfill ON backfill.host_id = job.host_id AND backfill.event_id = job.event_id
         AND backfill.org_id = job.org_id AND backfill.state IN ('running', 'paused')
        WHERE job.host_id = :host_id AND job.event_id = ANY(:event_ids)
          AND job.state = 'skipped' AND job.skipped_because = 'switched_off'
        ORDER BY job.host_id, job.registration_id
        FOR UPDATE OF job
    )
    UPDATE sync_jobs AS job
    SET state = 'pending', skipped_because = NULL, priority = :priority, due_at = clock_timestamp(),
        requested_version = job.requested_version + 1, requested_by = :requested_by, attempts = 0
    FROM passed
    WHERE job.host_id = passed.host_id AND job.registration_id = passed.registration_id
""")
START_SWITCHED_ON: Final = text("""
    INSERT INTO backfills (host_id, backfill_id, event_id, org_id, reason, total, requested_by)
    SELECT job.host_id, 'bf_' || replace(CAST(gen_random_uuid() AS text), '-', ''), job.event_id, job.org_id,
           'switched_on', count(*), :requested_by
    FROM sync_jobs AS job
    JOIN connections ON connections.host_id = job.host_id AND connections.org_id = job.org_id
    WHERE job.host_id = :host_id AND job.event_id = ANY(:event_ids)
      AND job.state = 'skipped' AND job.skipped_because = 'switched_off'
    GROUP BY job.host_id, job.event_id, job.org_id
    ON CONFLICT (host_id, event_id) WHERE state IN ('running', 'paused') DO NOTHING
""")


@dataclass(frozen=True)
class BackfillProgress:
    """Where the registrations of a backfill are; the four add up to its total."""

    done: int
    failed: int
    skipped: int
    to_go: int


async def estimate(session: AsyncSession, host_id: str, event_id: str) -> BackfillEstimate:
    """What a backfill of this event would write, and about how many API calls it would cost."""
    query = select(func.count(), func.count().filter(IS_CHECKED_IN)).where(
        Registration.host_id == host_id, Registration.event_id == event_id, IS_WRITABLE
    )
    registrations, checked_in = (await session.execute(query)).one()
    return BackfillEstimate(
        registrations=registrations, checked_in=checked_in, estimated_api_calls=api_calls_for(registrations)
    )


async def start_backfill(
    session: AsyncSession,
    host_id: str,
    event_id: str,
    *,
    org_id: str,
    reason: str,
    requested_by: str,
    is_kept_empty: bool = False,
) -> Backfill | None:
    """Have the event's registrations written to the org. Raises BackfillRunning.

    When the event has none it returns None, or with `is_kept_empty` a backfill that is done at once.
    """
    if await _active(session, host_id, event_id) is not None:
        raise BackfillRunning
    total = await _count(session, _candidates(host_id, event_id, org_id, reason))
    if total == 0 and not is_kept_empty:
        return None
    backfill = Backfill(
        host_id=host_id,
        backfill_id=f"bf_{uuid4().hex}",
        event_id=event_id,
        org_id=org_id,
        reason=reason,
        total=total,
        requested_by=requested_by,
    )
    session.add(backfill)
    await session.flush()
    if total == 0:
        backfill.is_enqueued = True
        await _end(session, backfill, BackfillState.DONE)
    return backfill


async def start_for_switched_on(
    session: AsyncSession, host_id: str, event_ids: Sequence[str], *, requested_by: str
) -> None:
    """Have written what was skipped while these events were switched off.

    Where a backfill of the event is active, the rows that it went past are due at once; all others wait for a
    backfill of their own, which goes ahead as far as those of the host's other events allow.
    """
    values = {"host_id": host_id, "event_ids": list(event_ids), "requested_by": requested_by}
    await session.execute(RELEASE_PASSED, {**values, "priority": BACKFILL})
    await session.execute(START_SWITCHED_ON, values)


async def cancel_pending_jobs(session: AsyncSession, backfill: Backfill) -> int:
    """Withdraw the jobs that a cancelled backfill enqueued and nobody began; returns how many.

    What was never written is as if it had not been requested; what failed before is failed again. Work that
    was due before the backfill came is live work and stays.
    """
    is_open = and_(SyncJob.state == JobState.PENDING, SyncJob.settled_state.is_(None))
    own = [*_own_jobs(backfill), is_open, SyncJob.priority == BACKFILL]
    is_new = (SyncJob.written_version == 0, SyncJob.error_class.is_(None), SyncJob.attempts == 0)
    settle = update(SyncJob).values(
        reason=JobReason.LIVE, waiting_for=None, written_version=SyncJob.requested_version
    )
    statements = (
        delete(SyncJob).where(*own, *is_new),
        settle.where(*own, SyncJob.error_class.is_not(None)).values(state=JobState.FAILED),
        settle.where(*own, SyncJob.synced_at.is_not(None)).values(state=JobState.SYNCED),
    )
    withdrawn = 0
    for statement in statements:
        ids = await session.scalars(statement.returning(SyncJob.registration_id))
        withdrawn += len(ids.all())
    return withdrawn


async def cancel_backfill(session: AsyncSession, host_id: str, event_id: str) -> Backfill | None:
    """End the event's backfill, if one is active: it enqueues nothing more; its jobs stay enqueued."""
    backfill = await _active(session, host_id, event_id)
    if backfill is not None:
        await _end(session, backfill, BackfillState.CANCELLED)
    return backfill


async def restart_backfill(session: AsyncSession, link: CampaignLink, *, reason: str, by: str) -> None:
    """Write all of the link's event; includes what an earlier backfill had left to do."""
    await cancel_backfill(session, link.host_id, link.event_id)
    await start_backfill(
        session, link.host_id, link.event_id, org_id=link.org_id, reason=reason, requested_by=by
    )


ANY_RUNNING: Final = "EXISTS (SELECT FROM backfills WHERE state = 'running')"
"""Asked first, every few seconds in each worker: the statements that take one cost ten times as much."""


async def enqueue_backfill_chunk(
    database: Database, *, chunk: int = BATCH_ROWS, ahead: int = MAX_PENDING_JOBS
) -> set[str]:
    """Enqueue the jobs of the next `chunk` registrations of one backfill; returns the org to wake, if any.

    None is enqueued while `ahead` of its jobs still wait, so that it can be ended. The one that enqueued
    least goes first, so that a large one keeps nobody waiting. One whose org is no longer the connected
    one is cancelled: another org knows nobody yet, and takes nothing over.
    """
    async with database.system() as session:
        backfill = await session.scalar(_least_enqueued(ahead))
        if backfill is None:
            return set()
        connected = select(Connection.org_id).where(Connection.host_id == backfill.host_id)
        if await session.scalar(connected) != backfill.org_id:
            await _end(session, backfill, BackfillState.CANCELLED)
            return set()
        return await enqueue_jobs(session, await _next_requests(session, backfill, chunk))


async def finish_backfills(database: Database, *, limit: int = 50) -> int:
    """Close the backfills that enqueued everything and whose jobs have all come to rest; returns how many."""
    async with database.system() as session:
        finished = (await session.scalars(_finished(limit))).all()
        for backfill in finished:
            await _end(session, backfill, BackfillState.DONE)
    return len(finished)


async def backfill_view(session: AsyncSession, host_id: str, event_id: str) -> BackfillShown | None:
    """The event's latest backfill; None when none ever ran."""
    latest = (
        select(Backfill)
        .where(Backfill.host_id == host_id, Backfill.event_id == event_id)
        .order_by(Backfill.started_at.desc())
        .limit(1)
    )
    backfill = await session.scalar(latest)
    if backfill is None:
        return None
    tally, now = await _tally(session, backfill), await database_now(session)
    is_running = backfill.state == BackfillState.RUNNING
    ends_at = estimated_end(backfill.started_at, now, tally=tally) if is_running else None
    return BackfillShown.model_validate({**vars(backfill), **vars(tally), "estimated_end_at": ends_at})


def backfill_progress(total: int, not_enqueued: int, states: Mapping[str, int]) -> BackfillProgress:
    """The tally from how many are not enqueued yet and the states of the jobs that are."""
    to_go = min(total, not_enqueued + sum(states.get(state, 0) for state in UNSETTLED))
    failed = min(states.get(JobState.FAILED, 0), total - to_go)
    skipped = min(states.get(JobState.SKIPPED, 0), total - to_go - failed)
    return BackfillProgress(total - to_go - failed - skipped, failed, skipped, to_go)


def estimated_end(started_at: datetime, now: datetime, *, tally: BackfillProgress) -> datetime | None:
    """When it ends if it goes on as it did so far; None while nothing can be said."""
    settled = tally.done + tally.failed + tally.skipped
    if settled == 0 or now <= started_at:
        return None
    return now + (now - started_at) * (tally.to_go / settled)


def _candidates(host_id: str, event_id: str, org_id: str, reason: str) -> Select[str]:
    if reason == JobReason.UNLINK:
        # A running job may have planned with the broken link, and would come to rest as held.
        return select(SyncJob.registration_id).where(
            SyncJob.host_id == host_id,
            SyncJob.event_id == event_id,
            SyncJob.state.in_((JobState.HELD, JobState.RUNNING)),
        )
    if reason == JobReason.SWITCHED_ON:
        return select(SyncJob.registration_id).where(
            SyncJob.host_id == host_id, SyncJob.event_id == event_id, SyncJob.org_id == org_id, WAS_SKIPPED
        )
    if reason == JobReason.BEFORE_CONNECTION:
        return select(Registration.registration_id).where(
            *without_job(host_id, org_id), Registration.event_id == event_id
        )
    return select(Registration.registration_id).where(
        Registration.host_id == host_id, Registration.event_id == event_id, IS_WRITABLE
    )


def _least_enqueued(ahead: int) -> Select[Backfill]:
    waiting = (
        select(func.count()).where(*_own_jobs(Backfill), SyncJob.state.in_(IN_PROGRESS)).scalar_subquery()
    )
    return (
        select(Backfill)
        .where(*TO_ENQUEUE, waiting < ahead, Backfill.host_id.not_in(_hosts_with_enough(ahead)))
        .order_by(Backfill.enqueued, Backfill.started_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _hosts_with_enough(ahead: int) -> Select[str]:
    """The hosts whose events that were switched on have `ahead` jobs waiting, all of them together."""
    filling = select(Backfill.host_id).where(*TO_ENQUEUE, Backfill.reason == JobReason.SWITCHED_ON)
    return (
        select(SyncJob.host_id)
        .join(Event, and_(Event.host_id == SyncJob.host_id, Event.event_id == SyncJob.event_id))
        .where(
            SyncJob.host_id.in_(filling),
            SyncJob.reason == JobReason.SWITCHED_ON,
            SyncJob.state.in_(IN_PROGRESS),
            Event.paused_at.is_(None),
        )
        .group_by(SyncJob.host_id)
        .having(func.count() >= ahead)
    )


def _finished(limit: int) -> Select[Backfill]:
    is_moving = exists().where(*_own_jobs(Backfill), SHOWN_STATE.in_(IN_PROGRESS))
    return (
        select(Backfill)
        .where(Backfill.state == BackfillState.RUNNING, Backfill.is_enqueued, ~is_moving)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _own_jobs(backfill: Any) -> list[ColumnElement[bool]]:
    """The jobs that this backfill (a row, or the table itself) was the last to enqueue.

    A job that nothing has touched since it began is of an earlier one with the same reason.
    """
    return [
        SyncJob.host_id == backfill.host_id,
        SyncJob.event_id == backfill.event_id,
        SyncJob.reason == backfill.reason,
        SyncJob.registration_id <= backfill.cursor,
        SyncJob.updated_at >= backfill.started_at,
    ]


async def _next_requests(session: AsyncSession, backfill: Backfill, chunk: int) -> list[JobRequest]:
    candidates = _candidates(backfill.host_id, backfill.event_id, backfill.org_id, backfill.reason)
    [registration_id] = candidates.selected_columns
    query = candidates.where(registration_id > backfill.cursor).order_by(registration_id).limit(chunk)
    async with hash_joins_only(session):
        ids = (await session.scalars(query)).all()
    backfill.cursor = ids[-1] if ids else backfill.cursor
    backfill.enqueued += len(ids)
    backfill.total = max(backfill.total, backfill.enqueued)
    backfill.is_enqueued = len(ids) < chunk
    return [
        JobRequest(
            host_id=backfill.host_id,
            registration_id=each,
            event_id=backfill.event_id,
            org_id=backfill.org_id,
            reason=backfill.reason,
            priority=BACKFILL,
            requested_by=backfill.requested_by,
        )
        for each in ids
    ]


async def _tally(session: AsyncSession, backfill: Backfill) -> BackfillProgress:
    if backfill.state not in ACTIVE:
        ended = backfill.done + backfill.failed + backfill.skipped
        return BackfillProgress(backfill.done, backfill.failed, backfill.skipped, backfill.total - ended)
    states = await session.execute(
        select(SHOWN_STATE.label("state"), func.count().label("jobs"))
        .where(*_own_jobs(backfill))
        .group_by(SHOWN_STATE)
    )
    not_enqueued = 0 if backfill.is_enqueued else max(0, backfill.total - backfill.enqueued)
    return backfill_progress(backfill.total, not_enqueued, {row.state: row.jobs for row in states})


async def _end(session: AsyncSession, backfill: Backfill, state: str) -> None:
    tally = await _tally(session, backfill)
    backfill.done, backfill.failed, backfill.skipped = tally.done, tally.failed, tally.skipped
    backfill.state = state
    backfill.finished_at = await database_now(session)
    await session.flush()
    if state == BackfillState.DONE:
        await backfill_finished(session, backfill)


async def _active(session: AsyncSession, host_id: str, event_id: str) -> Backfill | None:
    return await session.scalar(
        select(Backfill)
        .where(Backfill.host_id == host_id, Backfill.event_id == event_id, Backfill.state.in_(ACTIVE))
        .with_for_update()
    )


async def _count(session: AsyncSession, rows: Select[Any]) -> int:
    return await session.scalar(select(func.count()).select_from(rows.subquery())) or 0
