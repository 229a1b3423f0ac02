"""The doors to an event's campaign: validate, read, link, unlink."""

from fastapi import APIRouter, Response

from app.campaigns import service
from app.campaigns.schemas import CampaignToLink, CampaignToValidate, CampaignValidated, LinkShown, Unlinked
from app.identity import EventIdPath, HostChangerDep, HostIdPath, HostReaderDep
from app.resources import ResourcesDep

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["campaigns"])


@router.post("/campaign/validate")
async def validate_campaign(
    host_id: HostIdPath,
    event_id: EventIdPath,
    body: CampaignToValidate,
    principal: HostChangerDep,
    resources: ResourcesDep,
) -> CampaignValidated:
    """Look the campaign up in the connected org and propose a status for each of ours."""
    return await service.validate_campaign(resources, host_id, event_id, pasted=body.campaign_id)


@router.get("/campaign")
async def read_link(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostReaderDep, resources: ResourcesDep
) -> LinkShown:
    """The event's link to its campaign, with its latest backfill."""
    return await service.find_link(resources, host_id, event_id)


@router.put("/campaign", responses={201: {"model": LinkShown, "description": "Linked for the first time"}})
async def link_campaign(
    host_id: HostIdPath,
    event_id: EventIdPath,
    body: CampaignToLink,
    principal: HostChangerDep,
    resources: ResourcesDep,
    response: Response,
) -> LinkShown:
    """Link the event to a campaign, or change the statuses of its link; the Id itself is locked."""
    link, is_new = await service.link_campaign(
        resources, host_id, event_id, wanted=body, by=principal.user_id
    )
    response.status_code = 201 if is_new else 200
    return link


@router.delete("/campaign")
async def unlink_campaign(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostChangerDep, resources: ResourcesDep
) -> Unlinked:
    """Stop writing campaign members for this event; records that stand in Salesforce stay."""
    return await service.unlink_campaign(resources, host_id, event_id, by=principal.user_id)
