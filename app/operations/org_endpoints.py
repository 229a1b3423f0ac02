"""Endpoints that lead from the whole service down to a row: scope `ops`, reads only."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.auth import HostIdPath, OpsDep, RegistrationIdPath
from app.api.dependencies import ResourcesDep
from app.operations.flow import WHOLE, Flow, Period, read_flow
from app.operations.host_rows import list_attempts, list_events
from app.operations.org_schemas import AttemptsOfJob, EventsOfHost, Orgs, OrgsQuery
from app.operations.orgs import list_orgs
from app.registrations.schemas import OpaqueId

router = APIRouter(prefix="/ops", tags=["operations"])

Limit = Annotated[int, Query(ge=1, le=200)]
PageCursor = Annotated[str | None, Query(max_length=4096)]


@router.get("/orgs")
async def read_orgs(principal: OpsDep, resources: ResourcesDep, query: Annotated[OrgsQuery, Query()]) -> Orgs:
    """One line an org with its hosts and its last 24 hours, the most important first."""
    async with resources.database.system() as session:
        return await list_orgs(session, query)


@router.get("/flow")
async def flow(
    principal: OpsDep,
    resources: ResourcesDep,
    org_id: Annotated[OpaqueId | None, Query()] = None,
    period: Period = "day",
) -> Flow:
    """What came in, was written and failed over time, of an org or of the whole service."""
    chosen = org_id if org_id is not None else WHOLE
    async with resources.database.system() as session:
        return (await read_flow(session, [chosen], period))[chosen]


@router.get("/hosts/{host_id}/events")
async def events_of_host(
    host_id: HostIdPath,
    principal: OpsDep,
    resources: ResourcesDep,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> EventsOfHost:
    """A host's events with their rows by state, those with most failures first."""
    async with resources.database.system() as session:
        return await list_events(session, host_id, limit=limit, cursor=cursor)


@router.get("/hosts/{host_id}/registrations/{registration_id}/attempts")
async def attempts_of_row(
    host_id: HostIdPath,
    registration_id: RegistrationIdPath,
    principal: OpsDep,
    resources: ResourcesDep,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> AttemptsOfJob:
    """The runs of a row and who asked for them, without what was sent."""
    async with resources.database.system() as session:
        return await list_attempts(session, host_id, registration_id, limit=limit, cursor=cursor)
