"""The guard before each send, and the session that is renewed between two."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import respx

from app.salesforce.auth import AccessToken, SessionAuth
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import SendGuardTripped
from tests.unit.salesforce.scripted_network import ScriptedNetwork

ORG = "https://acme.my.salesforce.com"
DATA = f"{ORG}/services/data/v62.0"
CREATED = {"id": "003RM0000068xVCYAY", "success": True, "errors": []}
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def org() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router


class Tokens:
    """Renews once; counts what it was asked."""

    def __init__(self) -> None:
        self.renewed = 0

    async def current(self) -> AccessToken:
        return AccessToken("00D!one", 1, ORG)

    async def renew(self, used: AccessToken) -> AccessToken:
        self.renewed += 1
        return AccessToken("00D!two", 2, ORG)


def guarded(http: httpx.AsyncClient, before_send: Callable[[], None]) -> SalesforceClient:
    return SalesforceClient(
        http, SessionAuth(Tokens()), instance_url=ORG, api_version="62.0", before_send=before_send
    )


async def test_an_expired_session_is_renewed_and_the_guard_asked_before_each_send(
    http: httpx.AsyncClient, org: respx.MockRouter
) -> None:
    guard_calls: list[None] = []
    client = guarded(http, lambda: guard_calls.append(None))
    route = org.post(f"{DATA}/sobjects/Lead")
    route.side_effect = [httpx.Response(401, json=EXPIRED), httpx.Response(201, json=CREATED)]
    assert await client.create("Lead", {"LastName": "x"}) == CREATED["id"]
    assert len(guard_calls) == 2
    assert [call.request.headers["Authorization"] for call in route.calls] == [
        "Bearer 00D!one",
        "Bearer 00D!two",
    ]
    assert [json.loads(call.request.content) for call in route.calls] == [{"LastName": "x"}] * 2
    assert client.calls == 1


async def test_a_guard_that_trips_before_the_resend_stops_it(
    http: httpx.AsyncClient, org: respx.MockRouter
) -> None:
    guard_calls: list[None] = []

    def before_send() -> None:
        guard_calls.append(None)
        if len(guard_calls) == 2:
            raise SendGuardTripped("the lease is no longer certain")

    client = guarded(http, before_send)
    route = org.post(f"{DATA}/sobjects/Lead").respond(401, json=EXPIRED)
    with pytest.raises(SendGuardTripped):
        await client.create("Lead", {"LastName": "x"})
    assert route.call_count == 1
    assert client.calls == 0


async def test_the_guard_is_called_again_once_the_connection_is_open() -> None:
    guard_calls: list[None] = []
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n{"done": true, "records": []}'
    async with ScriptedNetwork([[answer]]).client() as http:
        client = SalesforceClient(
            http, None, instance_url=ORG, api_version="62.0", before_send=lambda: guard_calls.append(None)
        )
        await client.query("SELECT Id FROM Lead")
    assert len(guard_calls) == 2
