"""What the monitor asks the database: registrations left-joined to the jobs of the connected org."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    DateTime,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    and_,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.infrastructure.database import hash_joins_only
from app.models import Registration, SyncJob, WrittenRecord
from app.models.conditions import IS_CHECKED_IN, IS_COUNTED, IS_ERASED, SHOWN_STATE
from app.registrations.context import EventContext
from app.registrations.registration_state import SYNC_STATES, UNFINISHED
from app.states import JobState

UNGROUPED = "g_ungrouped"
GROUPS_MAX = 100
MOMENT = DateTime(timezone=True)
ATTENDED = "attended"

IS_ATTENDED = and_(SyncJob.is_attended.is_(True), IS_CHECKED_IN)
HAS_ERROR = and_(
    or_(
        SyncJob.state == JobState.FAILED,
        and_(SyncJob.error_class.is_not(None), SyncJob.state.in_(UNFINISHED)),
    ),
    ~IS_ERASED,
)
"""Rows with an error that is not overcome: failed, or already on their way again."""

# The first names the state that an index on failed jobs is about.
IS_FAILED = or_(
    and_(SyncJob.state == JobState.FAILED, SHOWN_STATE == JobState.FAILED),
    and_(SyncJob.state.in_(UNFINISHED), SyncJob.settled_state == JobState.FAILED),
)
"""The jobs that are shown as failed; those of erased registrations are not."""

HAS_FAILED_PARTS = SyncJob.failed_parts != text("'[]'")
"""Rows with parts that failed, on which their state does not depend."""


def has_failed_part(name: str, value: Any) -> ColumnElement[bool]:
    """The rows with a failed part of this `group_id` or `error_code`; with any for another name."""
    if name in ("group_id", "error_code"):
        return and_(SyncJob.failed_parts.contains([{name: value}]), ~IS_ERASED)
    return and_(HAS_FAILED_PARTS, ~IS_ERASED)


group_of_job = func.coalesce(SyncJob.group_id, UNGROUPED)


@dataclass(frozen=True)
class FailureGroup:
    """One group of failed rows; the sample is any one of them."""

    group_id: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    error: dict[str, Any]
    sample: Registration


def visible_registrations(context: EventContext, *columns: Any) -> Select[Any]:
    """The event's registrations that count, with the job that was armed for the connected org, if any."""
    return (
        select(*columns)
        .select_from(Registration)
        .outerjoin(SyncJob, job_of(context.org_id, context.event_id))
        .where(Registration.host_id == context.host_id, Registration.event_id == context.event_id, IS_COUNTED)
    )


def job_of(
    org_id: str | None, event_id: str | InstrumentedAttribute[str] = Registration.event_id
) -> ColumnElement[bool]:
    """The job of a registration, seen from the connected org."""
    return and_(
        SyncJob.host_id == Registration.host_id,
        SyncJob.registration_id == Registration.registration_id,
        SyncJob.event_id == event_id,
        SyncJob.org_id == (org_id or ""),
    )


def jobs_here(context: EventContext) -> tuple[ColumnElement[bool], ...]:
    """The jobs of the event for the connected org, wherever their registrations are now."""
    return (
        SyncJob.host_id == context.host_id,
        SyncJob.event_id == context.event_id,
        SyncJob.org_id == (context.org_id or ""),
    )


def by_id(ids: Sequence[str]) -> TableValuedAlias:
    """The ids as rows with the column `id`."""
    return func.unnest(literal(list(ids), ARRAY(Text))).table_valued("id", name="wanted").render_derived()


def in_state(state: str) -> ColumnElement[bool]:
    """The rows that `display_state` puts into this state; `attended` cuts across the others."""
    if state == ATTENDED:
        return IS_ATTENDED
    of_living = {job for job, shown in SYNC_STATES.items() if shown.living == state}
    of_erased = {job for job, shown in SYNC_STATES.items() if shown.erased == state}
    whole = [_has_job_state(of_living & of_erased)] if of_living & of_erased else []
    if of_living - of_erased:
        whole.append(and_(~IS_ERASED, _has_job_state(of_living - of_erased)))
    if of_erased - of_living:
        whole.append(and_(IS_ERASED, _has_job_state(of_erased - of_living)))
    return or_(*whole)


def _has_job_state(states: Set[JobState | None]) -> ColumnElement[bool]:
    """Without None it says that there is a job: else the planner joins all rows before it looks at states."""
    is_any = SHOWN_STATE.in_(sorted(state for state in states if state is not None))
    has_none = SyncJob.state.is_(None)
    return or_(is_any, has_none) if None in states else and_(~has_none, is_any)


def stored_state_columns(context: EventContext) -> tuple[Any, ...]:
    """The fields of `StoredState`, in their order."""
    return (
        SyncJob.state,
        SyncJob.waiting_for,
        func.coalesce(SyncJob.due_at <= context.now, True),
        SyncJob.skipped_because,
        IS_ERASED,
        SyncJob.settled_state,
        func.coalesce(HAS_FAILED_PARTS, False),
    )


