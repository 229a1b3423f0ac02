"""The endpoints that say what would be written for one registration, and write nothing."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.auth import RegistrationIdPath
from app.api.calls import AdminCall, EventAdminCall, EventMemberCall
from app.field_mapping.endpoints import EVENT, HOST
from app.field_mapping.service import Place
from app.registrations.endpoints import SearchText
from app.sync_preview.dry_run import dry_run
from app.sync_preview.example_schemas import MappingExample, MappingToPreview, Registrants
from app.sync_preview.mapping_example import preview_mapping
from app.sync_preview.preview import preview
from app.sync_preview.registrants import list_registrants
from app.sync_preview.schemas import DryRun, Preview

router = APIRouter(prefix="/v1/hosts/{host_id}")

Searched = Annotated[SearchText | None, Query(description="in name, e-mail and company")]


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/preview", tags=["mapping"])
async def preview_registration(call: EventMemberCall, registration_id: RegistrationIdPath) -> Preview:
    """Per record and field what stands, what would stand, and why: looks in Salesforce, writes nothing."""
    return await preview(call.resources, call.host_id, call.event_id, registration_id=registration_id)


@router.get("/events/{event_id}/salesforce/registrations/{registration_id}/dry-run", tags=["monitor"])
async def rehearse_registration(call: EventMemberCall, registration_id: RegistrationIdPath) -> DryRun:
    """What would be written for one registration now: looks in Salesforce, and writes nothing."""
    return await dry_run(call.resources, call.host_id, call.event_id, registration_id=registration_id)


@router.post(HOST + "/preview", tags=["mapping"])
async def preview_host_mapping(call: AdminCall, body: MappingToPreview) -> MappingExample:
    """What a mapping that is not saved makes of one registration, and whom it changes; asks no Salesforce."""
    return await preview_mapping(call.resources, Place(call.host_id), body)


@router.post(EVENT + "/preview", tags=["mapping"])
async def preview_event_mapping(call: EventAdminCall, body: MappingToPreview) -> MappingExample:
    """The same of one event's overrides."""
    return await preview_mapping(call.resources, Place(call.host_id, call.event_id), body)


@router.get(HOST + "/registrants", tags=["mapping"])
async def list_host_registrants(call: AdminCall, q: Searched = None) -> Registrants:
    """People who registered lately, to choose an example for a mapping from."""
    return await list_registrants(call.resources, Place(call.host_id), q)


@router.get(EVENT + "/registrants", tags=["mapping"])
async def list_event_registrants(call: EventAdminCall, q: Searched = None) -> Registrants:
    """The same of one event."""
    return await list_registrants(call.resources, Place(call.host_id, call.event_id), q)
