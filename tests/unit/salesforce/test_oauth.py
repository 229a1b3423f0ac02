"""OAuth: what is sent where, and how it ends."""

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from app.salesforce import oauth
from app.salesforce.oauth import OAuthError, OAuthNotSent, OAuthRejected, OAuthResponseLost, TokenResponse

LOGIN = "https://login.salesforce.com"
TOKEN_URL = f"{LOGIN}/services/oauth2/token"
IDENTITY_URL = f"{LOGIN}/id/00D5g000004XyZaEAK/0055g00000AbCdE"
TOKENS: dict[str, Any] = {
    "access_token": "00Dxx0000001gPL!AQtoken",
    "refresh_token": "5Aep861token",
    "signature": "kYsZ=",
    "scope": "refresh_token api id",
    "instance_url": "https://acme.my.salesforce.com",
    "id": IDENTITY_URL,
    "token_type": "Bearer",
    "issued_at": "1708058728442",
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def service() -> Any:
    with respx.mock() as router:
        yield router


async def exchange(http: httpx.AsyncClient, client_secret: str | None = "s3cret") -> TokenResponse:
    return await oauth.exchange_code(
        http,
        LOGIN,
        code="aPrx==",
        client_id="3MVG",
        client_secret=client_secret,
        redirect_uri="https://eventship.example/callback",
        code_verifier="v" * 43,
    )


async def renew(http: httpx.AsyncClient, client_secret: str | None = "s3cret") -> TokenResponse:
    return await oauth.refresh(
        http, LOGIN, refresh_token="5Aep861token", client_id="3MVG", client_secret=client_secret
    )


def form(route: respx.Route) -> dict[str, str]:
    return dict(parse_qsl(route.calls.last.request.content.decode(), keep_blank_values=True))


def test_the_authorize_url_asks_for_a_code_with_pkce() -> None:
    url = oauth.authorize_url(
        LOGIN,
        client_id="3MVG.a",
        redirect_uri="https://eventship.example/callback?x=1",
        scope="api refresh_token",
        state="s+/=",
        code_challenge="c",
        prompt="login consent",
        display="popup",
    )
    assert url.startswith(f"{LOGIN}/services/oauth2/authorize?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["3MVG.a"],
        "redirect_uri": ["https://eventship.example/callback?x=1"],
        "scope": ["api refresh_token"],
        "state": ["s+/="],
        "code_challenge": ["c"],
        "code_challenge_method": ["S256"],
        "prompt": ["login consent"],
        "display": ["popup"],
    }


def test_the_challenge_is_the_one_of_rfc_7636() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifiers_are_long_and_never_the_same() -> None:
    verifiers = {oauth.new_code_verifier() for _ in range(20)}
    assert len(verifiers) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,128}", verifier) for verifier in verifiers)


async def test_a_code_is_traded_in_the_body_and_never_in_the_url(
    http: httpx.AsyncClient, service: respx.MockRouter
) -> None:
    route = service.post(TOKEN_URL).respond(json=TOKENS)
    tokens = await exchange(http)
    assert form(route) == {
        "grant_type": "authorization_code",
        "code": "aPrx==",
        "client_id": "3MVG",
        "client_secret": "s3cret",
        "redirect_uri": "https://eventship.example/callback",
        "code_verifier": "v" * 43,
    }
    assert route.calls.last.request.url.query == b""
    assert tokens.refresh_token == "5Aep861token"
    assert tokens.instance_url == "https://acme.my.salesforce.com"
    assert tokens.identity_url == IDENTITY_URL
    assert tokens.issued_at == datetime(2024, 2, 16, 4, 45, 28, 442000, UTC)


async def test_a_public_client_sends_no_secret(http: httpx.AsyncClient, service: respx.MockRouter) -> None:
    route = service.post(TOKEN_URL).respond(json=TOKENS)
    await exchange(http, client_secret=None)
    assert "client_secret" not in form(route)


async def test_a_refresh_without_rotation_has_no_refresh_token(
    http: httpx.AsyncClient, service: respx.MockRouter
) -> None:
    answer = {key: value for key, value in TOKENS.items() if key != "refresh_token"}
    route = service.post(TOKEN_URL).respond(json=answer)
    assert (await renew(http)).refresh_token is None
    assert form(route) == {
        "grant_type": "refresh_token",
        "refresh_token": "5Aep861token",
        "client_id": "3MVG",
        "client_secret": "s3cret",
    }


async def test_an_unreadable_issue_time_is_no_reason_to_lose_a_token(
    http: httpx.AsyncClient, service: respx.MockRouter
) -> None:
    service.post(TOKEN_URL).respond(json=TOKENS | {"issued_at": "soon"})
    assert datetime.now(UTC) - (await renew(http)).issued_at < timedelta(minutes=1)


