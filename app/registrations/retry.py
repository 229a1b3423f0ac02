"""Retry one registration, or all that a filter matches: enqueues them, and the engine does the rest."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.dependencies import Resources
from app.api.errors import RegistrationNotFound
from app.infrastructure import audit_log
from app.models import LIVE, Registration, SyncJob
from app.models.conditions import IS_COUNTED, IS_ERASED
from app.registrations.context import EventContext, load_context
from app.registrations.listing import read_row
from app.registrations.queries import (
    HAS_ERROR,
    group_of_job,
    has_failed_part,
    job_of,
    stored_state_columns,
)
from app.registrations.registration_state import StoredState, retry_refusal
from app.registrations.schemas import NotQueued, RetryFilter, RetryOutcome
from app.states import JobReason, JobState, LinkState, PendingReason, WaitReason
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from app.sync.lookup.describe_cache import EMAIL_OBJECTS, expire_describes


@dataclass(frozen=True)
class RetryCandidate:
    """One row that a retry is about."""

    registration_id: str
    stored: StoredState

    @property
    def has_parts_alone(self) -> bool:
        """Whether only parts failed on which its state does not depend."""
        return self.stored.shown_job_state == JobState.SYNCED and self.stored.has_failed_parts


@dataclass(frozen=True)
class RetrySelection:
    """Which rows a retry takes, and how many it leaves alone for which reason.

    Of the rows `parts_of`, by id, only parts are tried: what their state depends on is as it should be.
    """

    queued: tuple[RetryCandidate, ...]
    not_queued: Counter[str]
    parts_of: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        return self.taken + self.not_queued.total()

    @property
    def taken(self) -> int:
        return len(self.queued) + len(self.parts_of)


def select_for_retry(found: Iterable[RetryCandidate], *, is_single: bool) -> RetrySelection:
    """Sort the rows into those that are taken and those that are not, by why."""
    refusals = [(each, retry_refusal(each.stored, is_single=is_single)) for each in found]
    taken = [each for each, refusal in refusals if refusal is None]
    parts_of = () if is_single else tuple(each.registration_id for each in taken if each.has_parts_alone)
    queued = tuple(each for each in taken if is_single or not each.has_parts_alone)
    refused = (refusal for _, refusal in refusals if refusal is not None)
    return RetrySelection(queued, Counter(refused), parts_of)


async def retry_one(call: EventCall, registration_id: str) -> RetryOutcome:
    """Retry one row; the outcome has the new one. Raises EventNotFound, RegistrationNotFound."""
    async with call.resources.database.tenant(call.host_id) as session:
        context = await load_context(session, call.host_id, call.event_id)
        found = await _find_by_ids(session, context, [registration_id])
        if not found:
            raise RegistrationNotFound
        selection = select_for_retry(found, is_single=True)
        about = {"registration_id": registration_id}
        await queue_selected(session, context, selection, requested_by=call.user_id, about=about)
    async with call.resources.database.tenant(call.host_id) as session:
        row = await read_row(session, call.host_id, call.event_id, registration_id=registration_id)
    await wake(call.resources, context, selection)
    return outcome_of(selection, context).model_copy(update={"row": row})


async def retry_many(call: EventCall, chosen: RetryFilter, *, is_dry_run: bool) -> RetryOutcome:
    """Retry what the filter matches; a dry run only counts. Raises EventNotFound, FilterEmpty."""
    name, value = chosen.chosen()
    async with call.resources.database.tenant(call.host_id) as session:
        context = await load_context(session, call.host_id, call.event_id)
        selection = select_for_retry(await _find(session, context, name=name, value=value), is_single=False)
        if not is_dry_run:
            about = {"filter": name, "value": value if isinstance(value, str) else None}
            await queue_selected(session, context, selection, requested_by=call.user_id, about=about)
    if not is_dry_run:
        await wake(call.resources, context, selection)
    return outcome_of(selection, context, is_dry_run=is_dry_run)


def outcome_of(selection: RetrySelection, context: EventContext, *, is_dry_run: bool = False) -> RetryOutcome:
    """Build the response, with the reasons why queued rows may have to wait."""
    return RetryOutcome(
        dry_run=is_dry_run,
        matched=selection.matched,
        queued=selection.taken,
        not_queued=[NotQueued(why=why, count=count) for why, count in sorted(selection.not_queued.items())],
        waiting_for=waiting_for(selection, context),
        row=None,
    )


def waiting_for(selection: RetrySelection, context: EventContext) -> str | None:
    """What queued rows wait for: a closed gate, or a broken link where all of them need it."""
    if not selection.taken:
        return None
    because = context.gates.closed_because
    if because is not None:
        return WaitReason.PAUSE if because == PendingReason.PAUSED else because
    is_broken = context.link is not None and context.link.state == LinkState.BROKEN
    are_held = not selection.parts_of and all(
        each.stored.job_state == JobState.HELD for each in selection.queued
    )
    return WaitReason.CAMPAIGN if is_broken and are_held else None


async def requeue(
    session: AsyncSession, host_id: str, ids: Sequence[str], *, requested_by: str, priority: int = LIVE
) -> None:
    """Enqueue a full write of these rows in one statement. The caller holds their locks."""
    if not ids:
        return
    await session.execute(
        update(SyncJob)
        .where(
            SyncJob.host_id == host_id, SyncJob.registration_id == func.any(literal(list(ids), ARRAY(Text)))
        )
        .values(
            state=JobState.PENDING,
            requested_version=SyncJob.requested_version + 1,
            due_at=func.clock_timestamp(),
            priority=priority,
            reason=JobReason.RETRY,
            requested_by=requested_by,
            attempts=0,
            worker_crashes=0,
            waiting_for=None,
            skipped_because=None,
            settled_state=None,
        )
        .execution_options(synchronize_session=False)
    )


async def _find(
    session: AsyncSession, context: EventContext, *, name: str, value: Any
) -> list[RetryCandidate]:
    if name == "registration_ids":
        return await _find_by_ids(session, context, value)
    narrower: dict[str, ColumnElement[bool]] = {
        "group_id": group_of_job == value,
        "error_code": SyncJob.error_code == value,
    }
    has_error = and_(HAS_ERROR, narrower.get(name, HAS_ERROR))
    return await find_locked(session, context, or_(has_error, has_failed_part(name, value)))


async def _find_by_ids(
    session: AsyncSession, context: EventContext, ids: Sequence[str]
) -> list[RetryCandidate]:
    """The event's registrations among these ids, with and without a job."""
    candidates = await find_locked(session, context, Registration.registration_id.in_(ids))
    known = {each.registration_id for each in candidates}
    query = select(Registration.registration_id, IS_ERASED, IS_COUNTED).where(
        Registration.host_id == context.host_id,
        Registration.event_id == context.event_id,
        Registration.registration_id.in_(set(ids) - known),
    )
    without = (await session.execute(query)).all()
    for each, is_erased, is_counted in without:
        can_be_enqueued = context.org_id is not None and is_counted
        state = StoredState(None, is_erased=is_erased, can_be_enqueued=can_be_enqueued)
        candidates.append(RetryCandidate(each, state))
    return candidates


