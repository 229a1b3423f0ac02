"""The operations' doors: scope `ops`, across hosts; every act is a dry run unless told otherwise."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParam

from app.identity import OPAQUE_ID, HostIdPath, OpsDep
from app.monitor import ops
from app.monitor.ops_schemas import Act, Acted, ActOnJobs, Jobs, JobsQuery, Leases, Overview
from app.monitor.overview import read_overview
from app.resources import ResourcesDep

router = APIRouter(prefix="/ops", tags=["operations"])

OrgIdPath = Annotated[str, PathParam(pattern=OPAQUE_ID, description="the Salesforce org, 18 characters")]
DRY_RUN = Act()


@router.get("/overview")
async def overview(principal: OpsDep, resources: ResourcesDep) -> Overview:
    """How the service is: backlog, oldest due work, trouble, budgets, workers, failures."""
    async with resources.database.system() as session:
        return await read_overview(session)


@router.get("/jobs")
async def list_jobs(principal: OpsDep, resources: ResourcesDep, query: Annotated[JobsQuery, Query()]) -> Jobs:
    """Jobs that the filter matches; it is never empty."""
    async with resources.database.system() as session:
        return await ops.list_jobs(session, query)


@router.post("/jobs/retry")
async def retry_jobs(principal: OpsDep, resources: ResourcesDep, body: ActOnJobs) -> Acted:
    """Retry the jobs that the filter matches."""
    return await ops.retry_jobs(resources, body.filter, is_dry_run=body.dry_run, by=principal.user_id)


@router.post("/hosts/{host_id}/pause")
async def pause_host(
    host_id: HostIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Write nothing for a host until it is resumed."""
    return await ops.set_host_pause(
        resources, host_id, is_paused=True, is_dry_run=body.dry_run, by=principal.user_id
    )


@router.post("/hosts/{host_id}/resume")
async def resume_host(
    host_id: HostIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Go on with a host."""
    return await ops.set_host_pause(
        resources, host_id, is_paused=False, is_dry_run=body.dry_run, by=principal.user_id
    )


@router.post("/orgs/{org_id}/pause")
async def pause_org(
    org_id: OrgIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Send nothing to an org until it is resumed, for all hosts on it."""
    return await ops.set_org_pause(
        resources, org_id, is_paused=True, is_dry_run=body.dry_run, by=principal.user_id
    )


@router.post("/orgs/{org_id}/resume")
async def resume_org(
    org_id: OrgIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Go on with an org."""
    return await ops.set_org_pause(
        resources, org_id, is_paused=False, is_dry_run=body.dry_run, by=principal.user_id
    )


@router.get("/leases")
async def list_leases(
    principal: OpsDep,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> Leases:
    """Who drains what, and which orgs asked to be left alone."""
    async with resources.database.system() as session:
        return await ops.list_leases(session, limit=limit, cursor=cursor)
