"""A campaign and its member statuses, read from Salesforce in one call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from app.api.errors import CampaignsNotReadable
from app.api.salesforce_errors import problem_for
from app.campaigns.status_mapping import MemberStatus, choosable
from app.connections.counted_calls import org_calls
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import parse_query, query_request
from app.salesforce.errors import RequestRejected, ResponseLost, SalesforceError
from app.salesforce.ids import to18
from app.salesforce.soql import quote
from app.user_messages.catalog import say

CAMPAIGN_FIELDS: Final = (
    "Name", "Type", "Status", "IsActive", "StartDate", "EndDate", "NumberOfLeads", "NumberOfContacts",
)  # fmt: skip
HIDDEN_FIELD: Final = "INVALID_FIELD"
SELECT_STATUSES: Final = "SELECT Label,IsDefault,HasResponded,SortOrder FROM CampaignMemberStatus"

T = TypeVar("T")

campaign_calls: Final = partial(org_calls, hidden=CampaignsNotReadable)
"""`org_calls` for whatever needs campaigns."""


@dataclass(frozen=True)
class Campaign:
    """A campaign in Salesforce; `statuses` in the order of its picklist, never empty."""

    id: str
    name: str
    type: str | None
    status: str | None
    is_active: bool
    start_date: date | None
    end_date: date | None
    members: int
    statuses: tuple[MemberStatus, ...]

    @property
    def labels(self) -> list[str]:
        """What a member's Status may be: any other value is silently replaced by the default."""
        return [status.label for status in self.statuses]


def select_campaigns(fields: Sequence[str] = CAMPAIGN_FIELDS) -> str:
    return f"SELECT {','.join(('Id', *fields))} FROM Campaign"  # noqa: S608 -- names of describes


async def with_visible(client: SalesforceClient, ask: Callable[[Sequence[str]], Awaitable[T]]) -> T:
    """What `ask` answers for CAMPAIGN_FIELDS; where one is hidden from the user, for those that are not.

    Raises what `ask` raises.
    """
    try:
        return await ask(CAMPAIGN_FIELDS)
    except RequestRejected as refused:
        if refused.failure.error_code != HIDDEN_FIELD:
            raise
        described = await client.describe("Campaign")
        visible = [each for each in CAMPAIGN_FIELDS if each in described.fields]
        if len(visible) == len(CAMPAIGN_FIELDS):
            raise
        return await ask(visible)


async def read_campaign(client: SalesforceClient, campaign_id: str) -> Campaign | None:
    """Return the campaign with this 18-character id; None only if Salesforce returns no such record.

    Raises CampaignsNotReadable, ConnectionNeedsReconnect, SalesforceRefused, SalesforceUnavailable and
    ApiBudgetReached.
    """
    try:
        campaigns, statuses = await with_visible(client, partial(_query, client, campaign_id))
    except SalesforceError as error:
        raise problem_for(error, hidden=CampaignsNotReadable) from error
    if not campaigns:
        return None
    if not statuses:
        raise CampaignsNotReadable(say("detail.statuses_hidden"))
    labels = choosable([_status(each) for each in statuses])
    if not labels:
        raise CampaignsNotReadable(say("detail.statuses_too_long"))
    return campaign_of(campaigns[0], labels)


async def _query(
    client: SalesforceClient, campaign_id: str, fields: Sequence[str]
) -> tuple[list[dict[str, Any]], ...]:
    quoted = quote(campaign_id)
    queries = {
        "campaign": f"{select_campaigns(fields)} WHERE Id = {quoted}",
        "statuses": f"{SELECT_STATUSES} WHERE CampaignId = {quoted} ORDER BY SortOrder",
    }
    version = client.api_version
    answers = await client.composite(
        [query_request(name, soql, api_version=version) for name, soql in queries.items()]
    )
    return tuple(parse_query(answer).records for answer in answers)


def campaign_of(record: dict[str, Any], statuses: tuple[MemberStatus, ...] = ()) -> Campaign:
    """A record of `select_campaigns`; what is hidden is nothing. Raises SalesforceUnavailable for another."""
    try:
        return Campaign(
            id=to18(record["Id"]),
            name=record["Name"],
            type=record.get("Type"),
            status=record.get("Status"),
            is_active=bool(record.get("IsActive", True)),
            start_date=_date(record.get("StartDate")),
            end_date=_date(record.get("EndDate")),
            members=int(record.get("NumberOfLeads") or 0) + int(record.get("NumberOfContacts") or 0),
            statuses=statuses,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise problem_for(ResponseLost("the answer is not a campaign")) from error


def _status(record: dict[str, Any]) -> MemberStatus:
    return MemberStatus(
        label=str(record.get("Label")),
        is_default=record.get("IsDefault") is True,
        has_responded=record.get("HasResponded") is True,
        sort_order=record.get("SortOrder") or 0,
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
