"""Personalised registration links: for one record, and for the members of a campaign."""

import csv
import io
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import update

from app.models import Connection, Event
from app.registrations import campaign_links
from app.registrations.export import MARK
from app.salesforce.ids import to18
from tests.api.answers import problem
from tests.api.campaigns.dashboard import CampaignDashboard, TransactionProbe
from tests.tokens import TokenMint

E = "/v1/hosts/host_a/events/evt_otters/salesforce"
PAGE = "https://events.example/otters?utm_source=mail#tickets"
LEAD, CONTACT, ACCOUNT, CASE = ("00Q5g00000AbCdE", "0035g00000AbCdE", "0015g00000AbCdE", "5005g00000AbCdE")


@pytest.fixture
async def published(dashboard: CampaignDashboard) -> CampaignDashboard:
    async with dashboard.database.system() as session:
        await session.execute(update(Event).values(url=PAGE))
    return dashboard


async def link_for(dashboard: CampaignDashboard, salesforce_id: str, **more: Any) -> httpx.Response:
    return await dashboard.http.get(f"{E}/links", params={"salesforce_id": salesforce_id}, **more)


async def file_of(dashboard: CampaignDashboard, campaign_id: str) -> httpx.Response:
    return await dashboard.http.get(f"{E}/links.csv", params={"campaign_id": campaign_id})


def rows_of(answer: httpx.Response) -> dict[str, str]:
    """Record id -> link; fails for one that stands twice."""
    assert answer.status_code == 200, answer.text
    text = answer.content.decode()
    assert text.startswith(MARK)
    head, *rows = csv.reader(io.StringIO(text.removeprefix(MARK), newline=""))
    assert head == ["salesforce_id", "url"]
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def personal(record_id: str) -> str:
    return f"https://events.example/otters?utm_source=mail&salesforce_id={record_id}#tickets"


@pytest.mark.parametrize(
    ("record_id", "merge_field"),
    [
        (LEAD, "{{{Recipient.Id}}}"),
        (CONTACT, "{{{Recipient.Id}}}"),
        (ACCOUNT, "{{{Recipient.Id}}}"),
        (CASE, "{{{Case.Id}}}"),
    ],
)
async def test_link_names_the_record_and_the_snippet_whoever_gets_the_e_mail(
    published: CampaignDashboard, record_id: str, merge_field: str
) -> None:
    long = to18(record_id)
    for given in (record_id, long):
        answer = await link_for(published, given)
        assert answer.status_code == 200
        assert answer.json() == {"url": personal(long), "snippet": personal(merge_field)}


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("", "is not a Salesforce id of 15 or 18 characters"),
        ("00Q5g00000AbCd", "is not a Salesforce id of 15 or 18 characters"),
        ("00Q5g00000AbCdEAAA", "is not a Salesforce id: its last three characters do not fit"),
        ("7015g00000AbCdE", "is not the id of a Lead, Contact, Account or Case"),
        ("a005g00000AbCdE", "is not the id of a Lead, Contact, Account or Case"),
    ],
)
async def test_id_that_no_registration_may_name_is_refused(
    published: CampaignDashboard, pasted: str, message: str
) -> None:
    answer = await link_for(published, pasted)
    assert problem(answer) == (422, "PayloadInvalid")
    assert answer.json()["errors"] == [{"path": "query.salesforce_id", "message": message}]


async def test_event_without_a_page_has_no_links(dashboard: CampaignDashboard, campaign_id: str) -> None:
    one, many = await link_for(dashboard, LEAD), await file_of(dashboard, campaign_id)
    assert problem(one) == problem(many) == (409, "EventUrlMissing")
    assert one.json()["advice"]["code"] == "event_url_missing"
    assert dashboard.probe.sent == 0


async def test_event_that_is_not_there_has_no_links(published: CampaignDashboard, campaign_id: str) -> None:
    for path in (f"links?salesforce_id={LEAD}", f"links.csv?campaign_id={campaign_id}"):
        answer = await published.http.get(f"{E.replace('evt_otters', 'evt_nobody')}/{path}")
        assert problem(answer) == (404, "EventNotFound")


async def test_member_gets_a_link_but_not_the_file(
    published: CampaignDashboard, mint: TokenMint, campaign_id: str
) -> None:
    published.http.headers.update(mint.headers(hosts={"host_a": "member"}))
    assert (await link_for(published, LEAD)).status_code == 200
    assert problem(await file_of(published, campaign_id)) == (403, "RoleInsufficient")


async def test_link_of_one_record_needs_no_connection(published: CampaignDashboard) -> None:
    async with published.database.system() as session:
        await session.execute(update(Connection).values(state="disconnected", refresh_token=None))
    assert (await link_for(published, LEAD)).status_code == 200


