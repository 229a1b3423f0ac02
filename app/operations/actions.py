"""More that operations can do: give up on jobs, and release what a dead worker held."""

from collections import defaultdict

from sqlalchemy import Select, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import NotFound
from app.infrastructure import audit_log
from app.models import Connection, OrgLease, SyncJob
from app.operations.jobs import AT_ONCE_MAX, SAMPLE_MAX, conditions_of
from app.operations.schemas import Acted, JobFilter, JobShown
from app.states import JobState, SkipReason
from app.sync.jobs.leases import release_expired

DISCARDABLE = (JobState.PENDING, JobState.FAILED, JobState.HELD)
"""A running or ambiguous row is never given up: nobody would know what stands in Salesforce."""

OF_THE_ERROR = ("error_class", "error_code", "group_id", "error", "first_error_at", "last_error_at")


async def discard_jobs(resources: Resources, wanted: JobFilter, *, is_dry_run: bool, by: str) -> Acted:
    """Give up on what the filter matches, at most 10,000 rows: nothing more is written until there is news.

    Raises FilterEmpty.
    """
    conditions = conditions_of(wanted)
    async with resources.database.system() as session:
        matched = await session.scalar(select(func.count()).select_from(SyncJob).where(*conditions)) or 0
        found = list(await session.scalars(_discardable(wanted, is_dry_run=is_dry_run)))
        sample = [JobShown.model_validate(each) for each in found[:SAMPLE_MAX]]
        if not is_dry_run:
            await _discard_by_host(session, found, wanted=wanted, by=by)
    return Acted(dry_run=is_dry_run, matched=matched, queued=len(found), sample=sample)


async def release_lease(resources: Resources, org_id: str, *, is_dry_run: bool, by: str) -> Acted:
    """Release an org's lease that ran out; `matched` are the rows it left running, `queued` those settled.

    A lease that is held is left alone: nothing matches. Raises NotFound.
    """
    async with resources.database.system() as session:
        lease = await session.get(OrgLease, org_id, with_for_update=True)
        if lease is None:
            raise NotFound("No lease of this org is known.")
        of_org = OrgLease.org_id == org_id
        is_held = await session.scalar(select(OrgLease.until > func.clock_timestamp()).where(of_org))
        running = select(SyncJob).where(SyncJob.org_id == org_id, SyncJob.state == JobState.RUNNING)
        found = [] if is_held else list(await session.scalars(running))
        sample = [JobShown.model_validate(each) for each in found[:SAMPLE_MAX]]
        settled = 0
        if not is_dry_run:
            settled = 0 if is_held else await _release(session, resources, org_id)
            await _record_release(session, org_id, settled=settled, by=by)
    if settled:
        await resources.wakeups.announce([org_id])
    return Acted(dry_run=is_dry_run, matched=len(found), queued=settled, sample=sample)


def _discardable(wanted: JobFilter, *, is_dry_run: bool) -> Select[SyncJob]:
    query = (
        select(SyncJob)
        .where(*conditions_of(wanted), SyncJob.state.in_(DISCARDABLE))
        .order_by(SyncJob.host_id, SyncJob.registration_id)
        .limit(AT_ONCE_MAX)
    )
    return query if is_dry_run else query.with_for_update()


async def _discard_by_host(session: AsyncSession, jobs: list[SyncJob], *, wanted: JobFilter, by: str) -> None:
    by_host: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        by_host[job.host_id].append(job.registration_id)
    if not jobs:
        by_host[wanted.host_id or audit_log.OPERATIONS] = []
    about = wanted.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"registration_ids"})
    for host_id, ids in sorted(by_host.items()):
        await _discard(session, host_id, ids)
        details = {"filter": about, "discarded": len(ids)}
        await audit_log.append_entry(session, host_id, actor=by, action="ops.jobs_discarded", details=details)


async def _discard(session: AsyncSession, host_id: str, ids: list[str]) -> None:
    gone = dict.fromkeys(OF_THE_ERROR, null())
    await session.execute(
        update(SyncJob)
        .where(SyncJob.host_id == host_id, SyncJob.registration_id.in_(ids))
        .values(
            state=JobState.SKIPPED,
            skipped_because=SkipReason.NOTHING_WANTED,
            written_version=SyncJob.requested_version,
            waiting_for=None,
            **gone,
        )
        .execution_options(synchronize_session=False)
    )


async def _release(session: AsyncSession, resources: Resources, org_id: str) -> int:
    return await release_expired(session, org_id, guards_off=resources.settings.guards_off) or 0


async def _record_release(session: AsyncSession, org_id: str, *, settled: int, by: str) -> None:
    hosts = sorted(await session.scalars(select(Connection.host_id).where(Connection.org_id == org_id)))
    for host_id in hosts or [audit_log.OPERATIONS]:
        details = {"org_id": org_id, "rows": settled}
        await audit_log.append_entry(session, host_id, actor=by, action="ops.lease_released", details=details)
