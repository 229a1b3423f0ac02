"""Count an event's registrations by stored state: from indexes alone, in one statement and so at one moment.

Each job of the event and the org stands for its registration, and two small sets correct that: registrations
of the event of which a job does not tell all (`IS_EXCEPTION`), and those that moved to another event and left
their job behind. Where they are many, registrations and jobs are joined instead.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CTE,
    CompoundSelect,
    DateTime,
    Integer,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.infrastructure.database import hash_joins_only
from app.models import Registration, SyncJob
from app.models.conditions import IS_CHECKED_IN, IS_COUNTED, IS_ERASED, IS_EXCEPTION, SHOWN_STATE
from app.registrations.context import EventContext
from app.registrations.queries import (
    HAS_FAILED_PARTS,
    IS_ATTENDED,
    jobs_here,
    stored_state_columns,
    visible_registrations,
)
from app.registrations.registration_state import StoredState
from app.states import JobState, WaitReason

EXCEPTIONS_MAX: Final = 2_000
"""Each is looked up by its key; of more, a join takes less."""

NO_TIME: Final = cast(null(), DateTime(timezone=True))
NO_NAME: Final = cast(null(), Text)


class Part(StrEnum):
    """What a row of the statement counts."""

    JOBS = "jobs"
    BACKING_OFF = "backing off"
    REGISTRATIONS = "registrations"
    CHECKED_IN = "checked in"
    FAILED_PARTS = "failed parts"
    EXCEPTIONS = "exceptions"


class Found(NamedTuple):
    """A row of the statement. Of exceptions: whether they have a job here, whether they are in the event, and
    whether they are shown there; `attended` as their job says, `is_attended` as they are shown.
    """

    part: str
    state: str | None
    waiting_for: str | None
    is_due: bool
    skipped_because: str | None
    settled_state: str | None
    is_erased: bool
    is_here: bool
    is_shown: bool
    registrations: int
    attended: int
    shown_attended: int
    not_checked_in: int
    next_retry_at: datetime | None

    @property
    def job(self) -> StoredState:
        """What the job says by itself, due or not."""
        return StoredState(
            self.state,
            self.waiting_for,
            skipped_because=self.skipped_because,
            settled_state=self.settled_state,
        )

    @property
    def shown(self) -> StoredState:
        return StoredState(
            self.state,
            self.waiting_for,
            self.is_due,
            self.skipped_because,
            self.is_erased,
            self.settled_state,
        )


@dataclass
class Tally:
    """How many registrations are in each stored state, and what cuts across. `next_retry_at`: the end of the
    first back-off.
    """

    states: Counter[StoredState] = field(default_factory=Counter)
    attended: int = 0
    checked_in: int = 0
    has_failed_parts: bool = False
    next_retry_at: datetime | None = None


async def tally(session: AsyncSession, context: EventContext) -> Tally:
    """Count the event's registrations."""
    rows = [Found(*row) for row in await session.execute(_statement(context))]
    if sum(row.registrations for row in rows if row.part == Part.EXCEPTIONS) > EXCEPTIONS_MAX:
        return await joined(session, context)
    return combine(rows)


def combine(rows: Sequence[Found]) -> Tally:
    """Put the parts together: all registrations count as without a job, and each job takes one from there."""
    found, no_job = Tally(), StoredState(None)
    states = found.states
    for row in rows:
        match row.part:
            case Part.REGISTRATIONS:
                states[no_job] += row.registrations
            case Part.JOBS:
                states[row.job] += row.registrations
                states[no_job] -= row.registrations
                found.attended += row.attended
            case Part.BACKING_OFF:
                states[row.job] -= row.registrations
                states[row.shown] += row.registrations
            case Part.CHECKED_IN:
                found.checked_in += row.registrations
            case Part.FAILED_PARTS:
                found.has_failed_parts = row.registrations > 0
            case Part.EXCEPTIONS:
                _correct(found, row)
    found.next_retry_at = min((row.next_retry_at for row in rows if row.next_retry_at), default=None)
    found.states = +states
    return found


def _correct(found: Tally, row: Found) -> None:
    """Take out what the other parts counted of these exceptions, and count them as they are shown."""
    if row.state is not None:
        found.states[row.job] -= row.registrations
        found.states[StoredState(None)] += row.registrations
    if row.is_here:
        found.states[StoredState(None)] -= row.registrations
    if row.is_shown:
        found.states[row.shown] += row.registrations
    found.attended += row.shown_attended - row.attended
    found.checked_in -= row.not_checked_in


def _statement(context: EventContext) -> CompoundSelect[Any]:
    """All parts."""
    here = (Registration.host_id == context.host_id, Registration.event_id == context.event_id)
    exceptions = _exceptions(context)
    parts: Sequence[Select[Any]] = (
        _part(Part.REGISTRATIONS).where(*here),
        _part(Part.CHECKED_IN).where(*here, Registration.checked_in_at.is_not(None)),
        _part(Part.FAILED_PARTS).where(*jobs_here(context), HAS_FAILED_PARTS),
        _jobs(context),
        _backing_off(context, exceptions),
        _of_exceptions(context, exceptions),
    )
    return union_all(*parts)


