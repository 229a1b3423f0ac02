"""An org that moved: one renewal names its new place, one repeat goes there, no redirect is followed."""

from typing import Any

import httpx
import pytest

from app.salesforce.auth import AccessToken, RefreshUnavailable, SessionAuth
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import HostUnreachable, RequestRejected

OLD, NEW = "https://acme.my.salesforce.com", "https://otter.my.salesforce.com"
LEAD = {"id": "00Q5g00000AbCdEEAV", "success": True, "errors": []}
GONE = [{"errorCode": "ORG_NOT_OWNED_BY_INSTANCE", "message": "no longer here"}]


class Tokens:
    def __init__(self, place: str = NEW, *, is_away: bool = False) -> None:
        self.token = AccessToken("00D!one", 1, OLD)
        self.place, self.is_away, self.renewals = place, is_away, 0

    async def current(self) -> AccessToken:
        return self.token

    async def renew(self, used: AccessToken) -> AccessToken:
        self.renewals += 1
        if self.is_away:
            raise RefreshUnavailable("away")
        self.token = AccessToken("00D!two", used.version + 1, self.place)
        return self.token


class Org:
    """Answers at its new place; at the old one as `old` says."""

    def __init__(self, old: Any) -> None:
        self.old, self.seen = old, list[tuple[str, str]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.url.host, request.headers.get("Authorization", "")))
        if request.url.host == "otter.my.salesforce.com":
            return httpx.Response(201, json=LEAD)
        if isinstance(self.old, Exception):
            raise self.old
        return httpx.Response(**self.old)


def client(http: httpx.AsyncClient, tokens: Tokens) -> SalesforceClient:
    return SalesforceClient(http, SessionAuth(tokens), instance_url=OLD, api_version="62.0")


MOVED = {
    "301": {"status_code": 301, "headers": {"Location": "https://evil.example/"}},
    "302": {"status_code": 302, "headers": {"Location": NEW}},
    "307": {"status_code": 307, "headers": {"Location": NEW}},
    "named": {"status_code": 400, "json": GONE},
    "page": {"status_code": 404, "text": "<html>URL No Longer Exists"},
    "dead host": httpx.ConnectError("no such name"),
}


@pytest.mark.parametrize("old", MOVED.values(), ids=MOVED)
async def test_request_is_repeated_once_where_the_renewal_says(old: Any) -> None:
    org, tokens = Org(old), Tokens()
    async with httpx.AsyncClient(transport=httpx.MockTransport(org)) as http:
        found = client(http, tokens)
        assert await found.create("Lead", {"LastName": "Otter"}) == LEAD["id"]
        assert (found.instance_url, tokens.renewals) == (NEW, 1)
        await found.create("Lead", {"LastName": "Otter"})
    assert org.seen == [
        ("acme.my.salesforce.com", "Bearer 00D!one"),
        ("otter.my.salesforce.com", "Bearer 00D!two"),
        ("otter.my.salesforce.com", "Bearer 00D!two"),
    ]


@pytest.mark.parametrize("old", [MOVED["301"], MOVED["named"], MOVED["page"]], ids=["301", "named", "page"])
async def test_org_whose_renewal_names_no_other_place_is_refused(old: Any) -> None:
    org, tokens = Org(old), Tokens(OLD)
    async with httpx.AsyncClient(transport=httpx.MockTransport(org)) as http:
        with pytest.raises(RequestRejected):
            await client(http, tokens).create("Lead", {})
    assert (tokens.renewals, {host for host, _ in org.seen}) == (1, {"acme.my.salesforce.com"})


@pytest.mark.parametrize("tokens", [Tokens(OLD), Tokens(is_away=True)], ids=["same place", "no answer"])
async def test_host_that_is_merely_away_stays_unreachable(tokens: Tokens) -> None:
    org = Org(MOVED["dead host"])
    async with httpx.AsyncClient(transport=httpx.MockTransport(org)) as http:
        with pytest.raises(HostUnreachable):
            await client(http, tokens).create("Lead", {})
    assert {host for host, _ in org.seen} == {"acme.my.salesforce.com"}
