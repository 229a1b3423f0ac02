"""What operations can do: list and retry jobs across hosts, close and open the gates of a host or an org."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import HostNotFound, NotFound
from app.api.pagination import Cursor, SortOrder
from app.hosts import pause
from app.infrastructure import audit_log
from app.models import Connection, Host, OrgLease, Registration, SyncJob
from app.operations.schemas import (
    Act,
    Acted,
    ActOnJobs,
    JobFilter,
    Jobs,
    JobShown,
    JobsQuery,
    Leases,
    LeaseShown,
)
from app.registrations.registration_state import StoredState, retry_refusal
from app.registrations.retry import requeue
from app.states import JobState

SAMPLE_MAX = 10
AT_ONCE_MAX = 10_000
"""Rows that one call retries at most: `matched` says when to call again."""

JOBS: Final = SortOrder(
    Cursor("jobs", (str, str)), (SyncJob.host_id, SyncJob.registration_id), is_descending=False
)
LEASES: Final = SortOrder(Cursor("leases", (str,)), (OrgLease.org_id,), is_descending=False)
COUNTED: Final = {"ops.jobs_retried": "queued", "ops.jobs_discarded": "discarded"}
"""What an entry of the audit log calls the number of its jobs."""

MOVABLE = (JobState.PENDING, JobState.AMBIGUOUS, JobState.RUNNING)


async def list_jobs(session: AsyncSession, query: JobsQuery) -> Jobs:
    """One page in the order of host and registration, all of them without a filter. Raises CursorInvalid."""
    jobs = select(SyncJob).where(*_conditions(query))
    found = (await session.scalars(JOBS.page(jobs, limit=query.limit, cursor=query.cursor))).all()
    page, next_cursor = JOBS.cut(
        found, limit=query.limit, keys=lambda job: (job.host_id, job.registration_id)
    )
    return Jobs(items=[JobShown.model_validate(each) for each in page], next_cursor=next_cursor)


async def retry_jobs(resources: Resources, request: ActOnJobs, *, by: str) -> Acted:
    """Retry what the filter matches, at most 10,000 rows of it, with an entry in each host's audit log.

    Raises FilterEmpty.
    """
    conditions = conditions_of(request.filter)
    async with resources.database.system() as session:
        matched = await count_jobs(session, *conditions)
        rows = (await session.execute(_candidates(conditions, is_dry_run=request.dry_run))).all()
        queued = [row[0] for row in rows if retry_refusal(_stored_state(*row), is_single=False) is None]
        acted = acted_on(queued, request, matched=matched, queued=len(queued))
        if not request.dry_run:
            retry = partial(requeue, session, requested_by=by)
            await act_by_host(session, queued, request.filter, retry, action="ops.jobs_retried", by=by)
    if not request.dry_run:
        await resources.wakeups.announce({each.org_id for each in queued})
    return acted


async def set_host_pause(
    resources: Resources, host_id: str, request: Act, *, is_paused: bool, by: str
) -> Acted:
    """Close or open a host's gate; `matched` are its unfinished jobs. Raises HostNotFound."""
    async with resources.database.system() as session:
        if await session.get(Host, host_id) is None:
            raise HostNotFound
        acted = await _behind_gate(session, request, SyncJob.host_id == host_id, is_paused=is_paused)
        if request.dry_run:
            return acted
        orgs = await pause.set_host_pause(
            session, host_id, is_paused=is_paused, by=by, scope="ops.host_", details=request.because
        )
    await resources.wakeups.announce(orgs)
    return acted


async def set_org_pause(
    resources: Resources, org_id: str, request: Act, *, is_paused: bool, by: str
) -> Acted:
    """Close or open the gate of an org for all its hosts. Raises NotFound where nobody connected it."""
    async with resources.database.system() as session:
        if not await session.scalar(select(Connection.host_id).where(Connection.org_id == org_id).limit(1)):
            raise NotFound
        acted = await _behind_gate(session, request, SyncJob.org_id == org_id, is_paused=is_paused)
        if request.dry_run:
            return acted
        await pause.set_org_pause(session, org_id, is_paused=is_paused, by=by, details=request.because)
    if not is_paused:
        await resources.wakeups.announce([org_id])
    return acted