async def test_file_has_ids_and_links_of_all_members(published: CampaignDashboard, campaign_id: str) -> None:
    org = published.org
    [lead, converted, _] = await org.seed(
        "Lead", *({"LastName": f"=Otter{n}", "Company": "O"} for n in range(3))
    )
    [contact] = await org.seed("Contact", {"LastName": "Mary"})
    members = [{"LeadId": lead}, {"ContactId": contact}, {"LeadId": converted, "ContactId": contact}]
    await org.seed(
        "CampaignMember", *({"CampaignId": campaign_id, "Status": "Sent", **each} for each in members)
    )
    other = await org.campaign("Another")
    await org.seed("CampaignMember", {"CampaignId": other, "Status": "Sent", "LeadId": converted})
    before = (await org.calls())["total"]
    answer = await file_of(published, campaign_id[:15])
    assert rows_of(answer) == {each: personal(each) for each in (lead, contact)}
    assert (await org.calls())["total"] - before == 1
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == (
        "no-store", "text/csv; charset=utf-8",
    )  # fmt: skip
    assert answer.headers["content-disposition"] == 'attachment; filename="links-evt_otters.csv"'
    assert "Otter" not in answer.text.replace("otters", "")
    details = {"event_id": "evt_otters", "campaign_id": campaign_id}
    assert await published.actions() == [("salesforce.links_exported", details)]


async def test_nothing_of_a_person_is_read(
    published: CampaignDashboard, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[dict[str, Any]] = []

    async def recorded(probe: TransactionProbe, request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return await published.org.transport.handle_async_request(request)

    monkeypatch.setattr(TransactionProbe, "handle_async_request", recorded)
    await file_of(published, campaign_id)
    [body] = bodies
    queries = [parse_qs(urlsplit(each["url"]).query)["q"][0] for each in body["compositeRequest"]]
    assert queries == [
        f"SELECT Id FROM Campaign WHERE Id = '{campaign_id}'",
        f"SELECT LeadId, ContactId FROM CampaignMember WHERE CampaignId = '{campaign_id}' "
        "ORDER BY ContactId, LeadId",
    ]


async def test_empty_campaign_is_a_file_with_its_head(published: CampaignDashboard, campaign_id: str) -> None:
    assert rows_of(await file_of(published, campaign_id)) == {}


async def test_members_are_read_in_pages_and_each_call_is_counted(
    published: CampaignDashboard, campaign_id: str
) -> None:
    ids = await add_members(published, campaign_id, 2001)
    before = (await published.org.calls())["total"]
    assert rows_of(await file_of(published, campaign_id)) == {each: personal(each) for each in ids}
    spent = (await published.org.calls())["total"] - before
    [connection] = await published.rows(Connection)
    assert (spent, connection.calls_today) == (2, 2)
    assert published.probe.open_transactions == []


async def add_members(dashboard: CampaignDashboard, campaign_id: str, number: int) -> list[str]:
    ids = await dashboard.org.seed("Lead", *({"LastName": f"O{n}", "Company": "O"} for n in range(number)))
    members = ({"CampaignId": campaign_id, "LeadId": each, "Status": "Sent"} for each in ids)
    await dashboard.org.seed("CampaignMember", *members)
    return ids


async def test_file_breaks_off_where_salesforce_stops(published: CampaignDashboard, campaign_id: str) -> None:
    """An end that looks whole would leave people without a link; the calls are counted all the same."""
    await add_members(published, campaign_id, 2001)
    sent = 0

    async def refuse_the_second() -> None:
        nonlocal sent
        sent += 1
        if sent == 2:
            await published.org.fault("error", status=400, error_code="INVALID_QUERY_LOCATOR", message="gone")

    published.probe.meanwhile = refuse_the_second
    with pytest.raises(RuntimeError, match="response already started"):
        await file_of(published, campaign_id)
    [connection] = await published.rows(Connection)
    assert connection.calls_today == 2


async def test_campaign_with_too_many_members_is_refused_after_one_call(
    published: CampaignDashboard, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_links, "MEMBERS_MAX", 2)
    await add_members(published, campaign_id, 3)
    before = (await published.org.calls())["total"]
    answer = await file_of(published, campaign_id)
    assert problem(answer) == (409, "CampaignTooLarge")
    assert answer.json()["advice"]["code"] == "campaign_too_large"
    assert (await published.org.calls())["total"] - before == 1
    assert await published.actions() == []


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("nothing", "format"),
        (f"{LEAD}", "format"),
        ("7015g000000XyZaAAA", "checksum"),
        ("7015g000000XyZa", "not_found"),
    ],
)
async def test_campaign_id_that_cannot_be_used_says_why(
    published: CampaignDashboard, pasted: str, reason: str
) -> None:
    answer = await file_of(published, pasted)
    assert problem(answer) == (400, "CampaignIdInvalid")
    assert answer.json()["reason"] == reason
    assert answer.json()["advice"]["title"] == "Invalid Campaign Id"


async def test_user_who_sees_no_campaigns_is_reported(published: CampaignDashboard, campaign_id: str) -> None:
    await published.org.configure(hidden_objects=["Campaign", "CampaignMember"])
    assert problem(await file_of(published, campaign_id)) == (409, "CampaignsNotReadable")
