"""Sync the dates of created campaigns with their event, until a user edits them in Salesforce."""

from dataclasses import replace
from typing import Final

from sqlalchemy import text, update

from app.api.dependencies import Resources
from app.api.errors import Problem
from app.campaigns.creation_requests import CreationRequest, event_days, iso_day
from app.campaigns.lookup import Campaign, campaign_calls, read_campaign
from app.models import CampaignLink, Event
from app.salesforce.errors import SalesforceError

MOVED: Final = text("""
    SELECT link.host_id, link.event_id
    FROM campaign_links AS link
    JOIN events AS event ON event.host_id = link.host_id AND event.event_id = link.event_id
    JOIN connections AS connection
      ON connection.host_id = link.host_id AND connection.org_id = link.org_id
     AND connection.state = 'connected'
    WHERE link.state = 'linked' AND link.is_created_by_us AND event.is_enabled IS NOT FALSE
      AND CAST(link.creation ->> 'follows_event' AS boolean)
      AND CAST(link.creation ->> 'dates_as_of' AS timestamptz) < event.snapshot_at
      AND (connection.api_closed_until IS NULL OR connection.api_closed_until <= clock_timestamp())
    ORDER BY event.snapshot_at LIMIT :most
""")

DATES_AT_ONCE: Final = 20

Days = tuple[str | None, str | None]


async def sync_campaign_dates(resources: Resources, *, limit: int = DATES_AT_ONCE) -> int:
    """Bring the dates of campaigns up to their events; returns how many were looked at.

    Setting the same dates twice is harmless, so that a lost answer needs no care.
    """
    async with resources.database.system() as session:
        moved = (await session.execute(MOVED, {"most": limit})).all()
    for host_id, event_id in moved:
        try:
            await _follow(resources, host_id, event_id)
        except (Problem, SalesforceError):
            continue  # it stays due
    return len(moved)


async def _follow(resources: Resources, host_id: str, event_id: str) -> None:
    async with resources.database.tenant(host_id) as session:
        link = await session.get(CampaignLink, (host_id, event_id))
        event = await session.get_one(Event, (host_id, event_id))
    if link is None or link.creation is None or link.campaign_id is None:
        return
    wish = CreationRequest.stored(link.creation)
    start, end = (iso_day(day) for day in event_days(event))
    follows = True
    if (start, end) != (wish.start_date, wish.end_date):
        follows = await _move(resources, link, (wish.start_date, wish.end_date), (start, end))
    as_of = event.snapshot_at.isoformat()
    moved = replace(wish, start_date=start, end_date=end, dates_as_of=as_of, follows_event=follows)
    async with resources.database.tenant(host_id) as session:
        await session.execute(
            update(CampaignLink)
            .where(CampaignLink.host_id == host_id, CampaignLink.event_id == event_id)
            .where(CampaignLink.creation["id"].astext == wish.id)
            .values(creation=moved.as_json())
        )


async def _move(resources: Resources, link: CampaignLink, old: Days, new: Days) -> bool:
    """Set the new dates if the old ones are still there; False if a user edited them."""
    assert link.campaign_id is not None
    async with campaign_calls(resources, link.host_id) as client:
        campaign = await read_campaign(client, link.campaign_id)
        if campaign is None or _days(campaign) not in (old, new):
            return False
        if _days(campaign) != new:
            await client.update("Campaign", campaign.id, {"StartDate": new[0], "EndDate": new[1]})
    return True


def _days(campaign: Campaign) -> Days:
    return iso_day(campaign.start_date), iso_day(campaign.end_date)
