"""The bearer token on a request: set, renewed once, sent nowhere else."""

import httpx
import pytest

from app.salesforce.auth import (
    AccessToken,
    ConnectionEnded,
    RefreshUnavailable,
    SessionAuth,
    is_expired_session,
    may_be_moved,
)
from app.salesforce.errors import InstanceMoved

ORG = "https://acme.my.salesforce.com"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
NOT_FOR_REST = [
    {"message": "This session is not valid for use with the REST API", "errorCode": "INVALID_SESSION_ID"}
]


class Tokens:
    """A token source that renews by counting up."""

    def __init__(
        self, instance_url: str = ORG, renewed_url: str = ORG, error: Exception | None = None
    ) -> None:
        self.token = AccessToken("00D!one", 1, instance_url)
        self.renewed_url = renewed_url
        self.error = error
        self.renewals: list[int] = []

    async def current(self) -> AccessToken:
        return self.token

    async def renew(self, used: AccessToken) -> AccessToken:
        self.renewals.append(used.version)
        if self.error:
            raise self.error
        self.token = AccessToken("00D!two", used.version + 1, self.renewed_url)
        return self.token


class Org:
    """Answers 401 to every token but the good one, and remembers what it was sent."""

    def __init__(self, good: str = "00D!two", refusal: list[dict[str, str]] = EXPIRED) -> None:
        self.good = good
        self.refusal = refusal
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers["Authorization"])
        if request.headers["Authorization"] == f"Bearer {self.good}":
            return httpx.Response(200, json={})
        return httpx.Response(401, json=self.refusal)


async def ask(org: Org, tokens: Tokens, url: str = f"{ORG}/services/data/v62.0/limits") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.MockTransport(org), auth=SessionAuth(tokens)) as http:
        return await http.get(url)


async def test_a_valid_token_is_used_as_it_is() -> None:
    org, tokens = Org(good="00D!one"), Tokens()
    assert (await ask(org, tokens)).status_code == 200
    assert (org.seen, tokens.renewals) == (["Bearer 00D!one"], [])


async def test_an_answer_that_is_fine_is_not_read_for_failures() -> None:
    body = [{"errorCode": "ORG_NOT_OWNED_BY_INSTANCE", "message": "a row of somebody's"}]
    assert not may_be_moved(httpx.Response(200, json=body))
    assert may_be_moved(httpx.Response(400, json=body))


async def test_an_expired_token_is_renewed_and_the_request_sent_again() -> None:
    org, tokens = Org(), Tokens()
    assert (await ask(org, tokens)).status_code == 200
    assert (org.seen, tokens.renewals) == (["Bearer 00D!one", "Bearer 00D!two"], [1])


async def test_a_renewed_token_that_is_refused_is_not_renewed_again() -> None:
    org, tokens = Org(good="none"), Tokens()
    assert (await ask(org, tokens)).status_code == 401
    assert tokens.renewals == [1]


async def test_a_session_that_may_not_use_the_api_is_never_renewed() -> None:
    org, tokens = Org(refusal=NOT_FOR_REST), Tokens()
    assert (await ask(org, tokens)).status_code == 401
    assert tokens.renewals == []


class GrantGone(Exception):
    """The token source's own word."""


async def test_what_the_token_source_raises_arrives_unchanged() -> None:
    gone = GrantGone()
    with pytest.raises(GrantGone) as raised:
        await ask(Org(), Tokens(error=gone))
    assert raised.value is gone


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/data",
        "https://other.my.salesforce.com/services/data",
        "http://acme.my.salesforce.com/services/data",
        "https://acme.my.salesforce.com:8443/services/data",
        "http://login.salesforce.com/id/00D/005",
        "https://login.salesforce.com:8443/id/00D/005",
    ],
)
async def test_a_token_is_never_sent_to_another_origin(url: str) -> None:
    org = Org()
    with pytest.raises(InstanceMoved):
        await ask(org, Tokens(), url)
    assert org.seen == []


async def test_the_identity_service_of_the_login_host_may_see_it() -> None:
    org = Org(good="00D!one")
    assert (await ask(org, Tokens(), "https://login.salesforce.com/id/00D/005")).status_code == 200


HERE = "http://acme.my.localhost:8100"


@pytest.mark.parametrize("url", ["http://login.localhost:8100/id/00D/005", f"{HERE}/services/data"])
async def test_login_host_on_this_machine_may_see_the_token_of_an_org_here(url: str) -> None:
    org = Org(good="00D!one")
    assert (await ask(org, Tokens(HERE), url)).status_code == 200


@pytest.mark.parametrize(
    ("issued_for", "url"),
    [
        (HERE, "http://login.localhost:8101/id/00D/005"),
        (HERE, "https://login.localhost:8100/id/00D/005"),
        (HERE, "http://other.my.localhost:8100/services/data"),
        ("http://acme.my.salesforce.com:8100", "http://login.localhost:8100/id/00D/005"),
    ],
    ids=["port", "scheme", "org", "foreign"],
)
async def test_no_other_name_on_this_machine_may_see_it(issued_for: str, url: str) -> None:
    org = Org()
    with pytest.raises(InstanceMoved):
        await ask(org, Tokens(issued_for), url)
    assert org.seen == []


async def test_an_org_that_moved_with_the_renewal_is_not_written_to_at_its_old_place() -> None:
    org = Org()
    with pytest.raises(InstanceMoved):
        await ask(org, Tokens(renewed_url="https://new-name.my.salesforce.com"))
    assert org.seen == ["Bearer 00D!one"]


def test_ends_of_a_grant_are_failures_too() -> None:
    ended, away = ConnectionEnded("access_revoked"), RefreshUnavailable("no answer", retry_after=7)
    assert (ended.failure.error_code, ended.reason_code) == ("CONNECTION_ENDED", "access_revoked")
    assert (away.failure.error_code, away.retry_after) == ("REFRESH_UNAVAILABLE", 7)


def test_a_blocking_client_is_refused() -> None:
    with (
        httpx.Client(transport=httpx.MockTransport(Org()), auth=SessionAuth(Tokens())) as http,
        pytest.raises(RuntimeError, match="AsyncClient"),
    ):
        http.get(ORG)


def test_a_token_is_not_shown() -> None:
    assert "00D!one" not in repr(AccessToken("00D!one", 1, ORG))


@pytest.mark.parametrize(
    ("response", "is_expired"),
    [
        pytest.param(httpx.Response(401, json=EXPIRED), True, id="401-expired"),
        pytest.param(httpx.Response(403, text="Bad_OAuth_Token"), True, id="identity-service"),
        pytest.param(httpx.Response(401, json=NOT_FOR_REST), False, id="not-for-rest"),
        pytest.param(
            httpx.Response(
                401, json=[{"message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"}]
            ),
            False,
            id="bad-header",
        ),
        pytest.param(
            httpx.Response(403, json=[{"errorCode": "API_DISABLED_FOR_ORG", "message": ""}]), False, id="403"
        ),
        pytest.param(httpx.Response(401, text="<html>"), True, id="page-401"),
        pytest.param(httpx.Response(403, text="<html>"), True, id="page-403"),
        pytest.param(httpx.Response(400, text="<html>"), False, id="page-400"),
        pytest.param(httpx.Response(400, json=EXPIRED), False, id="another-status"),
    ],
)
def test_only_an_expired_session_is_worth_a_renewal(response: httpx.Response, is_expired: bool) -> None:
    assert is_expired_session(response) is is_expired