async def list_leases(session: AsyncSession, *, limit: int, cursor: str | None) -> Leases:
    """One page of leases with how many jobs run under each. Raises CursorInvalid."""
    running = (
        select(func.count())
        .where(SyncJob.org_id == OrgLease.org_id, SyncJob.state == JobState.RUNNING)
        .scalar_subquery()
    )
    is_held = func.coalesce(OrgLease.until > func.clock_timestamp(), False)
    query = select(OrgLease, is_held, running)
    found = (await session.execute(LEASES.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = LEASES.cut(found, limit=limit, keys=lambda row: (row[0].org_id,))
    return Leases(items=[_lease_view(*row) for row in page], next_cursor=next_cursor)


def conditions_of(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """The filter of an act in SQL. Raises FilterEmpty."""
    return _conditions(job_filter.checked())


def _conditions(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    equal = ("host_id", "org_id", "event_id", "state", "error_class", "error_code")
    chosen = {name: value for name in equal if (value := getattr(job_filter, name)) is not None}
    conditions = [getattr(SyncJob, name) == value for name, value in chosen.items()]
    if job_filter.older_than is not None:
        conditions.append(SyncJob.updated_at < job_filter.older_than)
    if job_filter.registration_ids is not None:
        conditions.append(SyncJob.registration_id.in_(job_filter.registration_ids))
    return conditions


async def count_jobs(session: AsyncSession, *conditions: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(SyncJob).where(*conditions)) or 0


def acted_on(jobs: Sequence[SyncJob], request: Act | ActOnJobs, *, matched: int, queued: int) -> Acted:
    """The response, with the first of the jobs as a sample."""
    sample = [JobShown.model_validate(each) for each in jobs[:SAMPLE_MAX]]
    return Acted(dry_run=request.dry_run, matched=matched, queued=queued, sample=sample)


async def act_by_host(
    session: AsyncSession,
    jobs: Sequence[SyncJob],
    job_filter: JobFilter,
    act: Callable[[str, list[str]], Awaitable[None]],
    *,
    action: str,
    by: str,
) -> None:
    """Call `act` with the registrations of each host, and log it there.

    Without jobs the entry goes to the host of the filter, or to the log of operations.
    """
    by_host: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        by_host[job.host_id].append(job.registration_id)
    if not jobs:
        by_host[job_filter.host_id or audit_log.OPERATIONS] = []
    about = job_filter.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"registration_ids"})
    for host_id, ids in sorted(by_host.items()):
        await act(host_id, ids)
        details = {"filter": about, COUNTED[action]: len(ids)}
        await audit_log.append_entry(session, host_id, actor=by, action=action, details=details)


def _candidates(
    conditions: Sequence[ColumnElement[bool]], *, is_dry_run: bool
) -> Select[SyncJob, bool, bool]:
    # A job armed for an org that its host has left is kept, but nobody writes it.
    query = (
        select(SyncJob, SyncJob.due_at <= func.clock_timestamp(), Registration.erased_at.is_not(None))
        .join(
            Registration,
            and_(
                Registration.host_id == SyncJob.host_id,
                Registration.registration_id == SyncJob.registration_id,
            ),
        )
        .join(Connection, and_(Connection.host_id == SyncJob.host_id, Connection.org_id == SyncJob.org_id))
        .where(*conditions)
        .order_by(SyncJob.host_id, SyncJob.registration_id)
        .limit(AT_ONCE_MAX)
    )
    return query if is_dry_run else query.with_for_update(of=SyncJob)


def _stored_state(job: SyncJob, is_due: bool, is_erased: bool) -> StoredState:
    return StoredState(
        job.state,
        job.waiting_for,
        is_due,
        job.skipped_because,
        is_erased,
        settled_state=job.settled_state,
        has_failed_parts=bool(job.failed_parts),
    )


async def _behind_gate(
    session: AsyncSession, request: Act, condition: ColumnElement[bool], *, is_paused: bool
) -> Acted:
    conditions = (condition, SyncJob.state.in_(MOVABLE))
    matched = await count_jobs(session, *conditions)
    query = select(SyncJob).where(*conditions).order_by(SyncJob.host_id, SyncJob.registration_id)
    jobs = (await session.scalars(query.limit(SAMPLE_MAX))).all()
    return acted_on(jobs, request, matched=matched, queued=0 if is_paused else matched)


def _lease_view(lease: OrgLease, is_held: bool, running: int) -> LeaseShown:
    return LeaseShown.model_validate({**vars(lease), "is_held": is_held, "running": running})
