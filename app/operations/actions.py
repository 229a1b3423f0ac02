"""Give up on jobs, and release what a dead worker held."""

from functools import partial

from sqlalchemy import case, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import NotFound
from app.infrastructure import audit_log
from app.models import Connection, OrgLease, SyncJob
from app.operations.jobs import AT_ONCE_MAX, act_by_host, acted_on, conditions_of, count_jobs
from app.operations.schemas import Act, Acted, ActOnJobs
from app.states import JobState, SkipReason
from app.sync.jobs.leases import release_expired
from app.user_messages.catalog import say

DISCARDABLE = (JobState.PENDING, JobState.FAILED, JobState.HELD)
"""A running or ambiguous row is never given up: nobody would know what stands in Salesforce."""

OF_THE_ERROR = ("error_class", "error_code", "group_id", "error", "first_error_at", "last_error_at")


async def discard_jobs(resources: Resources, request: ActOnJobs, *, by: str) -> Acted:
    """Give up on what the filter matches, at most 10,000 rows: nothing more is written until there is news.

    Raises FilterEmpty.
    """
    conditions = conditions_of(request.filter)
    query = (
        select(SyncJob)
        .where(*conditions, SyncJob.state.in_(DISCARDABLE))
        .order_by(SyncJob.host_id, SyncJob.registration_id)
        .limit(AT_ONCE_MAX)
    )
    async with resources.database.system() as session:
        matched = await count_jobs(session, *conditions)
        found = (await session.scalars(query if request.dry_run else query.with_for_update())).all()
        acted = acted_on(found, request, matched=matched, queued=len(found))
        if not request.dry_run:
            discard = partial(_discard, session)
            await act_by_host(session, found, request.filter, discard, action="ops.jobs_discarded", by=by)
    return acted


async def release_lease(resources: Resources, org_id: str, request: Act, *, by: str) -> Acted:
    """Release an org's lease that ran out; `matched` are the rows it left running, `queued` those settled.

    A lease that is held is left alone: nothing matches. Raises NotFound.
    """
    async with resources.database.system() as session:
        lease = await session.get(OrgLease, org_id, with_for_update=True)
        if lease is None:
            raise NotFound(say("detail.lease_unknown"))
        of_org = OrgLease.org_id == org_id
        is_held = await session.scalar(select(OrgLease.until > func.clock_timestamp()).where(of_org))
        running = select(SyncJob).where(SyncJob.org_id == org_id, SyncJob.state == JobState.RUNNING)
        found = [] if is_held else (await session.scalars(running)).all()
        acted, settled = acted_on(found, request, matched=len(found), queued=0), 0
        if not request.dry_run:
            guards_off = resources.settings.guards_off
            settled = 0 if is_held else await release_expired(session, org_id, guards_off=guards_off) or 0
            await _record_release(session, org_id, request, settled=settled, by=by)
    if settled:
        await resources.wakeups.announce([org_id])
    return acted.model_copy(update={"queued": settled})


async def _discard(session: AsyncSession, host_id: str, ids: list[str]) -> None:
    gone = dict.fromkeys(OF_THE_ERROR, null())
    is_settled = SyncJob.settled_state == JobState.SYNCED
    await session.execute(
        update(SyncJob)
        .where(SyncJob.host_id == host_id, SyncJob.registration_id.in_(ids))
        .values(
            state=case((is_settled, SyncJob.settled_state), else_=JobState.SKIPPED),
            skipped_because=case((is_settled, SyncJob.skipped_because), else_=SkipReason.NOTHING_WANTED),
            settled_state=None,
            failed_parts=[],
            written_version=SyncJob.requested_version,
            waiting_for=None,
            **gone,
        )
        .execution_options(synchronize_session=False)
    )


async def _record_release(session: AsyncSession, org_id: str, request: Act, *, settled: int, by: str) -> None:
    hosts = sorted(await session.scalars(select(Connection.host_id).where(Connection.org_id == org_id)))
    details = {"org_id": org_id, "rows": settled, **request.because}
    for host_id in hosts or [audit_log.OPERATIONS]:
        await audit_log.append_entry(session, host_id, actor=by, action="ops.lease_released", details=details)