async def check_ins_by_minute(session: AsyncSession, context: EventContext, *, minutes: int) -> Counter[int]:
    """How many people came in each of the last minutes, by how many minutes ago."""
    ago = cast(func.floor(func.extract("epoch", context.now - Registration.checked_in_at) / 60), Integer)
    query = (
        select(ago, func.count())
        .where(
            Registration.host_id == context.host_id,
            Registration.event_id == context.event_id,
            Registration.checked_in_at > context.now - timedelta(minutes=minutes),
            Registration.checked_in_at <= context.now,
            IS_CHECKED_IN,
        )
        .group_by(ago)
    )
    return Counter(dict((await session.execute(query)).all()))


async def failures(session: AsyncSession, context: EventContext) -> list[FailureGroup]:
    """The event's failed rows by group, largest first, at most 100 groups."""
    async with hash_joins_only(session):
        groups = (await session.execute(failed_by_group(context))).all()
    samples = await _samples(session, context, [group[4] for group in groups])
    return [
        FailureGroup(group_id, count, first_at, last_at, samples[sample][1] or {}, samples[sample][0])
        for group_id, count, first_at, last_at, sample in groups
        if sample in samples
    ]


def failed_by_group(
    context: EventContext,
) -> Select[str, int, datetime | None, datetime | None, str]:
    """Group, count, first and last time, and one id of each group.

    NOT IN would compare each failed job with all of those left out, once these do not fit into memory.
    """
    left_out = _not_failed(context).subquery()
    is_left_out = exists().where(left_out.c.registration_id == SyncJob.registration_id)
    return (
        select(
            group_of_job,
            func.count().label("count"),
            func.min(SyncJob.first_error_at),
            func.max(SyncJob.last_error_at),
            func.min(SyncJob.registration_id),
        )
        .where(*jobs_here(context), IS_FAILED, ~is_left_out)
        .group_by(group_of_job)
        .order_by(func.count().desc(), group_of_job)
        .limit(GROUPS_MAX)
    )


def _not_failed(context: EventContext) -> CompoundSelect[str]:
    """Registrations that are not shown in the event, whatever became of their jobs, or not as failed."""
    of_host = select(Registration.registration_id).where(Registration.host_id == context.host_id)
    is_here = Registration.event_id == context.event_id
    in_event = of_host.where(is_here, or_(~IS_COUNTED, IS_ERASED))
    return in_event.union_all(of_host.where(Registration.has_moved, ~is_here))


async def failures_of_parts(session: AsyncSession, context: EventContext) -> list[FailureGroup]:
    """The groups of failed parts on which the state of no row depends, largest first, at most 100."""
    failed = func.jsonb_array_elements(SyncJob.failed_parts).table_valued(column("value", JSONB), name="part")
    of_part = visible_registrations(context, Registration.registration_id, failed.c.value.label("error"))
    rows = of_part.join(failed, true()).where(~IS_ERASED, HAS_FAILED_PARTS).subquery()
    group_id, total = rows.c.error["group_id"].astext, func.count(rows.c.registration_id.distinct())
    first, last = (cast(rows.c.error[name].astext, MOMENT) for name in ("first_at", "last_at"))
    totals = (
        select(group_id, total, func.min(first), func.max(last), func.min(rows.c.registration_id))
        .group_by(group_id)
        .order_by(total.desc(), group_id)
        .limit(GROUPS_MAX)
    )
    groups = (await session.execute(totals)).all()
    samples = await _samples(session, context, [group[4] for group in groups])
    return [
        FailureGroup(id_, count, first_at, last_at, _part_of(id_, samples[sample][2]), samples[sample][0])
        for id_, count, first_at, last_at, sample in groups
        if sample in samples
    ]


def _part_of(group_id: str, failed_parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return next((each for each in failed_parts if each["group_id"] == group_id), {})


async def _samples(
    session: AsyncSession, context: EventContext, ids: Sequence[str]
) -> dict[str, tuple[Registration, dict[str, Any] | None, list[dict[str, Any]]]]:
    query = visible_registrations(context, Registration, SyncJob.error, SyncJob.failed_parts).where(
        Registration.registration_id.in_(ids)
    )
    rows = (await session.execute(query)).all() if ids else []
    return {row[0].registration_id: tuple(row) for row in rows}


async def written_records(
    session: AsyncSession, context: EventContext, ids: Iterable[str]
) -> dict[str, list[WrittenRecord]]:
    """Load the records written to the connected org, by registration."""
    wanted = list(ids)
    found: dict[str, list[WrittenRecord]] = {each: [] for each in wanted}
    query = (
        select(WrittenRecord)
        .where(
            WrittenRecord.host_id == context.host_id,
            WrittenRecord.org_id == (context.org_id or ""),
            WrittenRecord.registration_id.in_(wanted),
        )
        .order_by(WrittenRecord.registration_id, WrittenRecord.slot, WrittenRecord.instance_key)
    )
    for record in await session.scalars(query) if wanted else ():
        found[record.registration_id].append(record)
    return found
