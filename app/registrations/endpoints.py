"""The endpoints of an event's registrations."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from app.api.auth import RegistrationIdPath
from app.api.calls import EventAdminCall, EventMemberCall
from app.hosts.pause import set_event_pause
from app.infrastructure import audit_log
from app.registrations.campaign_links import campaign_links
from app.registrations.context import load_context
from app.registrations.exclusion import set_excluded
from app.registrations.export import export_rows
from app.registrations.history import History, read_history
from app.registrations.listing import RowQuery, RowSort, RowState, list_rows, read_row
from app.registrations.personal_links import PersonalLink, personal_link
from app.registrations.retry import retry_many, retry_one
from app.registrations.schemas import CheckIns, RetryOutcome, RetryRequest, Row, Rows, ShortText, Stats
from app.registrations.stats import event_stats, recent_check_ins

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce")

MONITOR: Final[list[str | Enum]] = ["monitor"]
CSV_TYPE = "text/csv; charset=utf-8"
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


@router.get("/stats", tags=MONITOR)
async def read_stats(call: EventMemberCall) -> Stats:
    """How far the event's registrations are in Salesforce, failures grouped; no personal data."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await event_stats(
            session, call.host_id, call.event_id, is_configured=call.resources.settings.has_shared_app
        )


@router.get("/check-ins", tags=MONITOR)
async def read_check_ins(call: EventMemberCall) -> CheckIns:
    """How many people were checked in, minute by minute, in the last half hour; no personal data."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await recent_check_ins(session, call.host_id, call.event_id)


@router.get("/registrations", tags=MONITOR)
async def list_registrations(call: EventMemberCall, query: Annotated[RowQuery, Depends(row_query)]) -> Rows:
    """The event's registrations, one page of them."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await list_rows(session, call.host_id, call.event_id, query)


@router.get("/registrations/{registration_id}", tags=MONITOR)
async def read_registration(call: EventMemberCall, registration_id: RegistrationIdPath) -> Row:
    """One registration."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await read_row(session, call.host_id, call.event_id, registration_id=registration_id)


@router.post("/registrations/{registration_id}/retry", status_code=202, tags=MONITOR)
async def retry_registration(call: EventAdminCall, registration_id: RegistrationIdPath) -> RetryOutcome:
    """Try one registration again now."""
    return await retry_one(call, registration_id)


@router.post("/retry", status_code=202, tags=MONITOR)
async def retry_registrations(call: EventAdminCall, body: RetryRequest) -> RetryOutcome:
    """Try all failed registrations again, or those of a group, an error code, or a list."""
    return await retry_many(call, body.filter, is_dry_run=body.dry_run)


@router.post("/pause", tags=MONITOR)
async def pause_event(call: EventAdminCall) -> Stats:
    """Write nothing of this event until it is resumed; what comes in waits."""
    return await _set_pause(call, is_paused=True)


@router.post("/resume", tags=MONITOR)
async def resume_event(call: EventAdminCall) -> Stats:
    """Go on with this event where it stopped."""
    return await _set_pause(call, is_paused=False)


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
    tags=MONITOR,
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_registrations(
    call: EventMemberCall, query: Annotated[RowQuery, Depends(export_query)]
) -> StreamingResponse:
    """The event's registrations as CSV, with the filters of the list."""
    chunks = export_rows(
        call.resources.database, call.host_id, call.event_id, query, call.resources.export_turn
    )
    first = await anext(chunks)
    async with call.resources.database.tenant(call.host_id) as session:
        details = {"event_id": call.event_id, "filters": query.narrowed_by()}
        await audit_log.append_entry(
            session, call.host_id, actor=call.user_id, action="salesforce.rows_exported", details=details
        )
    return _download(f"registrations-{call.event_id}.csv", first, chunks)


@router.get("/registrations/{registration_id}/history", tags=MONITOR)
async def read_registration_history(
    call: EventMemberCall,
    registration_id: RegistrationIdPath,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> History:
    """Every attempt of one registration: when, what was sent, what came back."""
    async with call.resources.database.tenant(call.host_id) as session:
        return await read_history(
            session, call.host_id, call.event_id, registration_id=registration_id, limit=limit, cursor=cursor
        )


@router.get("/links", tags=MONITOR)
async def read_personal_link(
    call: EventMemberCall,
    salesforce_id: Annotated[
        str, Query(max_length=255, description="of a Lead, Contact, Account or Case; 15 or 18 characters")
    ],
) -> PersonalLink:
    """The event's registration link for one Salesforce record, and the same link for e-mail templates."""
    return await personal_link(call, salesforce_id)


@router.get(
    "/links.csv",
    tags=MONITOR,
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_personal_links(
    call: EventAdminCall,
    campaign_id: Annotated[
        str, Query(max_length=255, description="15 or 18 characters, or a pasted address")
    ],
) -> StreamingResponse:
    """The Salesforce ids of a campaign's members and their registration links as CSV."""
    chunks = campaign_links(call, campaign_id)
    return _download(f"links-{call.event_id}.csv", await anext(chunks), chunks)


def _download(name: str, first: bytes, rest: AsyncGenerator[bytes]) -> StreamingResponse:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_joined(first, rest), headers=headers, media_type=CSV_TYPE)


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk


@router.post("/registrations/{registration_id}/exclude", tags=["host"])
async def exclude_registration(call: EventAdminCall, registration_id: RegistrationIdPath) -> Row:
    """Never write this registration; what stands in Salesforce stays."""
    return await set_excluded(call, registration_id, is_excluded=True)


@router.post("/registrations/{registration_id}/include", tags=["host"])
async def include_registration(call: EventAdminCall, registration_id: RegistrationIdPath) -> Row:
    """Write this registration after all."""
    return await set_excluded(call, registration_id, is_excluded=False)


async def _set_pause(call: EventAdminCall, *, is_paused: bool) -> Stats:
    """Raises EventNotFound."""
    resources, host_id, event_id = call.resources, call.host_id, call.event_id
    async with resources.database.tenant(host_id) as session:
        context = await load_context(session, host_id, event_id)
        await set_event_pause(session, context.event, is_paused=is_paused, by=call.user_id)
    async with resources.database.tenant(host_id) as session:
        stats = await event_stats(session, host_id, event_id, is_configured=resources.settings.has_shared_app)
    if not is_paused and context.org_id is not None:
        await resources.wakeups.announce([context.org_id])
    return stats
