"""The client: what it sends, what it counts, how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import QueryPage, create_request, query_request
from app.salesforce.errors import DuplicateMatch, NotSent, RequestRejected, ResponseLost
from app.salesforce.ids import MalformedId
from app.salesforce.responses import ApiUsage

ORG = "https://acme.my.salesforce.com"
DATA = f"{ORG}/services/data/v62.0"
LEAD = "00Q5g00000AbCdE"
SOQL = "SELECT Id FROM Lead"
CREATED = {"id": "003RM0000068xVCYAY", "success": True, "errors": []}
USAGE = {"Sforce-Limit-Info": "api-usage=18/5000"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def org() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def client(http: httpx.AsyncClient, org: respx.MockRouter) -> SalesforceClient:
    return SalesforceClient(http, None, instance_url=f"{ORG}/", api_version="62.0")


def sent(route: respx.Route) -> httpx.Request:
    request: httpx.Request = route.calls.last.request
    return request


def lead(number: int) -> dict[str, Any]:
    return {
        "attributes": {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{number}"},
        "Id": str(number),
    }


def page(*records: dict[str, Any], next_url: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"totalSize": 3, "done": next_url is None, "records": list(records)}
    return body if next_url is None else body | {"nextRecordsUrl": next_url}


async def test_a_query_is_asked_by_url_with_its_plus_signs_escaped(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    soql = "SELECT Id FROM Lead WHERE Email = 'a+b@acme.example'"
    route = org.get(f"{DATA}/query", params={"q": soql}).respond(json=page(lead(1)), headers=USAGE)
    assert await client.query(soql) == [lead(1)]
    assert b"a%2Bb%40acme.example" in sent(route).url.raw_path
    assert client.calls == 1
    assert client.usage == ApiUsage(18, 5000)


async def test_a_query_follows_its_pages_and_counts_each(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    second, third = "/services/data/v62.0/query/01gX-2000", "/services/data/v62.0/query/01gX-4000"
    org.get(f"{DATA}/queryAll").respond(json=page(lead(1), next_url=second))
    org.get(f"{ORG}{second}").respond(json=page(lead(2), next_url=third))
    org.get(f"{ORG}{third}").respond(json=page(lead(3)))
    assert await client.query("SELECT Id FROM Lead", include_deleted=True) == [lead(1), lead(2), lead(3)]
    assert client.calls == 3


async def test_a_query_that_never_ends_is_given_up(client: SalesforceClient, org: respx.MockRouter) -> None:
    again = "/services/data/v62.0/query/01gX-2000"
    org.get(f"{ORG}{again}").respond(json=page(next_url=again))
    with pytest.raises(ResponseLost, match="1000 pages"):
        await client.all_records(QueryPage([], again))


async def test_a_long_query_travels_in_a_composite(client: SalesforceClient, org: respx.MockRouter) -> None:
    soql = f"SELECT Id FROM Lead WHERE Email IN ('{'x' * 8000}')"
    entry = {"body": page(lead(1)), "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "query"}
    route = org.post(f"{DATA}/composite").respond(json={"compositeResponse": [entry]})
    assert await client.query(soql) == [lead(1)]
    [request] = json.loads(sent(route).content)["compositeRequest"]
    assert len(request["url"]) > 8000
    assert client.calls == 1


async def test_a_refused_query_is_not_an_empty_one(client: SalesforceClient, org: respx.MockRouter) -> None:
    body = [{"message": "unexpected token: 'invalid'", "errorCode": "MALFORMED_QUERY"}]
    org.get(f"{DATA}/query").respond(400, json=body)
    with pytest.raises(RequestRejected) as refused:
        await client.query("invalid")
    assert refused.value.failure.error_code == "MALFORMED_QUERY"


async def test_every_request_names_the_client_and_asks_for_gzip(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    route = org.get(f"{DATA}/query").respond(json=page(lead(1)))
    assert await client.query(SOQL) == [lead(1)]
    headers = sent(route).headers
    assert headers["Sforce-Call-Options"] == "client=eventship-salesforce"
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Accept"] == "application/json"


async def test_a_create_gives_the_id(client: SalesforceClient, org: respx.MockRouter) -> None:
    route = org.post(f"{DATA}/sobjects/Contact").respond(201, json=CREATED)
    assert await client.create("Contact", {"LastName": "O'Brien"}, headers={"X-Own": "1"}) == CREATED["id"]
    request = sent(route)
    assert json.loads(request.content) == {"LastName": "O'Brien"}
    assert request.headers["X-Own"] == "1"
    assert "Sforce-Duplicate-Rule-Header" not in request.headers
    assert "Sforce-Auto-Assign" not in request.headers


async def test_a_create_that_meets_a_duplicate_rule_names_the_match(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    record = {"attributes": {"type": "Contact"}, "Id": "0031i000013x2TEAAY"}
    result = {
        "allowSave": False,
        "matchResults": [{"entityType": "Contact", "matchRecords": [{"record": record}]}],
    }
    body = [{"duplicateResut": result, "errorCode": "DUPLICATES_DETECTED", "message": "duplicate"}]
    org.post(f"{DATA}/sobjects/Lead").respond(400, json=body)
    with pytest.raises(RequestRejected) as refused:
        await client.create("Lead", {"LastName": "x"})
    assert refused.value.failure.matches == (DuplicateMatch("Contact", "0031i000013x2TEAAY"),)
    assert client.calls == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(201, json={"success": True}), id="no-id"),
        pytest.param(httpx.Response(201, json=[CREATED]), id="array"),
        pytest.param(httpx.Response(201, content=b'{"id":"003'), id="cut-off"),
        pytest.param(httpx.Response(200, html="<html>"), id="html"),
        pytest.param(httpx.Response(500, html="<html>"), id="500-html"),
    ],
)
async def test_a_create_without_a_readable_answer_is_lost(
    client: SalesforceClient, org: respx.MockRouter, answer: httpx.Response
) -> None:
    org.post(f"{DATA}/sobjects/Lead").mock(return_value=answer)
    with pytest.raises(ResponseLost):
        await client.create("Lead", {"LastName": "x"})
    assert client.calls == 1


async def test_an_update_runs_no_assignment_rules(client: SalesforceClient, org: respx.MockRouter) -> None:
    route = org.patch(url__regex=rf"{DATA}/sobjects/Lead/{LEAD}\w{{3}}$").respond(204)
    await client.update("Lead", LEAD, {"Title": "x"})
    assert sent(route).headers["Sforce-Auto-Assign"] == "FALSE"
    with pytest.raises(MalformedId):
        await client.update("Lead", "../Contact", {})


async def test_a_describe_is_typed(client: SalesforceClient, org: respx.MockRouter) -> None:
    body = {
        "name": "Task",
        "label": "Task",
        "createable": True,
        "updateable": True,
        "queryable": True,
        "fields": [],
    }
    org.get(f"{DATA}/sobjects/Task/describe").respond(json=body)
    assert (await client.describe("Task")).name == "Task"


async def test_versions_are_asked_without_a_token_and_are_not_counted(
    http: httpx.AsyncClient, org: respx.MockRouter
) -> None:
    client = SalesforceClient(http, httpx.BasicAuth("user", "password"), instance_url=ORG, api_version="62.0")
    route = org.get(f"{ORG}/services/data").respond(
        json=[{"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}, {"label": "odd"}]
    )
    assert await client.versions() == ["67.0"]
    assert "Authorization" not in sent(route).headers
    assert client.calls == 0
    route.respond(json={})
    with pytest.raises(ResponseLost):
        await client.versions()


async def test_the_identity_is_typed_and_not_counted(client: SalesforceClient, org: respx.MockRouter) -> None:
    url = "https://login.salesforce.com/id/00D5g000004XyZaEAK/0055g00000AbCdE"
    org.get(url).respond(
        json={"user_id": "0055g00000AbCdE", "organization_id": "00D5g000004XyZa", "active": True}
    )
    assert (await client.identity(url)).is_active
    assert client.calls == 0


async def test_an_unusable_identity_url_is_not_sent(client: SalesforceClient) -> None:
    with pytest.raises(NotSent):
        await client.identity("https://login.salesforce.com/\x00")


async def test_a_composite_is_one_call_whatever_it_holds(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    requests = [
        query_request("people", "SELECT Id FROM Lead", api_version="62.0"),
        create_request("task", "Task", {"Subject": "x"}, api_version="62.0"),
    ]
    entries = [
        {"body": page(), "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "people"},
        {"body": CREATED, "httpHeaders": {"Location": "/x"}, "httpStatusCode": 201, "referenceId": "task"},
    ]
    route = org.post(f"{DATA}/composite").respond(json={"compositeResponse": entries})
    answers = await client.composite(requests)
    assert [answer.status for answer in answers] == [200, 201]
    assert json.loads(sent(route).content)["allOrNone"] is False
    assert client.calls == 1


async def test_a_composite_beyond_the_caps_is_never_sent(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    queries = [query_request(f"q{n}", "SELECT Id FROM Lead", api_version="62.0") for n in range(6)]
    with pytest.raises(ValueError, match="up to 5"):
        await client.composite(queries)
    assert not org.calls


@pytest.mark.parametrize(
    ("error", "ending", "calls"),
    [
        pytest.param(httpx.ConnectError("x"), NotSent, 0, id="connect"),
        pytest.param(httpx.ReadTimeout("x"), ResponseLost, 1, id="read-timeout"),
    ],
)
async def test_only_what_left_the_socket_is_counted(
    client: SalesforceClient,
    org: respx.MockRouter,
    error: httpx.TransportError,
    ending: type[Exception],
    calls: int,
) -> None:
    org.post(f"{DATA}/sobjects/Lead").mock(side_effect=error)
    with pytest.raises(ending):
        await client.create("Lead", {"LastName": "x"})
    assert client.calls == calls


async def test_the_usage_of_an_earlier_answer_stays_until_a_newer_one(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    route = org.get(f"{DATA}/query").respond(json=page(), headers=USAGE)
    await client.query(SOQL)
    route.respond(json=page())
    await client.query(SOQL)
    assert client.usage == ApiUsage(18, 5000)
    limited = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    route.respond(403, json=limited, headers={"Sforce-Limit-Info": "api-usage=5001/5000"})
    with pytest.raises(RequestRejected) as refused:
        await client.query(SOQL)
    assert refused.value.failure.is_daily_limit
    assert client.usage == ApiUsage(5001, 5000)


async def test_a_redirect_is_refused_and_not_followed(
    client: SalesforceClient, org: respx.MockRouter
) -> None:
    org.get(f"{DATA}/query").respond(302, headers={"Location": "https://evil.example/"})
    with pytest.raises(RequestRejected) as refused:
        await client.query(SOQL)
    assert refused.value.failure.error_code == "REDIRECTED"
    assert len(org.calls) == 1


async def test_cancellation_is_not_an_answer(client: SalesforceClient, org: respx.MockRouter) -> None:
    def cancel(request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    org.get(f"{DATA}/query").mock(side_effect=cancel)
    with pytest.raises(asyncio.CancelledError):
        await client.query(SOQL)
