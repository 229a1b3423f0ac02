"""An event's link to a campaign, as stored and as returned."""

from typing import Final, cast

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import SalesforceAnswer
from app.campaigns.backfill import backfill_view
from app.campaigns.lookup import Campaign
from app.campaigns.schemas import CampaignFound, CampaignLinkRecord, LinkShown, LinkStateName
from app.models import CampaignLink, Connection
from app.salesforce.allowed_hosts import record_url
from app.states import ConnectionState, LinkState
from app.user_messages.catalog import ADVICE, advise
from app.user_messages.rows import Advice

IN_OTHER_ORG: Final = "campaign_in_other_org"


async def link_view(session: AsyncSession, host_id: str, event_id: str) -> LinkShown | None:
    """The event's link with its latest backfill; None when the event is not linked."""
    link = await session.get(CampaignLink, (host_id, event_id))
    if link is None:
        return None
    connection = await session.get(Connection, host_id)
    state, problem = link_state(link, connection)
    shown = {
        "state": state,
        "problem": problem,
        "campaign": record_of(link, connection),
        "backfill": await backfill_view(session, host_id, event_id),
        "salesforce": _refusal_of(link),
    }
    return LinkShown.model_validate({**vars(link), **shown})


def _refusal_of(link: CampaignLink) -> SalesforceAnswer | None:
    """Return Salesforce's error from the rejected create of the campaign."""
    refused = (link.creation or {}).get("refused") if link.state == LinkState.CREATE_FAILED else None
    return SalesforceAnswer.model_validate(refused) if refused else None


def link_state(link: CampaignLink, connection: Connection | None) -> tuple[LinkStateName, Advice | None]:
    """The state of a link and what to do about it. A link to another org than the connected one is broken."""
    is_elsewhere = (
        connection is not None
        and connection.state == ConnectionState.CONNECTED
        and connection.org_id != link.org_id
    )
    if is_elsewhere:
        return "broken", advise(IN_OTHER_ORG)
    problem = advise(link.problem_code) if link.problem_code in ADVICE else None
    return cast(LinkStateName, link.state), problem


def record_of(link: CampaignLink, connection: Connection | None) -> CampaignLinkRecord:
    """The record link to the campaign, as last seen; no address in another org, no id before it is made."""
    is_here = connection is not None and connection.org_id == link.org_id
    return CampaignLinkRecord(
        id=link.campaign_id,
        url=record_url(connection.instance_url, "Campaign", link.campaign_id)
        if connection and is_here and link.campaign_id
        else None,
        name=link.campaign_name,
        is_active=link.is_active,
    )


def found_record(campaign: Campaign, connection: Connection) -> CampaignFound:
    """The campaign as Salesforce shows it now."""
    url = record_url(connection.instance_url, "Campaign", campaign.id)
    return CampaignFound.model_validate({**vars(campaign), "url": url})


async def is_used_by_other_event(
    session: AsyncSession, host_id: str, event_id: str, *, campaign_id: str, org_id: str
) -> bool:
    """Whether another event of the host writes to this campaign, too."""
    others = exists().where(
        CampaignLink.host_id == host_id,
        CampaignLink.event_id != event_id,
        CampaignLink.campaign_id == campaign_id,
        CampaignLink.org_id == org_id,
    )
    return bool(await session.scalar(select(others)))
