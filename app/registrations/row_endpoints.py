"""The endpoints of a registration's history and of the list as a file."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from app.api.auth import EventIdPath, HostIdPath, HostMemberDep, RegistrationIdPath
from app.api.dependencies import ResourcesDep
from app.infrastructure import audit_log
from app.registrations.endpoints import NO_STORE, SearchText
from app.registrations.export import export_rows
from app.registrations.history import read_history
from app.registrations.history_schemas import History
from app.registrations.listing import RowQuery, RowState
from app.registrations.schemas import ShortText

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["monitor"])

CSV_TYPE = "text/csv; charset=utf-8"


def export_query(
    state: Annotated[list[RowState] | None, Query(description="repeatable")] = None,
    group_id: ShortText | None = None,
    error_code: ShortText | None = None,
    q: Annotated[SearchText | None, Query(description="in name, e-mail and company")] = None,
) -> RowQuery:
    """The filters of the list, without its order and pages."""
    return RowQuery(tuple(state or ()), group_id, error_code, q)


@router.get(
    "/registrations.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_registrations(
    host_id: HostIdPath,
    event_id: EventIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    query: Annotated[RowQuery, Depends(export_query)],
) -> StreamingResponse:
    """The event's registrations as CSV, with the filters of the list."""
    chunks = export_rows(resources.database, host_id, event_id, query, resources.export_turn)
    first = await anext(chunks)
    async with resources.database.tenant(host_id) as session:
        details = {"event_id": event_id, "filters": query.narrowed_by()}
        await audit_log.append_entry(
            session, host_id, actor=principal.user_id, action="salesforce.rows_exported", details=details
        )
    name = f'attachment; filename="registrations-{event_id}.csv"'
    headers = NO_STORE | {"Content-Disposition": name, "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_joined(first, chunks), headers=headers, media_type=CSV_TYPE)


@router.get("/registrations/{registration_id}/history")
async def read_registration_history(
    host_id: HostIdPath,
    event_id: EventIdPath,
    registration_id: RegistrationIdPath,
    principal: HostMemberDep,
    resources: ResourcesDep,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> History:
    """Every attempt of one registration: when, what was sent, what came back."""
    response.headers.update(NO_STORE)
    async with resources.database.tenant(host_id) as session:
        return await read_history(
            session, host_id, event_id, registration_id=registration_id, limit=limit, cursor=cursor
        )


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
