"""Parsing Salesforce's answer to a campaign look-up; a failed look-up is never "not found"."""

from typing import Any

import httpx
import pytest

from app.api.errors import (
    ApiBudgetReached,
    CampaignsNotReadable,
    ConnectionNeedsReconnect,
    ObjectNotVisible,
    Problem,
    SalesforceRefused,
    SalesforceUnavailable,
)
from app.api.salesforce_errors import problem_for
from app.campaigns.lookup import read_campaign
from app.salesforce.auth import ConnectionEnded, RefreshUnavailable
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import ApiError, NotSent, RequestRejected, ResponseLost, SalesforceError
from app.sync.lookup.access import LookupRejected

ID = "7015g000000KqRsAAK"
CAMPAIGN: dict[str, Any] = {
    "Id": ID,
    "Name": "Otter Summit",
    "Type": None,
    "Status": "Planned",
    "IsActive": True,
    "StartDate": "2026-11-24",
    "EndDate": None,
    "NumberOfLeads": 40,
    "NumberOfContacts": None,
}
SENT = {"Label": "Sent", "IsDefault": True, "HasResponded": False, "SortOrder": 1}


def client_for(campaigns: Any, statuses: Any, *, status: int = 200) -> SalesforceClient:
    """A client of an org that gives these two answers to any composite."""

    def answer(request: httpx.Request) -> httpx.Response:
        entries = [
            {"referenceId": name, "httpStatusCode": status if isinstance(body, list) else 200, "body": body}
            for name, body in (("campaign", campaigns), ("statuses", statuses))
        ]
        return httpx.Response(200, json={"compositeResponse": entries})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return SalesforceClient(http, None, instance_url="https://otter.my.salesforce.com", api_version="62.0")


def page(*records: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


async def test_campaign_is_read_with_its_statuses_in_one_call() -> None:
    client = client_for(page(CAMPAIGN), page(SENT))
    campaign = await read_campaign(client, ID)
    assert campaign is not None
    assert (campaign.id, campaign.members, campaign.labels) == (ID, 40, ["Sent"])
    assert (str(campaign.start_date), campaign.end_date) == ("2026-11-24", None)
    assert client.calls == 1


async def test_no_record_means_not_found() -> None:
    assert await read_campaign(client_for(page(), page()), ID) is None


async def test_hidden_statuses_mean_not_readable() -> None:
    with pytest.raises(CampaignsNotReadable):
        await read_campaign(client_for(page(CAMPAIGN), page()), ID)


async def test_hidden_object_means_not_readable() -> None:
    refusal = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Campaign' is not supported."}]
    with pytest.raises(CampaignsNotReadable) as caught:
        await read_campaign(client_for(refusal, refusal, status=400), ID)
    assert caught.value.salesforce is not None
    assert caught.value.salesforce.error_code == "INVALID_TYPE"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"Id": ID}, id="fields-missing"),
        pytest.param(CAMPAIGN | {"Id": "701"}, id="no-id"),
        pytest.param(CAMPAIGN | {"StartDate": "soon"}, id="no-date"),
        pytest.param(CAMPAIGN | {"NumberOfLeads": ["many"]}, id="no-number"),
    ],
)
async def test_answer_that_is_no_campaign_is_an_answer_lost(record: dict[str, Any]) -> None:
    with pytest.raises(SalesforceUnavailable):
        await read_campaign(client_for(page(record), page(SENT)), ID)


def refused(error_code: str, message: str = "", http_status: int = 400) -> RequestRejected:
    return RequestRejected((ApiError(error_code, message, http_status=http_status),))


@pytest.mark.parametrize(
    ("error", "problem", "retry_after"),
    [
        pytest.param(ResponseLost("cut"), SalesforceUnavailable, "5", id="lost"),
        pytest.param(NotSent("dns"), SalesforceUnavailable, "5", id="not-sent"),
        pytest.param(ConnectionEnded("access_revoked"), ConnectionNeedsReconnect, None, id="ended"),
        pytest.param(RefreshUnavailable("away", retry_after=7.4), SalesforceUnavailable, "7", id="refresh"),
        pytest.param(RefreshUnavailable("away", retry_after=0), SalesforceUnavailable, "1", id="refresh-now"),
        pytest.param(refused("INVALID_TYPE"), ObjectNotVisible, None, id="type"),
        pytest.param(refused("NOT_FOUND", http_status=404), ObjectNotVisible, None, id="hidden"),
        pytest.param(refused("INSUFFICIENT_ACCESS"), ObjectNotVisible, None, id="access"),
        pytest.param(refused("SERVER_UNAVAILABLE", http_status=503), SalesforceUnavailable, "30", id="down"),
        pytest.param(refused("UNABLE_TO_LOCK_ROW"), SalesforceUnavailable, "30", id="busy"),
        pytest.param(
            refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403),
            ApiBudgetReached,
            "900",
            id="daily-limit",
        ),
        pytest.param(
            refused("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", 403),
            SalesforceUnavailable,
            "30",
            id="concurrency",
        ),
        pytest.param(
            refused("API_DISABLED_FOR_ORG", http_status=403), SalesforceRefused, "30", id="api-disabled"
        ),
        pytest.param(refused("INVALID_FIELD"), SalesforceRefused, "30", id="hidden-field"),
    ],
)
def test_failed_lookup_is_reported_as(
    error: SalesforceError, problem: type[Problem], retry_after: str | None
) -> None:
    result = problem_for(error)
    assert type(result) is problem
    assert result.headers.get("Retry-After") == retry_after


def test_hidden_object_is_the_problem_that_the_caller_chose() -> None:
    found = problem_for(refused("INSUFFICIENT_ACCESS"), hidden=CampaignsNotReadable)
    assert type(found) is CampaignsNotReadable


def test_hidden_object_is_named_where_the_look_up_says_which() -> None:
    found = problem_for(LookupRejected(refused("INVALID_TYPE").failures, "Lead"))
    assert found.detail == "The connected user cannot see Lead."
