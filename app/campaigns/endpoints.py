"""Endpoints of an event's campaign: search, validate, read, link, create, unlink; and of its backfills."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from app.api.calls import AdminCall, EventAdminCall, EventMemberCall
from app.campaigns import service
from app.campaigns.backfill_requests import request_backfill, stop_backfill, write_before
from app.campaigns.creation_requests import proposed_campaign, request_campaign
from app.campaigns.schemas import (
    BackfillShown,
    BackfillToStart,
    CampaignPage,
    CampaignProposal,
    CampaignToCreate,
    CampaignToLink,
    CampaignToValidate,
    CampaignValidated,
    HostBackfill,
    HostBackfillToStart,
    LinkShown,
    SetUpToCopy,
    Unlinked,
)
from app.campaigns.search import CampaignSort, search_campaigns

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["campaigns"])
host_router = APIRouter(prefix="/v1/hosts/{host_id}/salesforce", tags=["campaigns"])


SearchText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


@host_router.post("/backfill", status_code=202)
async def start_host_backfill(call: AdminCall, body: HostBackfillToStart) -> HostBackfill:
    """Write everybody who registered before the host was connected; a dry run counts them."""
    return await write_before(call, is_dry_run=body.dry_run)


@router.get("/campaigns")
async def list_campaigns(
    call: EventMemberCall,
    q: Annotated[SearchText, Query(description="part of the name")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
    sort: Annotated[CampaignSort, Query(description="active ones come first in any case")] = "name",
) -> CampaignPage:
    """The connected org's campaigns, active ones first, then by name or those made last."""
    return await search_campaigns(call, q=q, limit=limit, cursor=cursor, sort=sort)


@router.get("/campaign/proposal")
async def propose_campaign(call: EventMemberCall) -> CampaignProposal:
    """What would be created for the event if nothing else is chosen."""
    return await proposed_campaign(call)


@router.post("/campaign/create", status_code=201)
async def create_campaign(call: EventAdminCall, body: CampaignToCreate) -> LinkShown:
    """Have a campaign created for the event, with statuses of its own, and linked when it stands."""
    return await request_campaign(call, body)


@router.post(
    "/campaign/copy", responses={201: {"model": LinkShown, "description": "Linked for the first time"}}
)
async def copy_campaign(call: EventAdminCall, body: SetUpToCopy, response: Response) -> LinkShown:
    """Link the event as another event of the host is linked."""
    link, is_new = await service.copy_link(call, body)
    response.status_code = 201 if is_new else 200
    return link


@router.post("/backfill", status_code=202)
async def start_backfill(call: EventAdminCall, body: BackfillToStart) -> BackfillShown:
    """Write the event's registrations, those from before the connection included, below live work."""
    return await request_backfill(call, reason=body.why)


@router.delete("/backfill")
async def end_backfill(call: EventAdminCall) -> BackfillShown | None:
    """End the event's backfill, and let go of what nobody began; the latest one as it stands then."""
    return await stop_backfill(call)


@router.post("/campaign/validate")
async def validate_campaign(call: EventAdminCall, body: CampaignToValidate) -> CampaignValidated:
    """Look the campaign up in the connected org and propose a status for each of ours."""
    return await service.validate_campaign(call, pasted=body.campaign_id)


@router.get("/campaign")
async def read_link(call: EventMemberCall) -> LinkShown:
    """The event's link to its campaign, with its latest backfill."""
    return await service.find_link(call)


@router.put("/campaign", responses={201: {"model": LinkShown, "description": "Linked for the first time"}})
async def link_campaign(call: EventAdminCall, body: CampaignToLink, response: Response) -> LinkShown:
    """Link the event to a campaign, or change the statuses of its link; the Id itself is locked."""
    link, is_new = await service.link_campaign(call, body)
    response.status_code = 201 if is_new else 200
    return link


@router.delete("/campaign")
async def unlink_campaign(call: EventAdminCall) -> Unlinked:
    """Stop writing campaign members for this event; records that stand in Salesforce stay."""
    return await service.unlink_campaign(call)
