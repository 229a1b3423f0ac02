"""Where a grant is refreshed: at the org's address, at the login host only if that was not reached."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from app.api.dependencies import Resources
from app.connections.tokens.provider import ConnectionTokens
from app.salesforce.auth import AccessToken, ConnectionEnded, GrantDoubted, RefreshUnavailable
from tests.factories import connection_for
from tests.integration.connections.conftest import add, stored
from tests.integration.connections.token_endpoint import TokenEndpoint, refused
from tests.integration.connections.tokens.test_provider import USED

LOGIN, SANDBOXES = "login.salesforce.com", "test.salesforce.com"
ORG, SANDBOX = "acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"
Answer = Callable[[httpx.Request], httpx.Response]


async def renewed(
    resources: Resources, endpoint: TokenEndpoint, *answers: Answer | None, own: str = ORG, login: str = LOGIN
) -> tuple[list[str], AccessToken | Exception]:
    """The hosts that were asked, and how it ended; an answer that is None is the endpoint's own."""
    own_url, login_url = f"https://{own}", f"https://{login}"
    await add(resources, connection_for(resources.vault, instance_url=own_url, login_url=login_url))
    endpoint.instance_url = own_url
    hosts: list[str] = []

    def heard(answer: Answer | None) -> Answer:
        def answered(request: httpx.Request) -> httpx.Response:
            hosts.append(request.url.host)
            return answer(request) if answer else endpoint.answer(endpoint.posts[-1])

        return answered

    endpoint.next_answer = [heard(answer) for answer in (*answers, None, None)]
    tokens = ConnectionTokens(resources, "host_a")
    try:
        return hosts, await tokens.renew(await tokens.current())
    except (ConnectionEnded, RefreshUnavailable) as error:
        return hosts, error


def failing(kind: type[httpx.TransportError], words: str) -> Answer:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(words, request=request)

    return fail


def sending_elsewhere(_: httpx.Request) -> httpx.Response:
    return httpx.Response(301, headers={"location": "https://evil.example/services/oauth2/token"})


@pytest.mark.parametrize(("own", "login"), [(ORG, LOGIN), (SANDBOX, SANDBOXES)], ids=["org", "sandbox"])
async def test_the_org_itself_is_asked_and_nobody_else(
    resources: Resources, endpoint: TokenEndpoint, own: str, login: str
) -> None:
    hosts, token = await renewed(resources, endpoint, own=own, login=login)
    assert hosts == [own]
    assert isinstance(token, AccessToken)


UNREACHED: dict[str, Answer] = {
    "name": failing(httpx.ConnectError, "[Errno -2] Name or service not known"),
    "certificate": failing(httpx.ConnectError, "[SSL: CERTIFICATE_VERIFY_FAILED]"),
    "connection": failing(httpx.ConnectTimeout, "no connection in time"),
    "moved": sending_elsewhere,
    "gone": lambda _: httpx.Response(404, text="<html>URL No Longer Exists"),
}


@pytest.mark.parametrize("answer", UNREACHED.values(), ids=UNREACHED)
@pytest.mark.parametrize(("own", "login"), [(ORG, LOGIN), (SANDBOX, SANDBOXES)], ids=["org", "sandbox"])
async def test_the_login_host_is_asked_where_the_org_was_not_reached(
    resources: Resources, endpoint: TokenEndpoint, answer: Answer, own: str, login: str
) -> None:
    endpoint.is_rotating = True
    hosts, token = await renewed(resources, endpoint, answer, own=own, login=login)
    assert hosts == [own, login]
    assert isinstance(token, AccessToken)
    row = await stored(resources)
    assert (endpoint.reuses, row.refresh_started_at, row.is_rotating) == (0, None, True)


@pytest.mark.parametrize(
    ("login", "common"),
    [
        ("former.my.salesforce.com", "login.example"),
        ("former--uat.sandbox.my.salesforce.com", "test.example"),
        ("former.scratch.my.salesforce.com", "test.example"),
        (LOGIN, None),
    ],
)
async def test_where_the_org_left_both_addresses_the_common_login_host_is_asked(
    resources: Resources, endpoint: TokenEndpoint, login: str, common: str | None
) -> None:
    logins = {
        "salesforce_login_url": "https://login.example",
        "salesforce_sandbox_login_url": "https://test.example",
    }
    settled = replace(resources, settings=resources.settings.model_copy(update=logins))
    hosts, ended = await renewed(settled, endpoint, sending_elsewhere, sending_elsewhere, login=login)
    assert hosts == [ORG, login, *([common] if common else [])]
    assert isinstance(ended, AccessToken if common else RefreshUnavailable)


LOST: dict[str, Answer] = {
    "read": failing(httpx.ReadError, "the connection was reset"),
    "write": failing(httpx.WriteError, "the connection was reset"),
    "silence": failing(httpx.ReadTimeout, "no answer in time"),
    "page": lambda _: httpx.Response(503, text="<html>"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
async def test_what_may_have_used_the_token_is_not_repeated_elsewhere(
    resources: Resources, endpoint: TokenEndpoint, answer: Answer
) -> None:
    hosts, ended = await renewed(resources, endpoint, answer)
    assert hosts == [ORG]
    assert isinstance(ended, RefreshUnavailable)
    assert (await stored(resources)).refresh_started_at is not None


async def test_the_orgs_own_no_is_the_last_word(resources: Resources, endpoint: TokenEndpoint) -> None:
    hosts, ended = await renewed(resources, endpoint, lambda _: refused("inactive_user", "user is inactive"))
    assert hosts == [ORG]
    assert isinstance(ended, ConnectionEnded)


@pytest.mark.parametrize("cause", ["name", "certificate", "connection"])
async def test_a_login_hosts_no_is_doubted_where_the_org_was_not_reached(
    resources: Resources, endpoint: TokenEndpoint, cause: str
) -> None:
    """An org may forbid the login hosts: what they say of its grant is not what it would say itself."""
    forbidden = refused("invalid_grant", "expired access/refresh token")
    hosts, ended = await renewed(resources, endpoint, UNREACHED[cause], lambda _: forbidden)
    assert hosts == [ORG, LOGIN]
    assert isinstance(ended, GrantDoubted)
    row = await stored(resources)
    assert (row.state, row.fault_code, row.refresh_started_at) == ("connected", "grant_doubted", None)
    renewed_later = await ConnectionTokens(resources, "host_a").renew(USED)
    assert renewed_later.version == 2


@pytest.mark.parametrize("cause", ["moved", "gone"])
async def test_a_login_hosts_no_is_the_last_word_where_the_org_has_left_its_address(
    resources: Resources, endpoint: TokenEndpoint, cause: str
) -> None:
    ended_there = refused("invalid_grant", "expired access/refresh token")
    _, ended = await renewed(resources, endpoint, UNREACHED[cause], lambda _: ended_there)
    assert isinstance(ended, ConnectionEnded)


async def test_nobody_reached_leaves_the_grant_free(resources: Resources, endpoint: TokenEndpoint) -> None:
    away = UNREACHED["name"]
    hosts, ended = await renewed(resources, endpoint, away, away)
    assert hosts == [ORG, LOGIN]
    assert isinstance(ended, RefreshUnavailable)
    row = await stored(resources)
    assert (row.state, row.refresh_started_at) == ("connected", None)


async def test_an_address_that_is_not_salesforces_gets_no_token(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    hosts, _ = await renewed(resources, endpoint, own="acme.my.salesforce.com.evil.example")
    assert hosts == [LOGIN]
