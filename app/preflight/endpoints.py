"""The endpoints of a host's preflight."""

from fastapi import APIRouter, Depends

from app.api.auth import HostAdminDep, HostIdPath, HostMemberDep
from app.api.dependencies import ResourcesDep
from app.connections.oauth.attempt_roles import cancel_attempts_without_role
from app.preflight.schemas import PreflightShown
from app.preflight.service import last_preflight, run_preflight

router = APIRouter(
    prefix="/v1/hosts/{host_id}/salesforce",
    tags=["connection"],
    dependencies=[Depends(cancel_attempts_without_role)],
)


@router.get("/preflight")
async def get_preflight(host_id: HostIdPath, _: HostMemberDep, resources: ResourcesDep) -> PreflightShown:
    """The last look at the org, and what it means for registrations."""
    return await last_preflight(resources, host_id)


@router.post("/preflight")
async def post_preflight(host_id: HostIdPath, _: HostAdminDep, resources: ResourcesDep) -> PreflightShown:
    """Look at the org now."""
    return await run_preflight(resources, host_id)
