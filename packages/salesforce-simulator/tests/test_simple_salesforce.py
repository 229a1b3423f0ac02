"""simple-salesforce, as released, against the simulator; an adapter turns https and the host into ours."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from support.process import running

APP = {"client_id": "script", "client_secret": "s3cret", "run_as": "ines.integration@northwind.example"}
TRICKY = [
    pytest.param("O'Brien", id="quote"),
    pytest.param("back\\slash", id="backslash"),
    pytest.param("both \\' at once \\\\", id="both"),
    pytest.param("Ünïcödé 東京 🎟", id="unicode"),
    pytest.param('" % _ + & # ?', id="signs"),
]


class ToSimulator(HTTPAdapter):
    """Sends what was meant for https://anything to the simulator's port."""

    def __init__(self, netloc: str) -> None:
        super().__init__()
        self.netloc = netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.url = str(urlunsplit(parts._replace(scheme="http", netloc=self.netloc)))
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def process() -> Iterator[httpx.Client]:
    with running() as (client, _):
        yield client


@pytest.fixture
def door(process: httpx.Client) -> httpx.Client:
    """The simulator's own door of a fresh org that knows the script's app."""
    process.post("/_simulator/reset").raise_for_status()
    process.put("/_simulator/config", json={"apps": [APP]}).raise_for_status()
    return process


@pytest.fixture
def web(door: httpx.Client) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", ToSimulator(door.base_url.netloc.decode()))
        yield session


@pytest.fixture
def sf(web: requests.Session) -> Any:
    return logged_in(web)


def logged_in(web: requests.Session, secret: str = "s3cret") -> Any:
    """Typed loosely: its objects are attributes made up on the way."""
    return Salesforce(consumer_key="script", consumer_secret=secret, domain="northwind.my", session=web)


def first(caught: pytest.ExceptionInfo[Any]) -> Any:
    return caught.value.content[0]


def refusal(caught: pytest.ExceptionInfo[Any]) -> tuple[int, str]:
    return caught.value.status, first(caught)["errorCode"]


