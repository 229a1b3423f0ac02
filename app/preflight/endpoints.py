"""The endpoints of a host's preflight."""

from fastapi import APIRouter, Depends

from app.api.auth import HostChangerDep, HostIdPath, HostReaderDep
from app.api.dependencies import ResourcesDep
from app.connections.oauth.attempt_roles import end_what_the_role_no_longer_carries
from app.preflight.schemas import PreflightShown
from app.preflight.service import last_preflight, run_preflight

router = APIRouter(
    prefix="/v1/hosts/{host_id}/salesforce",
    tags=["connection"],
    dependencies=[Depends(end_what_the_role_no_longer_carries)],
)


@router.get("/preflight")
async def get_preflight(host_id: HostIdPath, _: HostReaderDep, resources: ResourcesDep) -> PreflightShown:
    """The last look at the org, and what it means for registrations."""
    return await last_preflight(resources, host_id)


@router.post("/preflight")
async def post_preflight(host_id: HostIdPath, _: HostChangerDep, resources: ResourcesDep) -> PreflightShown:
    """Look at the org now."""
    return await run_preflight(resources, host_id)
