"""The endpoints of a host's preflight."""

from fastapi import APIRouter, Depends

from app.api.calls import AdminCall, MemberCall
from app.connections.oauth.unconfirmed import cancel_attempts_without_role
from app.preflight.schemas import PreflightShown
from app.preflight.service import last_preflight, run_preflight

router = APIRouter(
    prefix="/v1/hosts/{host_id}/salesforce",
    tags=["connection"],
    dependencies=[Depends(cancel_attempts_without_role)],
)


@router.get("/preflight")
async def get_preflight(call: MemberCall) -> PreflightShown:
    """The last look at the org, and what it means for registrations."""
    return await last_preflight(call.resources, call.host_id)


@router.post("/preflight")
async def post_preflight(call: AdminCall) -> PreflightShown:
    """Look at the org now."""
    return await run_preflight(call.resources, call.host_id, is_for_person=True)