def test_a_wrong_secret_is_an_authentication_failure(web: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        logged_in(web, "wrong")


def test_an_app_without_a_user_cannot_log_in(web: requests.Session, door: httpx.Client) -> None:
    door.put("/_simulator/config", json={"apps": [{**APP, "run_as": None}]}).raise_for_status()
    with pytest.raises(SalesforceAuthenticationFailed, match="no client credentials user enabled"):
        logged_in(web)


def test_an_expired_session_is_renewed_and_the_call_repeated(sf: Any, door: httpx.Client) -> None:
    before = sf.session_id
    assert door.post("/_simulator/expire-tokens").json()["expired"] == 1
    assert sf.query("SELECT Id FROM Lead")["totalSize"] == 0
    assert sf.session_id != before


def test_a_session_that_cannot_be_renewed_ends_in_an_error(door: httpx.Client, web: requests.Session) -> None:
    token = door.get("/_simulator/session").json()["access_token"]
    session: Any = Salesforce(instance="northwind.my.salesforce.com", session_id=token, session=web)
    door.post("/_simulator/expire-tokens")
    with pytest.raises(SalesforceExpiredSession) as caught:
        session.query("SELECT Id FROM Lead")
    assert refusal(caught) == (401, "INVALID_SESSION_ID")


def test_describe_names_objects_and_fields(sf: Any) -> None:
    described = sf.describe()
    assert described is not None
    assert {"Lead", "CampaignMember"} <= {one["name"] for one in described["sobjects"]}
    fields = {field["name"]: field for field in sf.Lead.describe()["fields"]}
    assert (fields["Email"]["type"], fields["Company"]["nillable"]) == ("email", False)
    assert sf.Lead.metadata()["objectDescribe"]["keyPrefix"] == "00Q"
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000


def test_usage_is_read_from_every_answer(sf: Any, door: httpx.Client) -> None:
    door.put("/_simulator/config", json={"api_limit": {"per_app": 250}})
    sf.limits()
    usage = sf.api_usage
    assert (usage["api-usage"].total, usage["per-app-api-usage"].total) == (100_000, 250)
    assert usage["per-app-api-usage"].name == "Connected App"


def test_a_row_is_created_read_changed_and_deleted(sf: Any) -> None:
    created = sf.Lead.create({"LastName": "Doe", "Company": "Acme", "Email": "jane@example.com"})
    assert created == {"id": created["id"], "success": True, "errors": []}
    assert sf.Lead.update(created["id"], {"Title": "CTO"}) == 204
    row = sf.Lead.get(created["id"])
    assert (row["attributes"]["type"], row["Title"], row["Name"]) == ("Lead", "CTO", "Doe")
    assert sf.Lead.delete(created["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as caught:
        sf.Lead.get(created["id"])
    assert refusal(caught) == (404, "ENTITY_IS_DELETED")


def test_an_upsert_creates_then_updates_then_finds_several(sf: Any) -> None:
    lead = {"LastName": "Doe", "Company": "Acme"}
    key = "External_Id__c/A-1"
    first = sf.Lead.upsert(key, lead, raw_response=True)
    second = sf.Lead.upsert(key, lead, raw_response=True)
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert sf.Lead.get_by_custom_id("External_Id__c", "A-1")["Id"] == first.json()["id"]
    for _ in range(2):
        sf.Contact.create({"LastName": "Twin", "Email": "twin@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.upsert("Email/twin@example.com", {"LastName": "Twin"})


@pytest.mark.parametrize("text", TRICKY)
def test_any_text_is_found_by_itself_only(sf: Any, text: str) -> None:
    sf.Lead.create({"LastName": text, "Company": text})
    sf.Lead.create({"LastName": "Other", "Company": "Other"})
    found = sf.query(format_soql("SELECT LastName FROM Lead WHERE Company = {}", text))
    assert [row["LastName"] for row in found["records"]] == [text]
    alike = sf.query(format_soql("SELECT LastName FROM Lead WHERE Company LIKE '%{:like}%'", text))
    assert [row["LastName"] for row in alike["records"]] == [text]


def test_a_wrong_query_says_where(sf: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query("SELECT Nothing FROM Lead")
    assert refusal(caught) == (400, "INVALID_FIELD")
    assert "ERROR at Row:1:Column:8" in first(caught)["message"]


def test_2100_records_come_in_two_pages(sf: Any, door: httpx.Client) -> None:
    rows = [{"LastName": f"L{n:04}", "Company": "Acme"} for n in range(2100)]
    door.post("/_simulator/records/Lead", json=rows).raise_for_status()
    soql = "SELECT LastName FROM Lead ORDER BY LastName"
    page = sf.query(soql)
    assert (page["totalSize"], len(page["records"]), page["done"]) == (2100, 2000, False)
    rest = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    assert (len(rest["records"]), rest["done"], "nextRecordsUrl" in rest) == (100, True, False)
    names = [row["LastName"] for row in sf.query_all(soql)["records"]]
    assert names == [row["LastName"] for row in rows]


def test_deleted_rows_are_found_by_query_all(sf: Any) -> None:
    created = sf.Lead.create({"LastName": "Doe", "Company": "Acme"})
    sf.Lead.delete(created["id"])
    assert sf.query("SELECT Id FROM Lead")["totalSize"] == 0
    found = sf.query("SELECT Id, IsDeleted FROM Lead", include_deleted=True)
    assert [row["IsDeleted"] for row in found["records"]] == [True]


def test_a_bad_row_of_a_collection_leaves_the_others(sf: Any) -> None:
    rows = [
        {"attributes": {"type": "Contact"}, "LastName": "A"},
        {"attributes": {"type": "Contact"}, "FirstName": "B"},
        {"attributes": {"type": "Contact"}, "LastName": "C"},
    ]
    results = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": rows})
    assert [result["success"] for result in results] == [True, False, True]
    message = "Required fields are missing: [LastName]"
    error = {"statusCode": "REQUIRED_FIELD_MISSING", "message": message, "fields": ["LastName"]}
    assert results[1] == {"success": False, "errors": [error]}


def test_a_composite_uses_what_its_parts_found(sf: Any) -> None:
    root = f"/services/data/v{sf.sf_version}"
    lead = {"LastName": "Doe", "Company": "Acme"}
    parts = [
        {"method": "POST", "url": f"{root}/sobjects/Lead", "referenceId": "lead", "body": lead},
        {
            "method": "POST",
            "url": f"{root}/sobjects/Task",
            "referenceId": "task",
            "body": {"WhoId": "@{lead.id}", "Subject": "Registered"},
        },
        {"method": "GET", "url": f"{root}/sobjects/Task/@{{task.id}}?fields=WhoId", "referenceId": "read"},
    ]
    answer = sf.restful("composite", method="POST", json={"compositeRequest": parts})
    replies = answer["compositeResponse"]
    assert [reply["httpStatusCode"] for reply in replies] == [201, 201, 200]
    assert replies[2]["body"]["WhoId"] == replies[0]["body"]["id"]


def test_a_person_is_a_campaign_member_once(sf: Any) -> None:
    campaign = sf.Campaign.create({"Name": "Fair"})["id"]
    lead = sf.Lead.create({"LastName": "Doe", "Company": "Acme"})["id"]
    member = {"CampaignId": campaign, "LeadId": lead, "Status": "Nonsense"}
    created = sf.CampaignMember.create(member)["id"]
    assert sf.CampaignMember.get(created)["Status"] == "Sent"
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.CampaignMember.create(member)
    assert refusal(caught) == (400, "DUPLICATE_VALUE")
    assert first(caught)["message"] == "Already a campaign member."


def test_a_duplicate_rule_shows_its_match(sf: Any, door: httpx.Client) -> None:
    door.put("/_simulator/config", json={"duplicate_rules": [{"sobject": "Lead"}]}).raise_for_status()
    lead = {"LastName": "Doe", "Company": "Acme", "Email": "jane@example.com"}
    existing = sf.Lead.create(lead)["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Lead.create({**lead, "Email": "JANE@example.com"})
    found = first(caught)
    result = found.get("duplicateResult") or found["duplicateResut"]
    assert result["matchResults"][0]["matchRecords"][0]["record"]["Id"] == existing
