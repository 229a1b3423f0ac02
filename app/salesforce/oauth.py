"""Salesforce's OAuth 2.0 service: authorize URL, code exchange, refresh, revoke.

OAuthError
├── OAuthRejected      a complete answer that says no, with OAuth's own error code
├── OAuthResponseLost  the request left and no complete answer came back: a refresh may have rotated the token
└── OAuthNotSent       nothing left the socket
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.salesforce.errors import NotSent, ResponseLost
from app.salesforce.identity import text_in
from app.salesforce.observed_call import TOKEN, observed_call
from app.salesforce.responses import parse_json
from app.salesforce.transport import build_request, send_once

AUTHORIZE_PATH: Final = "/services/oauth2/authorize"
TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH: Final = "/services/oauth2/revoke"

MAX_OAUTH_ANSWER_BYTES: Final = 256 * 1024
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "eventship-salesforce",
}
ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308, 404})
"""How an address answers that an org has left; the redirect itself is never followed."""
_MESSAGE_LENGTH: Final = 500
_SECRET_FIELDS: Final = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "token"})


class OAuthError(Exception):
    """Anything that keeps an OAuth request from succeeding; no record is ever at stake."""


class OAuthRejected(OAuthError):
    """The service answered no. `error` is its code (`invalid_grant`), or `http_503` where it gave none.

    `is_of_substitute`: it is not the place that knows the grant which answered, and that one was not reached.
    """

    is_of_substitute = False

    def __init__(self, error: str, description: str, http_status: int) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description
        self.http_status = http_status

    @property
    def is_elsewhere(self) -> bool:
        """Whether the address sends elsewhere or is gone: nothing was done with what we sent there."""
        return self.http_status in ELSEWHERE


class OAuthResponseLost(OAuthError):
    """The request left and no complete, readable answer came back."""


class OAuthNotSent(OAuthError):
    """Nothing left the socket; sending again is safe."""


@dataclass(frozen=True)
class TokenResponse:
    """A token answer. `refresh_token` is None on a refresh without rotation. There is no expiry to be had.

    `instance_url` and `identity_url` are as received: check their hosts before anything is sent there.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    instance_url: str
    identity_url: str
    scope: str
    issued_at: datetime
    signature: str = field(repr=False)


def new_code_verifier() -> str:
    """A PKCE verifier of 86 characters, 512 bits (RFC 7636 allows 43 to 128 characters)."""
    return secrets.token_urlsafe(64)


def code_challenge(code_verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return str(create_s256_code_challenge(code_verifier))


def authorize_url(
    base: str,
    *,
    client_id: str,
    redirect_uri: str,
    scope: str,
    state: str,
    code_challenge: str,
    prompt: str | None = None,
    display: str | None = None,
) -> str:
    """Where the browser goes to log in and approve; `scope` and `prompt` are separated by spaces.

    https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm
    """
    uri = prepare_grant_uri(
        f"{base}{AUTHORIZE_PATH}",
        client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=scope,
        state=state,
        code_challenge=code_challenge,
        code_challenge_method="S256",
        prompt=prompt,
        display=display,
    )
    return str(uri)


async def exchange_code(
    http: httpx.AsyncClient,
    base: str,
    *,
    code: str,
    client_id: str,
    client_secret: str | None,
    redirect_uri: str,
    code_verifier: str,
    within: float | None = None,
) -> TokenResponse:
    """Trade an authorization code for tokens; a public client has no secret. Raises `OAuthError`.

    `within` bounds the exchange in seconds.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    return await _request_tokens(http, base, form, client_secret=client_secret, within=within)


async def refresh(
    http: httpx.AsyncClient,
    base: str,
    *,
    refresh_token: str,
    client_id: str,
    client_secret: str | None,
    within: float | None = None,
) -> TokenResponse:
    """A new access token, and a new refresh token where rotation is on: store both before using either.

    `within` bounds the exchange in seconds. Raises `OAuthError`. After `OAuthResponseLost` the old token may
    be dead, and using it again may revoke the whole grant.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    return await _request_tokens(http, base, form, client_secret=client_secret, within=within)


async def revoke(http: httpx.AsyncClient, base: str, token: str) -> None:
    """Revoke a token; a refresh token takes its access tokens with it. Raises `OAuthError`."""
    await _post(http, f"{base}{REVOKE_PATH}", {"token": token})


def verify_signature(answer: TokenResponse, client_secret: str) -> bool:
    """Whether identity URL and issue time were signed with the client secret (HMAC-SHA256, base64)."""
    issued_at = round(answer.issued_at.timestamp() * 1000)
    signed = f"{answer.identity_url}{issued_at}".encode()
    digest = hmac.new(client_secret.encode(), signed, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), answer.signature.encode())