async def find_locked(
    session: AsyncSession, context: EventContext, condition: ColumnElement[bool]
) -> list[RetryCandidate]:
    """The event's registrations that have a job, locked in the order of their keys, as everywhere."""
    query = (
        select(Registration.registration_id, *stored_state_columns(context))
        .join(SyncJob, job_of(context.org_id, context.event_id))
        .where(
            Registration.host_id == context.host_id,
            Registration.event_id == context.event_id,
            condition,
        )
        .order_by(SyncJob.host_id, SyncJob.registration_id)
        .with_for_update(of=SyncJob)
    )
    return [RetryCandidate(row[0], StoredState(*row[1:])) for row in await session.execute(query)]


async def queue_selected(
    session: AsyncSession,
    context: EventContext,
    selection: RetrySelection,
    *,
    requested_by: str,
    about: dict[str, Any],
    action: str = "salesforce.retry",
    priority: int = LIVE,
) -> None:
    """Enqueue the rows, and note who asked for it."""
    whole = [each.registration_id for each in selection.queued if each.stored.job_state is not None]
    await requeue(session, context.host_id, whole, requested_by=requested_by, priority=priority)
    if context.org_id is not None:
        request = partial(
            JobRequest,
            context.host_id,
            event_id=context.event_id,
            org_id=context.org_id,
            reason=JobReason.RETRY,
            requested_by=requested_by,
        )
        new = [each.registration_id for each in selection.queued if each.stored.job_state is None]
        parts = partial(request, reason=JobReason.RETRY_PARTS, is_optional=True)
        await enqueue_jobs(session, [*map(request, new), *map(parts, selection.parts_of)])
    if selection.parts_of:
        await expire_describes(session, host_id=context.host_id, sobjects=EMAIL_OBJECTS)
    counts = {"matched": selection.matched, "queued": selection.taken}
    details = {"event_id": context.event_id, **about, **counts}
    await audit_log.append_entry(session, context.host_id, actor=requested_by, action=action, details=details)


async def wake(resources: Resources, context: EventContext, selection: RetrySelection) -> None:
    """Have the org drained, if anything was enqueued."""
    if selection.taken and context.org_id is not None:
        await resources.wakeups.announce([context.org_id])
