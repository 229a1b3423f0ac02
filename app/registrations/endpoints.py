"""The monitor's doors: stats, rows, retry, and the pause of one event."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from app.api.auth import EventIdPath, HostAdminDep, HostIdPath, HostMemberDep, RegistrationIdPath
from app.api.dependencies import ResourcesDep
from app.registrations.event_pause import set_event_pause
from app.registrations.listing import RowQuery, RowSort, RowState, list_rows, read_row
from app.registrations.retry import retry_many, retry_one
from app.registrations.schemas import RetryOutcome, RetryRequest, Row, Rows, ShortText, Stats
from app.registrations.stats import event_stats

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["monitor"])

NO_STORE = {"Cache-Control": "no-store"}
SearchText = Annotated[str, StringConstraints(min_length=2, max_length=200, pattern=r"^[^\x00]*$")]


def row_query(
    state: Annotated[list[RowState] | None, Query(description="repeatable")] = None,
    group_id: ShortText | None = None,
    error_code: ShortText | None = None,
    q: Annotated[SearchText | None, Query(description="in name, e-mail and company")] = None,
    sort: RowSort = "-updated_at",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> RowQuery:
    """The query of a list of rows."""
    return RowQuery(tuple(state or ()), group_id, error_code, q, sort, limit, cursor)


@router.get("/stats")
async def read_stats(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostMemberDep, resources: ResourcesDep
) -> Stats:
    """How far the event's registrations are in Salesforce, failures grouped; no personal data."""
    async with resources.database.tenant(host_id) as session:
        return await event_stats(session, host_id, event_id, is_configured=resources.settings.has_shared_app)


@router.get("/registrations")
async def list_registrations(
    host_id: HostIdPath,
    event_id: EventIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    response: Response,
    query: Annotated[RowQuery, Depends(row_query)],
) -> Rows:
    """The event's registrations, one page of them."""
    response.headers.update(NO_STORE)
    async with resources.database.tenant(host_id) as session:
        return await list_rows(session, host_id, event_id, query)


@router.get("/registrations/{registration_id}")
async def read_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    response: Response,
) -> Row:
    """One registration."""
    response.headers.update(NO_STORE)
    async with resources.database.tenant(host_id) as session:
        return await read_row(session, host_id, event_id, registration_id=registration_id)


@router.post("/registrations/{registration_id}/retry", status_code=202)
async def retry_registration(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostAdminDep,
    resources: ResourcesDep,
    response: Response,
) -> RetryOutcome:
    """Try one registration again now."""
    response.headers.update(NO_STORE)
    return await retry_one(
        resources, host_id, event_id, registration_id=registration_id, asked_by=principal.user_id
    )


@router.post("/retry", status_code=202)
async def retry_registrations(
    host_id: HostIdPath,
    event_id: EventIdPath,
    body: RetryRequest,
    principal: HostAdminDep,
    resources: ResourcesDep,
) -> RetryOutcome:
    """Try all failed registrations again, or those of a group, an error code, or a list."""
    return await retry_many(
        resources,
        host_id,
        event_id,
        wanted=body.filter,
        asked_by=principal.user_id,
        is_dry_run=body.dry_run,
    )


@router.post("/pause")
async def pause_event(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostAdminDep, resources: ResourcesDep
) -> Stats:
    """Write nothing of this event until it is resumed; what comes in waits."""
    return await set_event_pause(resources, host_id, event_id, is_paused=True, by=principal.user_id)


@router.post("/resume")
async def resume_event(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostAdminDep, resources: ResourcesDep
) -> Stats:
    """Go on with this event where it stopped."""
    return await set_event_pause(resources, host_id, event_id, is_paused=False, by=principal.user_id)