async def _request_tokens(
    http: httpx.AsyncClient,
    base: str,
    form: dict[str, str],
    *,
    client_secret: str | None,
    within: float | None,
) -> TokenResponse:
    secret = {"client_secret": client_secret} if client_secret is not None else {}
    content = await _post(http, f"{base}{TOKEN_PATH}", form | secret, within=within)
    return _parse_tokens(_parse_object(content))


async def _post(
    http: httpx.AsyncClient, url: str, form: Mapping[str, str], *, within: float | None = None
) -> bytes:
    try:
        request = build_request("POST", url, headers=_HEADERS, form=form)
        with observed_call(TOKEN) as call:
            response = await send_once(http, request, max_bytes=MAX_OAUTH_ANSWER_BYTES, within=within)
            call.status = response.status_code
            if response.status_code >= 300:
                call.refuse(OAuthRejected.__name__)
    except ResponseLost as error:
        raise OAuthResponseLost(str(error)) from error
    except NotSent as error:
        raise OAuthNotSent(str(error)) from error
    if 200 <= response.status_code < 300:
        return response.content
    raise _refusal(response, [value for name, value in form.items() if value and name in _SECRET_FIELDS])


def _refusal(response: httpx.Response, secrets_sent: Sequence[str]) -> OAuthError:
    status = response.status_code
    try:
        body = parse_json(response.content)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        error, words = text_in(body, "error"), text_in(body, "error_description")
        for secret in secrets_sent:  # words are kept and shown to people: they must not repeat what we sent
            error, words = error.replace(secret, "***"), words.replace(secret, "***")
        return OAuthRejected(error[:100], words[:_MESSAGE_LENGTH], status)
    if status >= 500:
        return OAuthResponseLost(f"HTTP {status} without an OAuth error")
    return OAuthRejected(_plain_code(response.content) or f"http_{status}", "", status)


def _plain_code(content: bytes) -> str | None:
    """A refusal may be one bare word, such as `Bad_OAuth_Token`."""
    word = content.strip()[:100].decode("ascii", "replace")
    return word if word.isidentifier() else None


def _parse_object(content: bytes) -> dict[str, Any]:
    try:
        body = parse_json(content)
    except ValueError as error:
        raise OAuthResponseLost("the answer is not JSON") from error
    if not isinstance(body, dict):
        raise OAuthResponseLost("the answer is not an object")
    return body


def _parse_tokens(body: Mapping[str, Any]) -> TokenResponse:
    access_token, instance_url = text_in(body, "access_token"), text_in(body, "instance_url")
    if not instance_url or not _is_token(access_token):
        raise OAuthResponseLost("the answer holds no usable token")
    return TokenResponse(
        access_token=access_token,
        refresh_token=text_in(body, "refresh_token") or None,
        instance_url=instance_url,
        identity_url=text_in(body, "id"),
        scope=text_in(body, "scope"),
        issued_at=_parse_milliseconds(body.get("issued_at")),
        signature=text_in(body, "signature"),
    )


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _parse_milliseconds(value: object) -> datetime:
    """`issued_at` is milliseconds since 1970, as a string. Unreadable it is now; no token is lost for it."""
    try:
        return datetime.fromtimestamp(int(str(value)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)
