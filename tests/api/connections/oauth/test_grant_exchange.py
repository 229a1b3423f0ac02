"""Answers of the token endpoint and the org to a new grant, hostile or broken; and where secrets are sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.config.settings import Settings
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure.database import Database
from salesforce_simulator.app import SimulatorApp
from tests.api.conftest import Service, running
from tests.api.connections.steps import code_for, grants
from tests.api.intercepting_transport import Change, Interceptor, cut, instead, with_body
from tests.tokens import TokenMint


@pytest.fixture
def interceptor(simulator: SimulatorApp) -> Interceptor:
    return Interceptor(httpx.ASGITransport(simulator))


@pytest.fixture
async def service(
    settings: Settings, database: Database, simulator: SimulatorApp, interceptor: Interceptor, mint: TokenMint
) -> AsyncIterator[Service]:
    async with running(settings, simulator, mint=mint, transport=interceptor) as service:
        yield service


async def fail_to_connect(service: Service) -> dict[str, Any]:
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    view = await service.attempt(attempt["attempt_id"])
    assert view["state"] == "failed", view
    assert (await service.card())["state"] == "not_connected"
    return view


HOSTILE_INSTANCES = [
    "https://evil.example",
    "https://otter.my.salesforce.com.evil.example",
    "https://evil.example#.my.salesforce.com",
    "https://evil.example/.my.salesforce.com",
    "https://evil.example\\.my.salesforce.com",
    "https://otter.my.salesforce.com@evil.example",
    "https://user:pw@otter.my.salesforce.com",
    "https://otter.my.salesforce.com:8443",
    "https://otter.my.salesforce.com/path",
    "https://otter.my.salesforce.com?x=1",
    "http://otter.my.salesforce.com",
    "https://my.salesforce.com",
    "https://.my.salesforce.com",
    "https://otter.lightning.force.com",
    "https://otter.my.site.com",
    "https://otter.force.com",
    "https://169.254.169.254",
    "https://[::1]",
    "http://127.0.0.1:8101",
    "http://127.0.0.1:8100@evil.example",
    "https://otter.my.salesforce.com\r\nHost: evil.example",
    "https://ottеr.my.salesforce.com",
    "ftp://otter.my.salesforce.com",
    "javascript:alert(1)",
    "//otter.my.salesforce.com",
]


@pytest.mark.parametrize("url", HOSTILE_INSTANCES)
async def test_token_is_never_sent_to_a_foreign_instance(
    service: Service, interceptor: Interceptor, url: str
) -> None:
    interceptor.changes["/oauth2/token"] = with_body(instance_url=url)
    view = await fail_to_connect(service)
    assert view["problem"]["code"] == "host_not_allowed"
    assert interceptor.hosts() == {"127.0.0.1:8100"}
    assert not any("authorization" in request.headers for request in interceptor.requests)


def token_change(**changed: Any) -> dict[str, Change]:
    return {"/oauth2/token": with_body(**changed)}


BAD_TOKEN = instead(403, text="Bad_OAuth_Token")
ELSEWHERE = instead(302, headers={"location": "https://evil.example"})
TOO_NEW = instead(200, json=[{"version": "99.0"}])
OTHER_ORG = with_body(organization_id="00D5g000004XyZaEAK")
FOREIGN_ID = "https://evil.example/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param(token_change(signature="AAAA"), "answer_not_genuine", id="forged signature"),
        pytest.param(token_change(signature=None), "answer_not_genuine", id="no signature"),
        pytest.param(token_change(id=FOREIGN_ID), "answer_not_genuine", id="identity changed"),
        pytest.param(token_change(refresh_token=None), "scope_missing", id="no refresh token"),
        pytest.param(token_change(access_token="a b"), "salesforce_away", id="unusable token"),
        pytest.param({"/oauth2/token": instead(200, html="<p>hi</p>")}, "salesforce_away", id="page"),
        pytest.param({"/oauth2/token": instead(503, html="<p>no</p>")}, "salesforce_away", id="maintenance"),
        pytest.param({"/oauth2/token": cut}, "salesforce_away", id="lost answer"),
        pytest.param({"/oauth2/token": ELSEWHERE}, "oauth_other", id="redirect"),
        pytest.param({"/id/": cut}, "salesforce_away", id="identity lost"),
        pytest.param({"/id/": OTHER_ORG}, "answer_not_genuine", id="other org"),
        pytest.param({"/id/": with_body(active=False)}, "user_inactive", id="inactive user"),
        pytest.param({"/id/": BAD_TOKEN}, "session_not_for_api", id="token refused"),
        pytest.param({"/services/data/v": cut}, "salesforce_away", id="query lost"),
        pytest.param({"/services/data/v": with_body(records=[])}, "salesforce_away", id="no organization"),
        pytest.param({"/services/data": TOO_NEW}, "api_version_missing", id="too new"),
    ],
)
async def test_answer_that_cannot_be_used_is_explained(
    service: Service, interceptor: Interceptor, changes: dict[str, Change], code: str
) -> None:
    interceptor.changes = changes
    assert (await fail_to_connect(service))["problem"]["code"] == code
    assert interceptor.hosts() == {"127.0.0.1:8100"}


async def come_back_with(service: Service, **also: str) -> dict[str, Any]:
    """Sign in, and come back with something more in the address."""
    attempt = await service.start()
    async with service.browser() as browser:
        back = httpx.URL(await code_for(service, browser, attempt["start_url"]))
        await browser.http.get(back.copy_merge_params(also))
    return await service.attempt(attempt["attempt_id"])


@pytest.mark.parametrize(
    "issuer",
    ["https://evil.example", "https://login.salesforce.com.evil.example", "http://127.0.0.1:8101", ""],
)
async def test_code_of_another_issuer_is_not_traded(
    service: Service, interceptor: Interceptor, issuer: str
) -> None:
    view = await come_back_with(service, iss=issuer)
    assert (view["state"], view["problem"]["code"]) == ("failed", "answer_not_genuine")
    assert interceptor.requests == []


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8100", "http://127.0.0.1:8100/"], ids=["as it is", "with a slash"]
)
async def test_issuer_that_is_where_the_attempt_began_is_taken(service: Service, issuer: str) -> None:
    is_taken = (await come_back_with(service, iss=issuer))["state"] == "confirming"
    assert is_taken == (not issuer.endswith("/"))


@pytest.mark.parametrize("issuer", ["https://acme.my.salesforce.com", "https://test.salesforce.com"])
async def test_issuer_of_another_org_or_login_host_is_not_taken_and_leaves_no_grant(
    service: Service, interceptor: Interceptor, issuer: str
) -> None:
    view = await come_back_with(service, iss=issuer)
    assert (view["state"], view["problem"]["code"]) == ("failed", "answer_not_genuine")
    assert grants(service) == []
    assert (await service.card())["state"] == "not_connected"


async def test_exchange_carries_verifier_and_secret_in_the_body(
    service: Service, interceptor: Interceptor
) -> None:
    await service.connect()
    [exchange] = [request for request in interceptor.requests if request.url.path.endswith("/token")]
    body = exchange.content.decode()
    assert "code_verifier=" in body
    assert "client_secret=" in body
    assert exchange.url.query == b""


async def test_fifty_calls_on_an_expired_session_renew_once_under_rotation(
    service: Service, interceptor: Interceptor
) -> None:
    service.configure(rotation=True)
    await service.connect()
    for round_number in range(1, 4):
        service.simulator.simulator.default_org.grants.expire_all()
        used = await ConnectionTokens(service.resources, "host_a").current()
        sources = [ConnectionTokens(service.resources, "host_a") for _ in range(5)]
        tokens = await asyncio.gather(*(sources[number % 5].renew(used) for number in range(50)))
        assert {token.version for token in tokens} == {used.version + 1}
        refreshes = [
            request for request in interceptor.requests if b"grant_type=refresh_token" in request.content
        ]
        assert len(refreshes) == round_number
    assert (await service.card())["state"] == "connected"
