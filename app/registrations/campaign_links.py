"""Personalised links for every member of a campaign, as CSV: record ids and links, nothing of a person."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Final

from app.api.calls import EventCall
from app.api.errors import CampaignIdInvalid, CampaignTooLarge
from app.campaigns.link_validation import parse_campaign_id
from app.campaigns.lookup import campaign_calls
from app.infrastructure import audit_log
from app.registrations.export import MARK, as_csv, safe_cell
from app.registrations.personal_links import PARAMETER, registration_page, with_salesforce_id
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import QueryPage, parse_query, query_request
from app.salesforce.ids import is_id, to18
from app.salesforce.soql import quote
from app.user_messages.catalog import advise, say

COLUMNS: Final = (PARAMETER, "url")
MEMBERS_MAX: Final = 100_000
"""Members of one file: 50 API calls, as Salesforce answers 2,000 at a time."""
CAMPAIGN: Final = "SELECT Id FROM Campaign WHERE Id = "
MEMBERS: Final = "SELECT LeadId, ContactId FROM CampaignMember WHERE CampaignId = "
IN_ORDER: Final = "ORDER BY ContactId, LeadId"
"""So that members of one person follow one another, whatever page they are on."""


async def campaign_links(call: EventCall, pasted: str) -> AsyncGenerator[bytes]:
    """The chunks of the file, one for each page of the campaign's members; everybody once.

    Before the first chunk it raises EventNotFound, EventUrlMissing, CampaignIdInvalid, CampaignTooLarge and
    what `campaign_calls` raises; afterwards the file breaks off where Salesforce no longer answers.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        page = await registration_page(session, call.host_id, call.event_id)
    campaign_id = parse_campaign_id(pasted)
    latest: str | None = None
    async with campaign_calls(call.resources, call.host_id, is_for_person=True) as client:
        members = await _first_members(client, campaign_id)
        await _note_export(call, campaign_id)
        yield MARK.encode() + as_csv([list(COLUMNS)])
        async with aclosing(client.pages(members)) as pages:
            async for each in pages:
                people = [record_id for record_id in _people(each.records) if record_id != latest]
                latest = people[-1] if people else latest
                yield as_csv(_cells(page, people))


async def _first_members(client: SalesforceClient, campaign_id: str) -> QueryPage:
    """The first page of the campaign's members, found together with the campaign by one call."""
    quoted, version = quote(campaign_id), client.api_version
    queries = {"campaign": f"{CAMPAIGN}{quoted}", "members": f"{MEMBERS}{quoted} {IN_ORDER}"}
    campaign, members = await client.composite(
        [query_request(name, soql, api_version=version) for name, soql in queries.items()]
    )
    if not parse_query(campaign).records:
        advice = advise("campaign_not_in_org")
        raise CampaignIdInvalid(say("detail.no_such_campaign_here"), reason="not_found", advice=advice)
    first = parse_query(members)
    total = first.total or 0
    if total > MEMBERS_MAX:
        raise CampaignTooLarge(say("detail.too_many_members", total=total, most=MEMBERS_MAX))
    return first


def _people(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The 18-character ids of these members' people: of a converted Lead its Contact; each once."""
    ids = (record.get("ContactId") or record.get("LeadId") for record in records)
    return iter(dict.fromkeys(to18(str(each)) for each in ids if is_id(each)))


def _cells(page: str, people: Iterable[str]) -> list[list[str]]:
    """Ids and links. An id makes no formula of a link, so one look at the page's address does for all."""
    before, mark, fragment = _safe_link(with_salesforce_id(page, "")).partition("#")
    return [[record_id, f"{before}{record_id}{mark}{fragment}"] for record_id in people]


def _safe_link(url: str) -> str:
    """A link that no spreadsheet cuts or runs, and that still leads there."""
    return url if safe_cell(url) == url else safe_cell(url.replace(";", "%3B"))


async def _note_export(call: EventCall, campaign_id: str) -> None:
    details = {"event_id": call.event_id, "campaign_id": campaign_id}
    async with call.resources.database.tenant(call.host_id) as session:
        await audit_log.append_entry(
            session, call.host_id, actor=call.user_id, action="salesforce.links_exported", details=details
        )
