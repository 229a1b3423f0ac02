"""Endpoints of operations: scope `ops`, across hosts; an act is a dry run unless `dry_run` is false."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParam

from app.api.auth import OPAQUE_ID, HostIdPath, OpsDep
from app.api.dependencies import ResourcesDep
from app.operations import jobs
from app.operations.actions import discard_jobs, release_lease
from app.operations.addresses import AddressBound, Addresses, BindAddress, bind_host, list_addresses
from app.operations.audit import list_entries, verify_chains
from app.operations.deliveries import list_deliveries, replay_deliveries
from app.operations.notification_schemas import (
    Notifications,
    NotificationsActed,
    NotificationsQuery,
    ReplayNotifications,
)
from app.operations.notifications import (
    enable_notifications,
    list_notifications,
    replay_notifications,
)
from app.operations.overview import read_overview
from app.operations.schemas import (
    Act,
    Acted,
    ActOnJobs,
    AuditQuery,
    AuditVerified,
    Deeds,
    Deliveries,
    DeliveriesQuery,
    Jobs,
    JobsQuery,
    Leases,
    Overview,
    ReplayDeliveries,
    Replayed,
    VerifyAudit,
)

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
    """Jobs that the filter matches; all of them without one."""
    async with resources.database.system() as session:
        return await jobs.list_jobs(session, query)


@router.post("/jobs/retry")
async def retry_jobs(principal: OpsDep, resources: ResourcesDep, body: ActOnJobs) -> Acted:
    """Retry the jobs that the filter matches."""
    return await jobs.retry_jobs(resources, body, by=principal.user_id)


@router.post("/jobs/discard")
async def give_up_jobs(principal: OpsDep, resources: ResourcesDep, body: ActOnJobs) -> Acted:
    """Give up on the jobs that the filter matches: nothing more is written of them until there is news."""
    return await discard_jobs(resources, body, by=principal.user_id)


@router.post("/hosts/{host_id}/pause")
async def pause_host(
    host_id: HostIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Write nothing for a host until it is resumed."""
    return await jobs.set_host_pause(resources, host_id, body, is_paused=True, by=principal.user_id)


@router.post("/hosts/{host_id}/resume")
async def resume_host(
    host_id: HostIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Go on with a host."""
    return await jobs.set_host_pause(resources, host_id, body, is_paused=False, by=principal.user_id)


@router.post("/orgs/{org_id}/pause")
async def pause_org(
    org_id: OrgIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Send nothing to an org until it is resumed, for all hosts on it."""
    return await jobs.set_org_pause(resources, org_id, body, is_paused=True, by=principal.user_id)


@router.post("/orgs/{org_id}/resume")
async def resume_org(
    org_id: OrgIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Go on with an org."""
    return await jobs.set_org_pause(resources, org_id, body, is_paused=False, by=principal.user_id)


@router.get("/addresses")
async def read_addresses(
    principal: OpsDep,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> Addresses:
    """Our addresses, and the hosts that are bound to one of them."""
    async with resources.database.system() as session:
        return await list_addresses(session, resources.settings, limit=limit, cursor=cursor)


@router.put("/hosts/{host_id}/address")
async def bind_host_to_address(
    host_id: HostIdPath, principal: OpsDep, resources: ResourcesDep, body: BindAddress
) -> AddressBound:
    """Bind a host to one of our addresses; `null` unbinds it. Living connections stay as they are."""
    return await bind_host(resources, host_id, body, by=principal.user_id)


@router.get("/leases")
async def list_leases(
    principal: OpsDep,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> Leases:
    """Who drains what, and which orgs asked to be left alone."""
    async with resources.database.system() as session:
        return await jobs.list_leases(session, limit=limit, cursor=cursor)


@router.post("/leases/{org_id}/release")
async def release_expired_lease(
    org_id: OrgIdPath, principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN
) -> Acted:
    """Release a lease that ran out, and settle what its worker left; one that is held is left alone."""
    return await release_lease(resources, org_id, body, by=principal.user_id)


@router.get("/deliveries")
async def read_deliveries(
    principal: OpsDep, resources: ResourcesDep, query: Annotated[DeliveriesQuery, Query()]
) -> Deliveries:
    """Received webhooks without their payloads, the latest first; all of them without a filter."""
    async with resources.database.system() as session:
        return await list_deliveries(session, query)


@router.post("/deliveries/replay")
async def replay(principal: OpsDep, resources: ResourcesDep, body: ReplayDeliveries) -> Replayed:
    """Apply the webhooks that the filter matches again."""
    return await replay_deliveries(resources, body, by=principal.user_id)


@router.get("/notifications")
async def read_notifications(
    principal: OpsDep, resources: ResourcesDep, query: Annotated[NotificationsQuery, Query()]
) -> Notifications:
    """What the platform is notified of, and how far that is."""
    async with resources.database.system() as session:
        return await list_notifications(session, query)


@router.post("/notifications/replay")
async def send_again(
    principal: OpsDep, resources: ResourcesDep, body: ReplayNotifications
) -> NotificationsActed:
    """Send the notifications that the filter matches again, under their ids; it is never empty."""
    return await replay_notifications(resources, body, by=principal.user_id)


@router.post("/notifications/enable")
async def enable_again(principal: OpsDep, resources: ResourcesDep, body: Act = DRY_RUN) -> NotificationsActed:
    """Let notifications go out again after the receiver answered 410."""
    return await enable_notifications(resources, body, by=principal.user_id)


@router.get("/audit")
async def read_audit(
    principal: OpsDep, resources: ResourcesDep, query: Annotated[AuditQuery, Query()]
) -> Deeds:
    """Who did what, across hosts."""
    async with resources.database.system() as session:
        return await list_entries(session, query)


@router.post("/audit/verify")
async def verify_audit(
    principal: OpsDep, resources: ResourcesDep, body: VerifyAudit | None = None
) -> AuditVerified:
    """Follow the chain of every host's log from its first entry."""
    async with resources.database.system() as session:
        return await verify_chains(session, body.host_id if body else None)
