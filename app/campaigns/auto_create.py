"""Campaigns for new events of hosts who want one each, made unasked and only once."""

from typing import Final

from sqlalchemy import text

from app.campaigns.creation_requests import CreationRequest, store_request
from app.campaigns.schemas import CampaignToCreate
from app.infrastructure.database import Database
from app.models import CampaignLink, Event

BY: Final = "automatic"
CANDIDATES: Final = text("""
    SELECT event.host_id, event.event_id, connection.org_id
    FROM hosts AS host
    JOIN connections AS connection ON connection.host_id = host.host_id AND connection.state = 'connected'
    JOIN events AS event ON event.host_id = host.host_id
    WHERE host.settings ->> 'automatic_campaigns_since' IS NOT NULL AND host.paused_at IS NULL
      AND event.created_at >= CAST(host.settings ->> 'automatic_campaigns_since' AS timestamptz)
      AND NOT event.has_had_link AND NOT event.is_cancelled
      AND (event.kind = 'on_demand' OR coalesce(event.ends_at, event.starts_at) > clock_timestamp())
      AND NOT EXISTS (
        SELECT 1 FROM campaign_links AS link
        WHERE link.host_id = event.host_id AND link.event_id = event.event_id
      )
    ORDER BY event.created_at LIMIT :most
""")


async def request_missing_campaigns(database: Database, *, limit: int = 50) -> int:
    """Ask for the campaigns of new events, each in its own transaction; returns how many."""
    async with database.system() as session:
        candidates = (await session.execute(CANDIDATES, {"most": limit})).all()
    asked = 0
    for host_id, event_id, org_id in candidates:
        asked += await _ask(database, host_id, event_id, org_id=org_id)
    return asked


async def _ask(database: Database, host_id: str, event_id: str, *, org_id: str) -> int:
    async with database.tenant(host_id) as session:
        event = await session.get_one(Event, (host_id, event_id), with_for_update=True)
        link = await session.get(CampaignLink, (host_id, event_id))
        if link is not None or event.has_had_link:
            return 0
        await store_request(
            session, event, CreationRequest.of(event, CampaignToCreate()), org_id=org_id, by=BY
        )
    return 1
