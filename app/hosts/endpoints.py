"""The endpoints of a host's settings and audit log."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.auth import HostAdminDep, HostIdPath, HostMemberDep
from app.api.dependencies import ResourcesDep
from app.hosts.audit_log import AuditPage, list_audit
from app.hosts.settings import SettingsShown, SettingsWanted, change_settings, read_settings

router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["host"])


@router.get("/salesforce/settings")
async def get_settings(
    host_id: HostIdPath, principal: HostMemberDep, resources: ResourcesDep
) -> SettingsShown:
    """What the host chose."""
    async with resources.database.tenant(host_id) as session:
        return await read_settings(session, host_id)


@router.put("/salesforce/settings")
async def put_settings(
    host_id: HostIdPath,
    body: SettingsWanted,
    principal: HostAdminDep,
    resources: ResourcesDep,
) -> SettingsShown:
    """Change what is given and leave the rest; holds from now on."""
    async with resources.database.tenant(host_id) as session:
        shown, org_ids = await change_settings(session, host_id, body, by=principal.user_id)
    await resources.wakeups.announce(org_ids)
    return shown


@router.get("/salesforce/audit")
async def get_audit(
    host_id: HostIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> AuditPage:
    """Who did what, newest first."""
    async with resources.database.tenant(host_id) as session:
        return await list_audit(session, host_id, limit=limit, cursor=cursor)
