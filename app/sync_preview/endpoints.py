"""The endpoints that say what would be written for one registration, and write nothing."""

from fastapi import APIRouter

from app.api.auth import EventIdPath, HostIdPath, HostMemberDep, RegistrationIdPath
from app.api.dependencies import ResourcesDep
from app.registrations.history_schemas import DryRun
from app.sync_preview.dry_run import dry_run
from app.sync_preview.preview import preview
from app.sync_preview.schemas import Preview

router = APIRouter(prefix="/v1/hosts/{host_id}")


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/preview", tags=["mapping"])
async def preview_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
) -> Preview:
    """Per record and field what stands, what would stand, and why: looks in Salesforce, writes nothing."""
    return await preview(resources, host_id, event_id, registration_id=registration_id)


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/dry-run", tags=["monitor"])
async def rehearse_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
) -> DryRun:
    """What would be written for one registration now: looks in Salesforce, and writes nothing."""
    return await dry_run(resources, host_id, event_id, registration_id=registration_id)
