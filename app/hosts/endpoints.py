"""The endpoints of a host's settings and audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from app.api.calls import AdminCall, MemberCall
from app.hosts.audit_log import AuditPage, list_audit
from app.hosts.settings import SettingsShown, SettingsWanted, change_settings, read_host_settings

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["host"])


@router.get("/salesforce/settings")
async def get_settings(call: MemberCall) -> SettingsShown:
    """What the host chose."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await read_host_settings(session, call.host_id)


@router.put("/salesforce/settings")
async def put_settings(call: AdminCall, body: SettingsWanted) -> SettingsShown:
    """Change what is given and leave the rest; holds from now on."""
    async with call.resources.database.tenant(call.host_id) as session:
        shown, org_ids = await change_settings(session, call.host_id, body, by=call.user_id)
    await call.resources.wakeups.announce(org_ids)
    return shown


@router.get("/salesforce/audit")
async def get_audit(
    call: MemberCall,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
    action: Annotated[list[Name], Query(max_length=50, description="these alone")] = [],  # noqa: B006
    actor: Annotated[Name | None, Query(description="what this one did")] = None,
) -> AuditPage:
    """Who did what, newest first."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await list_audit(
            session, call.host_id, limit=limit, cursor=cursor, actions=action, actor=actor
        )
