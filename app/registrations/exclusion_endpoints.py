"""The endpoints that exclude single registrations and include them again."""

from fastapi import APIRouter, Response

from app.api.auth import EventIdPath, HostAdminDep, HostIdPath, RegistrationIdPath
from app.api.dependencies import ResourcesDep
from app.registrations.endpoints import NO_STORE
from app.registrations.exclusion import set_excluded
from app.registrations.schemas import Row

router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["host"])


@router.post("/events/{event_id}/salesforce/registrations/{registration_id}/exclude")
async def exclude_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostAdminDep,
    resources: ResourcesDep,
    response: Response,
) -> Row:
    """Never write this registration; what stands in Salesforce stays."""
    response.headers.update(NO_STORE)
    return await set_excluded(
        resources,
        host_id,
        event_id,
        registration_id=registration_id,
        is_excluded=True,
        by=principal.user_id,
    )


@router.post("/events/{event_id}/salesforce/registrations/{registration_id}/include")
async def include_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostAdminDep,
    resources: ResourcesDep,
    response: Response,
) -> Row:
    """Write this registration after all."""
    response.headers.update(NO_STORE)
    return await set_excluded(
        resources,
        host_id,
        event_id,
        registration_id=registration_id,
        is_excluded=False,
        by=principal.user_id,
    )
