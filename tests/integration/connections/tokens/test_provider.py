"""Token refresh: one request for all callers, stored before use, and each possible end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.connections.model.encrypted_columns import ACCESS_TOKEN, REFRESH_TOKEN
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure.database import Database
from app.models import AuditEntry, Connection, PendingRevocation
from app.salesforce.auth import AccessToken, ConnectionEnded, RefreshUnavailable
from tests.factories import connection_for
from tests.integration.connections.conftest import add, stored, with_times
from tests.integration.connections.token_endpoint import INSTANCE, TokenEndpoint, refused

USED = AccessToken("00D5g000004XyZa!otter.access.1", 1, INSTANCE)


async def mark(resources: Resources, *, age: float) -> None:
    """Leave the marker of a refresh that began `age` seconds ago."""
    async with resources.database.tenant("host_a") as session:
        started_at = func.clock_timestamp() - timedelta(seconds=age)
        await session.execute(update(Connection).values(refresh_started_at=started_at))


async def test_current_token_is_the_stored_one(resources: Resources, connection: Connection) -> None:
    assert await ConnectionTokens(resources, "host_a").current() == USED


@pytest.mark.parametrize("is_rotating", [False, True], ids=["fixed", "rotating"])
async def test_fifty_who_meet_an_expired_token_send_one_request(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, is_rotating: bool
) -> None:
    endpoint.is_rotating, endpoint.latency = is_rotating, 0.2
    sources = [ConnectionTokens(resources, "host_a") for _ in range(5)]
    tokens = await asyncio.gather(*(sources[n % 5].renew(USED) for n in range(50)))
    assert {token.value for token in tokens} == {"00D5g000004XyZa!otter.access.2"}
    assert (len(endpoint.posts), endpoint.reuses) == (1, 0)


async def test_rotated_token_is_stored_and_used_next(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.is_rotating = True
    tokens = ConnectionTokens(resources, "host_a")
    for _ in range(3):
        await tokens.renew(await tokens.current())
    row = await stored(resources)
    assert row.refresh_token is not None
    opened = resources.vault.open(row.refresh_token, host_id="host_a", column=REFRESH_TOKEN)
    assert (opened, row.is_rotating, row.token_version, row.refresh_started_at) == (
        endpoint.refresh_token,
        True,
        4,
        None,
    )
    assert (endpoint.reuses, len(endpoint.posts)) == (0, 3)


async def test_renewing_after_somebody_else_did_sends_nothing(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    newer = await ConnectionTokens(resources, "host_a").renew(USED)
    assert await ConnectionTokens(resources, "host_a").renew(USED) == newer
    assert len(endpoint.posts) == 1


async def test_marker_is_committed_before_the_request_leaves(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    seen: list[object] = []

    async def look(request: httpx.Request) -> httpx.Response:
        seen.append((await stored(resources)).refresh_started_at)
        return endpoint.answer("5Aep861otter.refresh.1")

    async with httpx.AsyncClient(transport=httpx.MockTransport(look)) as http:
        looking = replace(resources, http=http)
        await ConnectionTokens(looking, "host_a").renew(USED)
    assert seen != [None]
    assert (await stored(resources)).refresh_started_at is None


@pytest.mark.parametrize(
    ("error", "description", "reason"),
    [
        pytest.param("invalid_grant", "expired access/refresh token", "access_revoked", id="revoked"),
        pytest.param("invalid_grant", "inactive user", "user_inactive", id="user"),
        pytest.param("invalid_grant", "inactive organization", "org_inactive", id="org"),
        pytest.param("invalid_grant", "ip restricted", "ip_restricted", id="ip"),
        pytest.param("app_not_found", "External client app is not installed", "app_uninstalled", id="app"),
        pytest.param("invalid_client", "app must be installed into org", "app_uninstalled", id="locked"),
        pytest.param("OAUTH_APP_BLOCKED", "this app is blocked by admin", "app_blocked", id="blocked"),
    ],
)
async def test_lasting_no_ends_the_connection_with_its_reason(
    resources: Resources,
    connection: Connection,
    endpoint: TokenEndpoint,
    error: str,
    description: str,
    reason: str,
) -> None:
    endpoint.next_answer = [lambda _: refused(error, description)]
    with pytest.raises(ConnectionEnded, match=reason):
        await ConnectionTokens(resources, "host_a").renew(USED)
    row = await stored(resources)
    assert (row.state, row.reason_code, row.refresh_started_at) == ("needs_reconnect", reason, None)
    assert row.version == connection.version + 1
    async with resources.database.tenant("host_a") as session:
        entry = (await session.scalars(select(AuditEntry))).one()
    assert (entry.action, entry.details["reason_code"]) == ("salesforce.connection_ended", reason)


async def test_ended_connection_is_never_asked_again(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.is_revoked = True
    for _ in range(3):
        with pytest.raises(ConnectionEnded):
            await ConnectionTokens(resources, "host_a").renew(USED)
    assert len(endpoint.posts) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: refused("invalid_client", "invalid client credentials"), id="our secret"),
        pytest.param(lambda _: refused("invalid_client_id", "client identifier invalid"), id="our key"),
        pytest.param(lambda _: refused("rate_limit_exceeded", status=429), id="rate"),
        pytest.param(lambda _: refused("unknown_error", "retry your request"), id="unknown"),
        pytest.param(lambda _: httpx.Response(403, html="<p>no</p>"), id="page"),
    ],
)
async def test_passing_no_leaves_the_connection_and_no_marker(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, answer: object
) -> None:
    endpoint.next_answer = [answer]  # type: ignore[list-item]
    with pytest.raises(RefreshUnavailable):
        await ConnectionTokens(resources, "host_a").renew(USED)
    row = await stored(resources)
    assert (row.state, row.refresh_started_at, row.token_version) == ("connected", None, 1)
    assert (await ConnectionTokens(resources, "host_a").renew(USED)).version == 2


async def test_request_that_never_left_leaves_no_marker(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    def no_route(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    endpoint.next_answer = [no_route]
    with pytest.raises(RefreshUnavailable):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert (await stored(resources)).refresh_started_at is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: httpx.Response(503, html="<h1>Down</h1>"), id="maintenance page"),
        pytest.param(lambda _: httpx.Response(200, html="<h1>Hello</h1>"), id="page instead of JSON"),
    ],
)
async def test_lost_answer_keeps_the_marker_so_that_nobody_repeats_it(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, answer: object
) -> None:
    hasty = with_times(resources, refresh_total=0.1)
    endpoint.next_answer = [answer]  # type: ignore[list-item]
    with pytest.raises(RefreshUnavailable) as caught:
        await ConnectionTokens(hasty, "host_a").renew(USED)
    assert caught.value.retry_after == hasty.settings.times.refresh_stale
    with pytest.raises(RefreshUnavailable, match="another process"):
        await ConnectionTokens(hasty, "host_a").renew(USED)
    assert (await stored(resources)).refresh_started_at is not None
    assert len(endpoint.posts) == 1


async def test_old_marker_is_taken_over_by_one_and_sent_once_more(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    await mark(resources, age=41)
    endpoint.latency = 0.2
    tokens = await asyncio.gather(*(ConnectionTokens(resources, "host_a").renew(USED) for _ in range(20)))
    assert {token.version for token in tokens} == {2}
    assert len(endpoint.posts) == 1


async def test_marker_that_may_still_be_in_flight_is_left_alone(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    hasty = with_times(resources, refresh_total=0.1)
    await mark(resources, age=20)
    with pytest.raises(RefreshUnavailable):
        await ConnectionTokens(hasty, "host_a").renew(USED)
    assert endpoint.posts == []


async def test_lost_rotation_ends_the_connection_and_does_not_go_round(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.is_rotating = True
    endpoint.next_answer = [endpoint.lose]
    with pytest.raises(RefreshUnavailable):
        await ConnectionTokens(resources, "host_a").renew(USED)
    await mark(resources, age=41)
    for _ in range(3):
        with pytest.raises(ConnectionEnded):
            await ConnectionTokens(resources, "host_a").renew(USED)
    assert (len(endpoint.posts), (await stored(resources)).reason_code) == (2, "access_revoked")


async def test_lost_answer_without_rotation_lives_on(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.next_answer = [endpoint.lose]
    with pytest.raises(RefreshUnavailable):
        await ConnectionTokens(resources, "host_a").renew(USED)
    await mark(resources, age=41)
    assert (await ConnectionTokens(resources, "host_a").renew(USED)).version == 2


async def test_cancelled_caller_does_not_lose_a_rotated_token(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.is_rotating, endpoint.latency = True, 0.1
    task = asyncio.create_task(ConnectionTokens(resources, "host_a").renew(USED))
    while not endpoint.posts:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await ConnectionTokens(resources, "host_a").renew(USED)).version == 2
    assert (len(endpoint.posts), endpoint.reuses) == (1, 0)


class Shaky(Database):
    """A database that is away for a moment whenever a transaction begins in the `away`-th place."""

    def __init__(self, steady: Database, away: set[int], error: Exception) -> None:
        self._steady, self._away, self._begun, self._error = steady, away, 0, error

    @asynccontextmanager
    async def tenant(self, host_id: str, **about: bool) -> AsyncIterator[AsyncSession]:
        self._begun += 1
        if self._begun in self._away:
            raise self._error
        async with self._steady.tenant(host_id, **about) as session:
            yield session


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionResetError("the database went away"), id="reset"),
        pytest.param(DBAPIError("UPDATE", {}, asyncpg.DiskFullError("full")), id="disk-full"),
        pytest.param(TimeoutError(), id="no-connection-in-time"),
    ],
)
async def test_rotated_token_survives_a_database_that_is_away_for_a_moment(
    resources: Resources,
    connection: Connection,
    endpoint: TokenEndpoint,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint.is_rotating = True
    shaky = replace(resources, database=Shaky(resources.database, {2, 3}, error))
    assert (await ConnectionTokens(shaky, "host_a").renew(USED)).version == 2
    assert (await ConnectionTokens(resources, "host_a").renew(USED)).version == 2
    assert (len(endpoint.posts), endpoint.reuses) == (1, 0)
    assert caplog.messages.count("refresh_not_stored") == 1


async def test_old_no_does_not_end_a_newer_grant(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.latency, endpoint.is_revoked = 0.1, True
    task = asyncio.create_task(ConnectionTokens(resources, "host_a").renew(USED))
    while not endpoint.posts:
        await asyncio.sleep(0)
    async with resources.database.tenant("host_a") as session:
        sealed = resources.vault.seal("newer", host_id="host_a", column=ACCESS_TOKEN)
        await session.execute(update(Connection).values(access_token=sealed, token_version=2))
    assert (await task).value == "newer"
    assert (await stored(resources)).state == "connected"


async def test_moved_instance_is_followed(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.instance_url = "https://otter-new.my.salesforce.com"
    token = await ConnectionTokens(resources, "host_a").renew(USED)
    assert token.instance_url == (await stored(resources)).instance_url == endpoint.instance_url


@pytest.mark.parametrize(
    "url",
    [
        "https://otter.my.salesforce.com.evil.example",
        "https://evil.example/.my.salesforce.com",
        "http://otter.my.salesforce.com",
        "https://user@otter.my.salesforce.com",
        "https://otter.lightning.force.com",
        "https://169.254.169.254",
    ],
)
async def test_foreign_instance_is_not_followed_and_the_token_is_kept(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, url: str
) -> None:
    endpoint.instance_url = url
    token = await ConnectionTokens(resources, "host_a").renew(USED)
    assert (token.instance_url, token.version) == (INSTANCE, 2)


async def test_tampered_login_host_gets_no_token(resources: Resources, endpoint: TokenEndpoint) -> None:
    await add(resources, connection_for(resources.vault, login_url="https://login.evil.example"))
    with pytest.raises(RefreshUnavailable, match="not a Salesforce host"):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert endpoint.posts == []


async def test_foreign_app_is_not_refreshed(resources: Resources, endpoint: TokenEndpoint) -> None:
    await add(resources, connection_for(resources.vault, client_id="3MVG9another"))
    with pytest.raises(RefreshUnavailable, match="not the app"):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert endpoint.posts == []


async def test_grant_rotated_during_a_disconnect_is_revoked_later(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.is_rotating, endpoint.latency = True, 0.1
    task = asyncio.create_task(ConnectionTokens(resources, "host_a").renew(USED))
    while not endpoint.posts:
        await asyncio.sleep(0)
    async with resources.database.tenant("host_a") as session:
        gone = {"state": "disconnected", "refresh_token": None, "access_token": None}
        await session.execute(update(Connection).values(gone))
    with pytest.raises(ConnectionEnded, match="disconnected_by_host"):
        await task
    async with resources.database.tenant("host_a") as session:
        assert (await session.scalar(select(func.count()).select_from(PendingRevocation))) == 1


async def test_host_that_never_connected_has_no_token(resources: Resources) -> None:
    with pytest.raises(ConnectionEnded, match="not_connected"):
        await ConnectionTokens(resources, "host_a").current()


async def test_tokens_never_show_in_a_repr(resources: Resources, connection: Connection) -> None:
    token = await ConnectionTokens(resources, "host_a").current()
    assert "otter.access" not in repr(token)