def test_no_secret_is_shown() -> None:
    tokens = TokenResponse("00D!a", "5Aep", "https://x", IDENTITY_URL, "api", datetime.now(UTC), "sig=")
    assert not {"00D!a", "5Aep", "sig="} & set(re.findall(r"'([^']*)'", repr(tokens)))


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        pytest.param(
            httpx.Response(
                400, json={"error": "invalid_grant", "error_description": "expired access/refresh token"}
            ),
            "invalid_grant",
            400,
            id="dead-grant",
        ),
        pytest.param(
            httpx.Response(
                400, json={"error": "app_not_found", "error_description": "External client app is not"}
            ),
            "app_not_found",
            400,
            id="package-missing",
        ),
        pytest.param(
            httpx.Response(503, json={"error": "unavailable"}), "unavailable", 503, id="503-with-error"
        ),
        pytest.param(httpx.Response(403, html="<html>no</html>"), "http_403", 403, id="403-html"),
        pytest.param(httpx.Response(404, json=[]), "http_404", 404, id="404-json"),
        pytest.param(
            httpx.Response(302, headers={"Location": "https://evil.example"}), "http_302", 302, id="redirect"
        ),
    ],
)
async def test_a_complete_no_is_a_refusal(
    http: httpx.AsyncClient, service: respx.MockRouter, answer: httpx.Response, error: str, status: int
) -> None:
    service.post(TOKEN_URL).mock(return_value=answer)
    with pytest.raises(OAuthRejected) as refused:
        await renew(http)
    assert (refused.value.error, refused.value.http_status) == (error, status)
    assert str(refused.value).startswith(error)


async def test_a_no_that_repeats_what_it_was_given_does_not_hand_it_on(
    http: httpx.AsyncClient, service: respx.MockRouter
) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        words = f"cannot read {request.content.decode()}"
        return httpx.Response(400, json={"error": "invalid_request", "error_description": words})

    service.post(TOKEN_URL).mock(side_effect=echo)
    with pytest.raises(OAuthRejected) as refused:
        await renew(http)
    [sent] = [httpx.QueryParams(call.request.content.decode()) for call in service.calls]
    assert "grant_type=refresh_token" in refused.value.description
    assert sent["refresh_token"] not in str(refused.value)
    assert "refresh_token=***" in refused.value.description


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(500, html="<html>"), id="500-html"),
        pytest.param(httpx.Response(502), id="502-empty"),
        pytest.param(httpx.Response(200, html="<html>"), id="200-html"),
        pytest.param(httpx.Response(200, content=b'{"access_tok'), id="cut-off"),
        pytest.param(httpx.Response(200, json=[TOKENS]), id="array"),
        pytest.param(httpx.Response(200, json=TOKENS | {"access_token": ""}), id="no-token"),
        pytest.param(httpx.Response(200, json=TOKENS | {"access_token": "a\r\nX: y"}), id="header-injection"),
        pytest.param(httpx.Response(200, json=TOKENS | {"access_token": "tökén"}), id="token-not-ascii"),
        pytest.param(httpx.Response(200, json=TOKENS | {"instance_url": None}), id="no-instance"),
        pytest.param(httpx.Response(200, content=b" " * 300_000), id="too-large"),
    ],
)
async def test_an_unreadable_answer_is_lost(
    http: httpx.AsyncClient, service: respx.MockRouter, answer: httpx.Response
) -> None:
    service.post(TOKEN_URL).mock(return_value=answer)
    with pytest.raises(OAuthResponseLost):
        await renew(http)


@pytest.mark.parametrize(
    ("error", "ending"),
    [(httpx.ConnectError("x"), OAuthNotSent), (httpx.ReadTimeout("x"), OAuthResponseLost)],
    ids=["connect", "read-timeout"],
)
async def test_broken_connections_are_sorted(
    http: httpx.AsyncClient, service: respx.MockRouter, error: httpx.TransportError, ending: type[OAuthError]
) -> None:
    service.post(TOKEN_URL).mock(side_effect=error)
    with pytest.raises(ending):
        await renew(http)


async def test_an_unusable_host_is_not_sent(http: httpx.AsyncClient) -> None:
    with pytest.raises(OAuthNotSent):
        await oauth.revoke(http, "https://login\x00", "token")


async def test_a_token_is_revoked_in_the_body(http: httpx.AsyncClient, service: respx.MockRouter) -> None:
    route = service.post(f"{LOGIN}/services/oauth2/revoke").respond(200)
    await oauth.revoke(http, LOGIN, "5Aep861token")
    assert form(route) == {"token": "5Aep861token"}
    route.respond(400, json={"error": "invalid_token"})
    with pytest.raises(OAuthRejected, match="invalid_token"):
        await oauth.revoke(http, LOGIN, "5Aep861token")


@given(st.integers(1_000_000_000_000, 4_000_000_000_000))
def test_a_signature_proves_identity_and_issue_time(issued_at: int) -> None:
    digest = hmac.new(b"s3cret", f"{IDENTITY_URL}{issued_at}".encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    at = datetime.fromtimestamp(issued_at / 1000, UTC)
    answer = TokenResponse("00D!a", None, "https://x", IDENTITY_URL, "api", at, signature)
    assert oauth.verify_signature(answer, "s3cret")
    assert not oauth.verify_signature(answer, "another")
