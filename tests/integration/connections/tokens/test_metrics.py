"""How renewals end is counted, each once."""

from collections.abc import Callable

import httpx
import pytest

from app.api.dependencies import Resources
from app.connections.tokens.provider import ConnectionTokens
from app.models import Connection
from app.salesforce.auth import ConnectionEnded, GrantDoubted, RefreshUnavailable
from tests.integration.connections.token_endpoint import TokenEndpoint, refused
from tests.integration.connections.tokens.test_provider import USED
from tests.scraped import counted

OUTCOMES = ("renewed", "refused", "doubted", "lost", "failed", "superseded")


def outcomes() -> dict[str, float]:
    return {name: counted("oauth_refreshes_total", outcome=name) for name in OUTCOMES}


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


def reset(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("the connection was reset", request=request)


Answer = Callable[[httpx.Request], httpx.Response]
ENDS: dict[str, tuple[Answer, type[Exception], str]] = {
    "refused": (lambda _: refused("invalid_grant", "expired"), ConnectionEnded, "access"),
    "doubted": (lambda _: refused("invalid_grant", "the otters said no"), GrantDoubted, "access"),
    "lost": (reset, RefreshUnavailable, "ambiguous"),
    "failed": (away, RefreshUnavailable, "transient"),
}


@pytest.mark.parametrize("outcome", ENDS)
async def test_each_end_of_a_renewal_is_counted(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, outcome: str
) -> None:
    answer, error, of_call = ENDS[outcome]
    endpoint.next_answer = [answer] * 3
    before = outcomes()
    calls = counted("salesforce_calls_total", kind="token", outcome=of_call)
    with pytest.raises(error):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert {name for name, now in outcomes().items() if now > before[name]} == {outcome}
    assert counted("salesforce_calls_total", kind="token", outcome=of_call) > calls


async def test_a_renewal_is_counted_for_all_who_wait_for_it(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    before = outcomes()
    for _ in range(3):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert {name: now - before[name] for name, now in outcomes().items() if now > before[name]} == {
        "renewed": 1
    }
