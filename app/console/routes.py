"""Endpoints of the console: lists of hosts and events, for whoever has a token."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.auth import HostIdPath, HostMemberDep, PrincipalDep
from app.api.dependencies import ResourcesDep
from app.console import directory
from app.console.directory import EventList, HostList

router = APIRouter(prefix="/v1/hosts", tags=["console"])


@router.get("")
async def list_hosts(principal: PrincipalDep, resources: ResourcesDep) -> HostList:
    """The hosts that the caller has a role on."""
    async with resources.database.system() as session:
        return await directory.list_hosts(session, principal, is_configured=resources.settings.has_shared_app)


@router.get("/{host_id}/events")
async def list_events(
    host_id: HostIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> EventList:
    """The host's events, the latest start first."""
    async with resources.database.tenant(host_id) as session:
        return await directory.list_events(session, host_id, limit=limit, cursor=cursor)
