"""Registrations of events that are switched off: skipped without a call, unless the event is on by now."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Event
from app.states import JobState, SkipReason
from app.sync.model.batch import Batch
from app.sync.model.batch_items import changed_item
from app.sync.model.decisions import ItemDecision, Skip
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.work_item import WorkItem


def of_enabled_events(batch: Batch) -> Batch:
    """The batch with the jobs that may be written."""
    if all(job.is_enabled for job in batch.jobs):
        return batch
    return replace(batch, jobs=tuple(job for job in batch.jobs if job.is_enabled))


def switched_off(item: WorkItem) -> WorkItem:
    """The item, skipped."""
    reason = SkipReason.ERASED if item.job.is_erased else SkipReason.SWITCHED_OFF
    return changed_item(item, ItemDecision(item, Skip(reason)))


async def lock_switched_off(session: AsyncSession, host_id: str, items: Iterable[WorkItem]) -> frozenset[str]:
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


def unless_switched_on(item: WorkItem, outcome: JobOutcome, off: frozenset[str]) -> JobOutcome:
    """The outcome; where the event was switched on while its row was skipped, the row is due again."""
    is_outdated = outcome.skipped_because == SkipReason.SWITCHED_OFF and item.job.event.event_id not in off
    return JobOutcome(JobState.PENDING, outcome.due_at) if is_outdated else outcome
