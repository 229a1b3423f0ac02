"""The endpoints of an event's verification and repair."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.calls import EventAdminCall, EventMemberCall
from app.registrations.schemas import RetryOutcome
from app.verification.repair import repair
from app.verification.requests import read_verification, start_verification
from app.verification.schemas import RepairToStart, VerificationShown

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["monitor"])


@router.post("/verify", status_code=202)
async def post_verify(call: EventAdminCall) -> VerificationShown:
    """Hold everything that was written for the event against Salesforce, below live work; it only reads."""
    return await start_verification(call)


@router.get("/verify")
async def get_verify(
    call: EventMemberCall,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> VerificationShown:
    """The latest verification and a page of what differs, by registration."""
    return await read_verification(call, limit=limit, cursor=cursor)


@router.post("/repair", status_code=202)
async def post_repair(call: EventAdminCall, body: RepairToStart) -> RetryOutcome:
    """Retry rows that differ, so that what is missing comes back; a dry run by default."""
    return await repair(call, body)
