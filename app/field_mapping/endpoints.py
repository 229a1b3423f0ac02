"""Endpoints of a host's mapping, of its events' overrides, and of what a mapping may name."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from app.api.calls import AdminCall, EventAdminCall, EventMemberCall, MemberCall
from app.field_mapping import service
from app.field_mapping.org_metadata import read_fields
from app.field_mapping.owners import find_owners
from app.field_mapping.request_schemas import (
    EventMappingToCopy,
    Mappable,
    MappingGiven,
    MappingToCopy,
    MappingToSave,
)
from app.field_mapping.response_schemas import MappingShown, ObjectFields, OwnersFound, Sources
from app.field_mapping.service import Place
from app.field_mapping.sources import read_sources

router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["mapping"])

HOST: Final = "/salesforce/mapping"
EVENT: Final = "/events/{event_id}/salesforce/mapping"


@router.get(HOST)
async def get_host_mapping(call: MemberCall) -> MappingShown:
    """The host's mapping: what was chosen, what holds, and what the org says to it."""
    return await service.read_mapping(call.resources, Place(call.host_id))


@router.put(HOST)
async def put_host_mapping(call: AdminCall, body: MappingToSave) -> MappingShown:
    """Save the host's mapping whole; rows that failed for how things were set up are queued again."""
    return await service.save_mapping(
        call.resources, Place(call.host_id), body.layer(), by=call.user_id, version=body.version
    )


@router.post(HOST + "/validate")
async def validate_host_mapping(call: AdminCall, body: MappingGiven) -> MappingShown:
    """The mapping as it would stand, judged by the org as it is now; nothing is saved."""
    return await service.validate_mapping(call.resources, Place(call.host_id), body)


@router.post(HOST + "/copy")
async def copy_host_mapping(call: AdminCall, body: MappingToCopy) -> MappingShown:
    """Take another host's mapping in the place of this one; a fixed owner only within one org."""
    source = Place(body.from_host_id)
    return await service.copy_mapping(call.resources, Place(call.host_id), source=source, by=call.principal)


@router.get(HOST + "/sources")
async def get_host_sources(call: MemberCall) -> Sources:
    """Where values may come from, with the questions that the host's attendees answered lately."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await read_sources(session, call.host_id)


@router.get(HOST + "/objects/{sobject}/fields")
async def get_fields(
    call: MemberCall,
    sobject: Mappable,
    refresh: Annotated[bool, Query(description="ask Salesforce now: one API call")] = False,
) -> ObjectFields:
    """An object's fields and record types as the connected user sees them; kept for a day."""
    return await read_fields(call.resources, call.host_id, sobject, is_refresh=refresh)


@router.get(HOST + "/owners")
async def get_owners(
    call: AdminCall,
    q: Annotated[
        str, Query(description="in the name or e-mail, or an id", max_length=100, pattern=r"^[^\x00]*$")
    ] = "",
) -> OwnersFound:
    """Users and queues of the org who may own new records; the first of them are kept for an hour."""
    return await find_owners(call.resources, call.host_id, q)


@router.get(EVENT)
async def get_event_mapping(call: EventMemberCall) -> MappingShown:
    """The event's overrides, and what holds for it."""
    return await service.read_mapping(call.resources, Place(call.host_id, call.event_id))


@router.put(EVENT)
async def put_event_mapping(call: EventAdminCall, body: MappingToSave) -> MappingShown:
    """Save the event's overrides whole: what is left out is as the host has it."""
    place = Place(call.host_id, call.event_id)
    return await service.save_mapping(
        call.resources, place, body.layer(), by=call.user_id, version=body.version
    )


@router.delete(EVENT)
async def delete_event_mapping(call: EventAdminCall) -> MappingShown:
    """Let the event be as the host has it."""
    return await service.save_mapping(call.resources, Place(call.host_id, call.event_id), {}, by=call.user_id)


@router.post(EVENT + "/validate")
async def validate_event_mapping(call: EventAdminCall, body: MappingGiven) -> MappingShown:
    """The overrides as they would stand, judged by the org as it is now; nothing is saved."""
    return await service.validate_mapping(call.resources, Place(call.host_id, call.event_id), body)


@router.post(EVENT + "/copy")
async def copy_event_mapping(call: EventAdminCall, body: EventMappingToCopy) -> MappingShown:
    """Take the overrides of another event in the place of this one's."""
    place = Place(call.host_id, call.event_id)
    source = Place(body.from_host_id or call.host_id, body.from_event_id)
    return await service.copy_mapping(call.resources, place, source=source, by=call.principal)


@router.get(EVENT + "/sources")
async def get_event_sources(call: EventMemberCall) -> Sources:
    """Where values may come from, with the questions that this event's attendees answered."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await read_sources(session, call.host_id, call.event_id)