def _part(part: Part, **columns: Any) -> Select[Any]:
    """The columns of `Found`, those that are not given with nothing in them."""
    nothing: dict[str, Any] = {
        "state": NO_NAME,
        "waiting_for": NO_NAME,
        "is_due": true(),
        "skipped_because": NO_NAME,
        "settled_state": NO_NAME,
        "is_erased": false(),
        "is_here": true(),
        "is_shown": true(),
        "registrations": func.count(),
        "attended": literal(0, Integer),
        "shown_attended": literal(0, Integer),
        "not_checked_in": literal(0, Integer),
        "next_retry_at": NO_TIME,
    }
    return select(literal(part.value).label("part"), *(nothing | columns).values())


def _jobs(context: EventContext) -> Select[Any]:
    stored: dict[str, Any] = {
        "state": SyncJob.state,
        "waiting_for": SyncJob.waiting_for,
        "skipped_because": SyncJob.skipped_because,
        "settled_state": SyncJob.settled_state,
    }
    attended = func.count().filter(SyncJob.is_attended)
    return _part(Part.JOBS, **stored, attended=attended).where(*jobs_here(context)).group_by(*stored.values())


def _backing_off(context: EventContext, exceptions: CTE) -> Select[Any]:
    """The jobs that wait for another try: only these are told apart by time."""
    stored: dict[str, Any] = {
        "state": SyncJob.state,
        "waiting_for": SyncJob.waiting_for,
        "skipped_because": SyncJob.skipped_because,
    }
    part = _part(Part.BACKING_OFF, **stored, is_due=false(), next_retry_at=func.min(SyncJob.due_at))
    return part.where(
        *jobs_here(context),
        SyncJob.state == JobState.PENDING,
        SyncJob.settled_state.is_(None),
        SyncJob.waiting_for == WaitReason.RETRY,
        SyncJob.due_at > context.now,
        SyncJob.registration_id.not_in(select(exceptions.c.registration_id)),
    ).group_by(*stored.values())


def _exceptions(context: EventContext) -> CTE:
    """Those of the event, and those that left it."""
    is_here = Registration.event_id == context.event_id
    columns = (
        Registration.registration_id,
        is_here.label("is_here"),
        and_(is_here, IS_COUNTED).label("is_shown"),
        IS_ERASED.label("is_erased"),
        IS_CHECKED_IN.label("is_checked_in"),
        Registration.checked_in_at.is_not(None).label("came_in"),
    )
    of_host = select(*columns).where(Registration.host_id == context.host_id).limit(EXCEPTIONS_MAX + 1)
    in_event, moved = of_host.where(is_here, IS_EXCEPTION), of_host.where(Registration.has_moved, ~is_here)
    return union_all(in_event.subquery().select(), moved.subquery().select()).cte("exceptions")


def _of_exceptions(context: EventContext, exceptions: CTE) -> Select[Any]:
    """The exceptions with their jobs here, each by its key, with a fence for the planner."""
    by_key = select(SyncJob).where(
        SyncJob.host_id == context.host_id, SyncJob.registration_id == exceptions.c.registration_id
    )
    job = aliased(SyncJob, by_key.offset(0).correlate(exceptions).lateral("job"))
    is_due = func.coalesce(job.due_at <= context.now, true())
    is_backing_off = and_(
        func.coalesce(job.settled_state, job.state) == JobState.PENDING,
        job.waiting_for == WaitReason.RETRY,
        job.due_at > context.now,
    )
    is_shown, is_here = exceptions.c.is_shown, exceptions.c.is_here
    groups: dict[str, Any] = {
        "state": job.state,
        "waiting_for": job.waiting_for,
        "is_due": is_due,
        "skipped_because": job.skipped_because,
        "settled_state": job.settled_state,
        "is_erased": exceptions.c.is_erased,
        "is_here": is_here,
        "is_shown": is_shown,
    }
    part = _part(
        Part.EXCEPTIONS,
        **groups,
        attended=func.count().filter(job.is_attended),
        shown_attended=func.count().filter(job.is_attended, is_shown, exceptions.c.is_checked_in),
        not_checked_in=func.count().filter(is_here, exceptions.c.came_in, ~exceptions.c.is_checked_in),
        next_retry_at=func.min(job.due_at).filter(is_shown, is_backing_off),
    )
    armed_here = and_(job.event_id == context.event_id, job.org_id == (context.org_id or ""))
    return part.select_from(exceptions).outerjoin(job, armed_here).group_by(*groups.values())


async def joined(session: AsyncSession, context: EventContext) -> Tally:
    """Count them by registrations and jobs side by side."""
    stored = stored_state_columns(context)
    is_backing_off = and_(SyncJob.waiting_for == WaitReason.RETRY, SyncJob.due_at > context.now)
    query = visible_registrations(
        context,
        *stored,
        func.count(),
        func.count().filter(IS_ATTENDED),
        func.count().filter(IS_CHECKED_IN),
        func.min(SyncJob.due_at).filter(and_(SHOWN_STATE == JobState.PENDING, is_backing_off)),
    ).group_by(*stored)
    async with hash_joins_only(session):
        rows = (await session.execute(query)).all()
    found = Tally()
    for *values, count, attended, checked_in, next_retry_at in rows:
        *state, has_failed_parts = values
        found.states[StoredState(*state)] += count
        found.attended += attended
        found.checked_in += checked_in
        found.has_failed_parts |= has_failed_parts
        found.next_retry_at = min(filter(None, (found.next_retry_at, next_retry_at)), default=None)
    return found
