"""Revalidate campaign links after a host connects a different org; a link stays broken until its campaign is
found.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import select, update

from app.campaigns.lookup import select_campaigns, with_visible
from app.infrastructure.database import Database
from app.models import CampaignLink
from app.notifications.facts import campaigns_checked
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import parse_query, query_request
from app.salesforce.ids import to18
from app.salesforce.soql import quote
from app.states import LinkState

CHUNK: Final = 100
SELECT_STATUSES: Final = "SELECT CampaignId, Label FROM CampaignMemberStatus WHERE CampaignId"
BROKEN: Final = "campaign_broken"


async def relink_after_org_change(
    database: Database, client: SalesforceClient, *, host_id: str, org_id: str
) -> int:
    """Find the host's campaigns in the new org and repair their links; returns how many.

    Raises what the client raises; a failed look-up leaves the links unchanged.
    """
    async with database.tenant(host_id) as session:
        elsewhere = (CampaignLink.org_id != org_id, CampaignLink.campaign_id.is_not(None))
        links = await session.scalars(select(CampaignLink).where(CampaignLink.host_id == host_id, *elsewhere))
        ids = sorted({link.campaign_id for link in links if link.campaign_id})
    found = 0
    for start in range(0, len(ids), CHUNK):
        campaigns, labels = await with_visible(client, partial(_query, client, ids[start : start + CHUNK]))
        for campaign_id, campaign in campaigns.items():
            await _relink(database, host_id, org_id, campaign=campaign, labels=labels.get(campaign_id, []))
        found += len(campaigns)
    async with database.tenant(host_id) as session:
        await campaigns_checked(session, host_id, org_id)
    return found


async def _query(
    client: SalesforceClient, ids: Sequence[str], fields: Sequence[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    listed = ", ".join(quote(each) for each in ids)
    soql = {
        "campaigns": f"{select_campaigns(fields)} WHERE Id IN ({listed})",
        "statuses": f"{SELECT_STATUSES} IN ({listed}) ORDER BY SortOrder",
    }
    requests = [query_request(name, text, api_version=client.api_version) for name, text in soql.items()]
    pages = [parse_query(answer) for answer in await client.composite(requests)]
    campaigns, statuses = [await client.all_records(page) for page in pages]
    labels: dict[str, list[str]] = {}
    for status in statuses:
        labels.setdefault(to18(status["CampaignId"]), []).append(str(status["Label"]))
    return {to18(row["Id"]): row for row in campaigns}, labels


async def _relink(
    database: Database, host_id: str, org_id: str, *, campaign: Mapping[str, Any], labels: list[str]
) -> None:
    campaign_id = to18(campaign["Id"])
    async with database.tenant(host_id) as session:
        links = await session.scalars(
            select(CampaignLink).where(
                CampaignLink.host_id == host_id,
                CampaignLink.campaign_id == campaign_id,
                CampaignLink.org_id != org_id,
            )
        )
        for link in links:
            has_all = {label for label in link.statuses.values() if label} <= set(labels)
            await session.execute(
                update(CampaignLink)
                .where(CampaignLink.host_id == host_id, CampaignLink.event_id == link.event_id)
                .values(
                    org_id=org_id,
                    state=LinkState.LINKED if has_all else LinkState.BROKEN,
                    problem_code=None if has_all else BROKEN,
                    campaign_name=str(campaign["Name"]),
                    is_active=campaign.get("IsActive") is not False,
                    available_statuses=labels,
                    version=CampaignLink.version + 1,
                )
            )
