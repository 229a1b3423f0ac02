"""The endpoints that say what would be written for one registration, and write nothing."""

from fastapi import APIRouter

from app.api.auth import RegistrationIdPath
from app.api.calls import EventMemberCall
from app.sync_preview.dry_run import dry_run
from app.sync_preview.preview import preview
from app.sync_preview.schemas import DryRun, Preview

router = APIRouter(prefix="/v1/hosts/{host_id}")


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/preview", tags=["mapping"])
async def preview_registration(call: EventMemberCall, registration_id: RegistrationIdPath) -> Preview:
    """Per record and field what stands, what would stand, and why: looks in Salesforce, writes nothing."""
    return await preview(call.resources, call.host_id, call.event_id, registration_id=registration_id)


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/dry-run", tags=["monitor"])
async def rehearse_registration(call: EventMemberCall, registration_id: RegistrationIdPath) -> DryRun:
    """What would be written for one registration now: looks in Salesforce, and writes nothing."""
    return await dry_run(call.resources, call.host_id, call.event_id, registration_id=registration_id)
