"""Disconnecting, keeping grants alive, and the card after Salesforce ended a grant."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from app.api.dependencies import Resources
from app.api.errors import ConnectionNeedsReconnect, NotConnected
from app.connections.grants.disconnect import disconnect_host
from app.connections.grants.revocation import GIVE_UP_AFTER, retry_revocations
from app.connections.grants.superseded import GrantWithToken, store_superseded
from app.connections.keep_alive import keep_alive
from app.connections.service import mark_used, open_client
from app.connections.tokens.connection_state import disconnect_by_salesforce
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure.audit_log import first_broken
from app.models import Connection, PendingRevocation, Restore, SupersededGrant
from app.salesforce.auth import AccessToken, ConnectionEnded, ConnectionUnusable
from tests.factories import NOW, connection_for
from tests.integration.connections.conftest import add, stored
from tests.integration.connections.token_endpoint import INSTANCE, TokenEndpoint

REFRESH_TOKEN = "5Aep861otter.refresh.1"


async def queued(resources: Resources) -> list[PendingRevocation]:
    async with resources.database.system() as session:
        return list(await session.scalars(select(PendingRevocation)))


async def make_due(resources: Resources, **values: int) -> None:
    async with resources.database.system() as session:
        await session.execute(update(PendingRevocation).values(due_at=func.clock_timestamp(), **values))


async def test_disconnect_while_salesforce_is_away_revokes_later(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.revoke_status = 503
    await disconnect_host(resources, "host_a", user_id="user_17")
    row = await stored(resources)
    assert (row.state, row.refresh_token, row.access_token) == ("disconnected", None, None)
    [waiting] = await queued(resources)
    assert REFRESH_TOKEN.encode() not in waiting.token
    assert await retry_revocations(resources) == 0
    endpoint.revoke_status = 200
    await make_due(resources)
    assert await retry_revocations(resources) == 1
    assert endpoint.revoked == [REFRESH_TOKEN, REFRESH_TOKEN]
    assert await queued(resources) == []


async def test_token_that_salesforce_does_not_know_any_more_is_revoked(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.revoke_status = 400
    await disconnect_host(resources, "host_a", user_id="user_17")
    assert await queued(resources) == []


async def test_revocation_is_given_up_in_the_end(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.revoke_status = 503
    await disconnect_host(resources, "host_a", user_id="user_17")
    await make_due(resources, attempts=GIVE_UP_AFTER)
    assert await retry_revocations(resources) == 1
    assert await queued(resources) == []


async def test_unreadable_revocation_is_logged_and_holds_up_nothing(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.revoke_status = 503
    await disconnect_host(resources, "host_a", user_id="user_17")
    async with resources.database.system() as session:
        broken = {"token": b"\x01\x02k1", "due_at": func.clock_timestamp()}
        await session.execute(update(PendingRevocation).values(broken))
    with caplog.at_level(logging.ERROR):
        assert await retry_revocations(resources) == 0
    assert "revocation_unreadable" in caplog.messages


async def test_unreadable_left_grant_does_not_keep_a_host_from_disconnecting(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    key = (connection.org_id, str(connection.user_id), connection.client_id)
    async with resources.database.system() as session:
        await store_superseded(
            session, resources.vault, GrantWithToken("host_a", key, INSTANCE, "5Aep861left.readable")
        )
        await store_superseded(
            session, resources.vault, GrantWithToken("host_a", key, INSTANCE, "5Aep861left.broken")
        )
        row = (await session.scalars(select(SupersededGrant))).first()
        assert row is not None
        row.token = b"\x01\x02k1 broken"
    with caplog.at_level(logging.ERROR):
        await disconnect_host(resources, "host_a", user_id="user_17")
    assert "grant_unreadable" in caplog.messages
    assert len(endpoint.revoked) == 2
    async with resources.database.system() as session:
        assert (await session.scalars(select(SupersededGrant))).all() == []


async def test_unreadable_grant_does_not_keep_a_host_from_disconnecting(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    connection = connection_for(resources.vault)
    connection.refresh_token = b"\x01\x02k1 broken"
    await add(resources, connection)
    await disconnect_host(resources, "host_a", user_id="user_17")
    assert (await stored(resources)).state == "disconnected"
    assert endpoint.revoked == []


async def test_tampered_login_host_gets_no_revocation(resources: Resources, endpoint: TokenEndpoint) -> None:
    await add(resources, connection_for(resources.vault, login_url="https://login.evil.example"))
    await disconnect_host(resources, "host_a", user_id="user_17")
    assert endpoint.revoked == []
    assert len(await queued(resources)) == 1


async def test_idle_grant_is_refreshed_and_a_fresh_one_is_not(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    now = datetime.now(UTC)
    await add(resources, connection_for(resources.vault, "idle", refreshed_at=now - timedelta(days=6.1)))
    await add(resources, connection_for(resources.vault, "fresh", refreshed_at=now - timedelta(days=5.9)))
    await add(resources, connection_for(resources.vault, "never", connected_at=now - timedelta(days=9)))
    assert await keep_alive(resources, now) == 2
    assert await keep_alive(resources, now) == 0
    assert [(await stored(resources, host)).token_version for host in ("idle", "fresh", "never")] == [2, 1, 2]


async def test_thirty_five_idle_days_leave_a_living_connection(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    endpoint.is_rotating = True
    start = datetime.now(UTC)
    await add(resources, connection_for(resources.vault, connected_at=start, refreshed_at=start))
    for day in range(36):
        async with resources.database.tenant("host_a") as session:
            shift = func.clock_timestamp() - timedelta(days=1)
            aged = {"refreshed_at": Connection.refreshed_at - timedelta(days=1), "connected_at": shift}
            await session.execute(update(Connection).values(aged))
        await keep_alive(resources, start + timedelta(seconds=day))
    assert (await stored(resources)).state == "connected"
    assert (len(endpoint.posts), endpoint.reuses) == (6, 0)


async def test_keep_alive_leaves_a_lost_answer_alone_while_the_access_token_lives(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    await add(resources, connection_for(resources.vault, connected_at=NOW - timedelta(days=30)))
    endpoint.is_rotating, endpoint.next_answer = True, [endpoint.lose]
    assert await keep_alive(resources) == 0
    async with resources.database.tenant("host_a") as session:
        old = func.clock_timestamp() - timedelta(seconds=41)
        await session.execute(update(Connection).values(refresh_started_at=old))
    assert await keep_alive(resources) == 0
    assert (await stored(resources)).state == "connected"
    assert len(endpoint.posts) == 1


async def test_one_dead_grant_does_not_keep_others_from_being_kept_alive(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    old = datetime.now(UTC) - timedelta(days=9)
    dead = connection_for(resources.vault, "dead", refresh_token="5Aep861dead", connected_at=old)
    await add(resources, dead)
    await add(resources, connection_for(resources.vault, "living", connected_at=old + timedelta(days=1)))
    endpoint.is_revoked = False
    await keep_alive(resources)
    endpoint.is_revoked = False
    assert (await stored(resources, "dead")).state == "needs_reconnect"


async def test_sixth_grant_of_one_user_explains_why_the_oldest_ended(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    await add(resources, connection_for(resources.vault, connected_at=NOW))
    for number in range(5):
        newer = NOW + timedelta(hours=number + 1)
        await add(resources, connection_for(resources.vault, f"newer_{number}", connected_at=newer))
    endpoint.is_revoked = True
    with pytest.raises(ConnectionEnded, match="grant_evicted"):
        await ConnectionTokens(resources, "host_a").renew(AccessToken("x", 1, INSTANCE))
    with pytest.raises(ConnectionEnded, match="access_revoked"):
        await ConnectionTokens(resources, "newer_0").renew(AccessToken("x", 1, INSTANCE))


@pytest.mark.parametrize(
    ("changes", "restored_after", "reason"),
    [
        pytest.param({"is_rotating": True}, 1, "restored", id="rotating"),
        pytest.param({"refreshed_at": None}, 1, "restored", id="never-renewed"),
        pytest.param({"is_rotating": False}, 1, "access_revoked", id="fixed"),
        pytest.param({"is_rotating": True}, -1, "access_revoked", id="renewed-after-the-restore"),
    ],
)
async def test_token_that_a_backup_brought_back_is_not_called_revoked(
    resources: Resources, endpoint: TokenEndpoint, changes: dict[str, Any], restored_after: int, reason: str
) -> None:
    known = {"connected_at": NOW, "refreshed_at": NOW} | changes
    await add(resources, connection_for(resources.vault, **known))
    async with resources.database.system() as session:
        at = NOW + timedelta(hours=restored_after)
        session.add(Restore(restored_at=at, since=at - timedelta(days=1), looks_until=at))
    endpoint.is_revoked = True
    with pytest.raises(ConnectionEnded, match=reason):
        await ConnectionTokens(resources, "host_a").renew(AccessToken("x", 1, INSTANCE))


async def test_reconnects_of_others_explain_an_ended_grant_as_well(
    resources: Resources, endpoint: TokenEndpoint
) -> None:
    """Three newer connections, one of which was made three times: that are five newer approvals."""
    oldest = await add(resources, connection_for(resources.vault, connected_at=NOW))
    key = (oldest.org_id, str(oldest.user_id), oldest.client_id)
    for number in range(3):
        newer = NOW + timedelta(hours=number + 1)
        await add(resources, connection_for(resources.vault, f"newer_{number}", connected_at=newer))
    async with resources.database.system() as session:
        for minutes in (10, 20):
            granted_at = NOW + timedelta(minutes=minutes)
            left = GrantWithToken("newer_0", key, INSTANCE, f"5Aep861left.{minutes}", granted_at)
            await store_superseded(session, resources.vault, left)
    endpoint.is_revoked = True
    with pytest.raises(ConnectionEnded, match="grant_evicted"):
        await ConnectionTokens(resources, "host_a").renew(AccessToken("x", 1, INSTANCE))


async def test_open_client_calls_the_hosts_org(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    client = await open_client(resources, "host_a")
    assert (client.instance_url, client.api_version) == (INSTANCE, "62.0")


async def test_open_client_hands_on_the_guard(resources: Resources, connection: Connection) -> None:
    def forbid() -> None:
        raise PermissionError

    client = await open_client(resources, "host_a", before_send=forbid)
    with pytest.raises(PermissionError):
        await client.versions()


async def test_unusable_connections_are_named(resources: Resources) -> None:
    with pytest.raises(NotConnected):
        await open_client(resources, "host_a")
    gone = {"refresh_token": None, "access_token": None}
    for host_id, state in (("ended", "needs_reconnect"), ("left", "disconnected")):
        row = connection_for(resources.vault, host_id, state=state, reason_code="ip_restricted")
        for name in gone:
            setattr(row, name, None)
        await add(resources, row)
    with pytest.raises(ConnectionNeedsReconnect) as caught:
        await open_client(resources, "ended")
    assert caught.value.reason == "ip_restricted"
    assert caught.value.advice is not None
    assert "help@eventship.example" in " ".join(caught.value.advice.steps)
    with pytest.raises(NotConnected):
        await open_client(resources, "left")


async def test_tampered_instance_gets_no_client(resources: Resources) -> None:
    await add(resources, connection_for(resources.vault, instance_url="https://evil.example"))
    with pytest.raises(ConnectionUnusable, match="instance_not_allowed"):
        await open_client(resources, "host_a")


async def test_use_is_noted(resources: Resources, connection: Connection) -> None:
    async with resources.database.tenant("host_a") as session:
        await mark_used(session, "host_a")
    read = await stored(resources)
    assert (read.last_used_at is not None, read.last_written_at) == (True, None)
    async with resources.database.tenant("host_a") as session:
        await mark_used(session, "host_a", has_written=True)
    assert (await stored(resources)).last_written_at is not None


async def test_connection_ends_once_and_only_for_its_own_version(
    resources: Resources, connection: Connection
) -> None:
    async def end(version: int | None) -> bool:
        async with resources.database.tenant("host_a") as session:
            return await disconnect_by_salesforce(
                session, "host_a", reason_code="api_disabled", token_version=version
            )

    assert [await end(7), await end(1), await end(None)] == [False, True, False]
    row = await stored(resources)
    assert (row.state, row.reason_code, row.version) == ("needs_reconnect", "api_disabled", 2)
    async with resources.database.tenant("host_a") as session:
        assert await first_broken(session, "host_a") is None


@pytest.mark.parametrize(("refreshed", "is_marked"), [(None, True), (1, False)], ids=["call", "refresh"])
async def test_only_the_answer_to_a_refresh_takes_its_mark_away(
    resources: Resources, connection: Connection, refreshed: int | None, is_marked: bool
) -> None:
    """A call is refused while another process waits for a new token: nobody may use the old one meanwhile."""
    async with resources.database.tenant("host_a") as session:
        marked = {"refresh_started_at": func.clock_timestamp(), "is_rotating": True}
        await session.execute(update(Connection).values(marked))
        await disconnect_by_salesforce(session, "host_a", reason_code="api_disabled", token_version=refreshed)
    assert ((await stored(resources)).refresh_started_at is not None) == is_marked


async def test_expired_session_is_renewed_inside_a_call(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    expired = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]

    async def org(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/query"):
            is_old = request.headers["authorization"].endswith("access.1")
            page = {"done": True, "records": []}
            return httpx.Response(401, json=expired) if is_old else httpx.Response(200, json=page)
        return await endpoint(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(org)) as http:
        client = await open_client(replace(resources, http=http), "host_a")
        assert await client.query("SELECT Id FROM Lead") == []
    assert len(endpoint.posts) == 1


async def test_the_log_names_the_host_whose_connection_ended_and_why(
    resources: Resources, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        async with resources.database.tenant("host_a") as session:
            await disconnect_by_salesforce(session, "host_a", reason_code="user_inactive")
    [line] = [record for record in caplog.records if record.message == "connection_ended"]
    assert (vars(line)["host_id"], vars(line)["reason_code"]) == ("host_a", "user_inactive")
