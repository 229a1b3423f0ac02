"""The bearer token of a connection: added to each request, refreshed once when Salesforce rejects it."""

import base64
import binascii
import json
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

import httpx

from app.salesforce.allowed_hosts import LOGINS_HERE, is_login_host
from app.salesforce.error_codes import (
    CONNECTION_ENDED,
    CONNECTION_UNUSABLE,
    MOVED_CODES,
    NOT_FIXED_BY_REFRESH,
    REFRESH_UNAVAILABLE,
    SESSION_CODES,
)
from app.salesforce.errors import ApiError, InstanceMoved, SalesforceError, parse_failures
from app.salesforce.responses import parse_json


class ConnectionEnded(SalesforceError):
    """No token can be had any more until somebody reconnects; `reason_code` says why. Nothing was written."""

    error_code = CONNECTION_ENDED

    def __init__(self, reason_code: str) -> None:
        super().__init__(f"the connection has ended: {reason_code}")
        self.reason_code = reason_code


class ConnectionUnusable(SalesforceError):
    """What is stored of the connection cannot be used here. Nothing was sent.

    `reason_code`: `credentials_unreadable` (altered, or sealed with a key that this process was not given) or
    `instance_not_allowed` (the stored address is none of Salesforce's).
    """

    error_code = CONNECTION_UNUSABLE

    def __init__(self, reason_code: str) -> None:
        super().__init__(f"the stored connection cannot be used: {reason_code}")
        self.reason_code = reason_code


class RefreshUnavailable(SalesforceError):
    """The token endpoint is away: wait `retry_after` seconds and try again. Nothing was written."""

    error_code = REFRESH_UNAVAILABLE

    def __init__(self, message: str, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GrantDoubted(RefreshUnavailable):
    """The token endpoint refused the grant in words that we do not know: it is asked again, a few times."""


@dataclass(frozen=True)
class AccessToken:
    """A token, the version it was stored under, and the origin it may be sent to."""

    value: str = field(repr=False)
    version: int
    instance_url: str


def ends_at(access_token: str) -> datetime | None:
    """When a JWT, as own apps may issue it, ends by its own word; None for a token that does not say.

    Nothing is verified here: whoever takes the token does that. It is only read when to ask for the next one.
    https://help.salesforce.com/s/articleView?id=xcloud.jwt_access_tokens_overview.htm
    """
    parts = access_token.split(".")
    if len(parts) != 3:
        return None
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.b64decode(payload, altchars=b"-_", validate=True))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None


class TokenSource(Protocol):
    """Where tokens come from. What it raises reaches the caller of the request unchanged."""

    async def current(self) -> AccessToken:
        """The token to use now."""
        ...

    async def renew(self, used: AccessToken) -> AccessToken:
        """A newer token than the one that Salesforce no longer takes."""
        ...


class SessionAuth(httpx.Auth):
    """Sends with the current token; on an expired session or a moved org renews and sends once more, no more.

    A token goes to the origin it was issued for, or to Salesforce's own login hosts; anywhere else raises
    `InstanceMoved` before anything is sent.
    """

    requires_response_body = True

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def newest(self) -> AccessToken:
        """A newer token than the one in use: its answer says where the org lives."""
        return await self._tokens.renew(await self._tokens.current())

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Not available: tokens are read asynchronously."""
        raise RuntimeError("SessionAuth works with httpx.AsyncClient only")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx's seam for "send, look at the answer, send again"."""
        token = await self._tokens.current()
        response = yield _with_bearer_token(request, token)
        await response.aread()
        if is_expired_session(response) or may_be_moved(response):
            yield _with_bearer_token(request, await self._tokens.renew(token))


def is_expired_session(response: httpx.Response) -> bool:
    """Whether a newer token may help. The identity service answers 403 in plain text, the rest 401 in JSON.

    A page instead of Salesforce's own words may come from a door that knows the token: one is worth a try.
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
    """
    if response.status_code not in (401, 403):
        return False
    failures = _failures(response)
    return not failures or any(_is_cured_by_renewal(failure) for failure in failures)


def may_be_moved(response: httpx.Response) -> bool:
    """Whether the org may live elsewhere by now; a renewal names where, and no redirect is followed."""
    status = response.status_code
    if response.is_success:
        return False  # its body, which may be large, is not read twice
    failures = _failures(response)
    is_redirect = 300 < status < 400 and status != 304
    is_gone = status == 404 and not failures
    return is_redirect or is_gone or any(each.error_code in MOVED_CODES for each in failures)


def _failures(response: httpx.Response) -> tuple[ApiError, ...]:
    if response.content.strip() == b"Bad_OAuth_Token":
        return (ApiError("Bad_OAuth_Token", ""),)
    try:
        return parse_failures(response.status_code, parse_json(response.content))
    except ValueError:
        return ()


def _is_cured_by_renewal(failure: ApiError) -> bool:
    return failure.error_code in SESSION_CODES and not any(
        text in failure.message for text in NOT_FIXED_BY_REFRESH
    )


def _with_bearer_token(request: httpx.Request, token: AccessToken) -> httpx.Request:
    if not _may_receive_token(request.url, _parsed(token.instance_url)):
        raise InstanceMoved(token.instance_url)
    request.headers["Authorization"] = f"Bearer {token.value}"
    return request


@lru_cache
def _parsed(instance_url: str) -> httpx.URL:
    return httpx.URL(instance_url)


def _may_receive_token(url: httpx.URL, issued_for: httpx.URL) -> bool:
    is_same_port = (url.scheme, url.port) == (issued_for.scheme, issued_for.port)
    if is_same_port and (
        url.host == issued_for.host or (url.host in LOGINS_HERE and issued_for.host.endswith(".my.localhost"))
    ):
        return True
    return url.scheme == "https" and url.port is None and is_login_host(url.host)
