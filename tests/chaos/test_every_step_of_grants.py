"""A process dies at its first, second, third … step of a refresh, a disconnect or a sign-in."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from app.api.dependencies import Resources
from app.api.edge import rate_limits
from app.connections.grants.disconnect import disconnect_host
from app.connections.grants.revocation import retry_revocations
from app.connections.grants.superseded import delete_superseded
from app.connections.model.encrypted_columns import REFRESH_TOKEN
from app.connections.oauth.unconfirmed import give_back_overdue
from app.connections.tokens.provider import ConnectionTokens
from app.models import (
    Connection,
    OAuthAttempt,
    PendingRevocation,
    SalesforceUser,
    UnconfirmedGrant,
    UnconfirmedUser,
)
from app.salesforce.auth import AccessToken, ConnectionEnded
from tests.api.browser import Browser
from tests.api.conftest import Service
from tests.chaos.steps import Died, MortalDatabase, MortalTransport, Steps
from tests.factories import connection_for
from tests.integration.connections.conftest import add, stored
from tests.integration.connections.token_endpoint import INSTANCE, TokenEndpoint

MOST_STEPS = 80
EVERY = 6
"""A new sign-in is slow: one is made after this many deaths."""


def mortal(resources: Resources, database: MortalDatabase, transport: httpx.AsyncBaseTransport) -> Resources:
    """The same resources, in a process that may die."""
    http = httpx.AsyncClient(transport=MortalTransport(transport, database.mortal))
    return replace(resources, database=database, http=http)


async def dies(database: MortalDatabase, step: int, deed: Callable[[], Awaitable[object]]) -> bool:
    """Do it until that step; says whether it came to that."""
    database.mortal.steps = Steps(dies_at=step)
    try:
        await deed()
    except (Died, BaseExceptionGroup):
        assert database.mortal.steps.has_died
    return database.mortal.steps.has_died


async def make_stale(resources: Resources, host_id: str) -> None:
    async with resources.database.tenant(host_id) as session:
        old = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, 41)
        is_marked = Connection.refresh_started_at.is_not(None)
        await session.execute(update(Connection).where(is_marked).values(refresh_started_at=old))


@pytest.mark.parametrize("is_rotating", [False, True], ids=["fixed", "rotating"])
async def test_refresh_that_dies_at_any_step_ends_in_a_new_token_or_in_an_honest_end(
    resources: Resources, endpoint: TokenEndpoint, mortal_database: MortalDatabase, is_rotating: bool
) -> None:
    """A rotated token whose answer died is gone for good: then the card says so, and nobody asks again."""
    ends = []
    for step in range(1, MOST_STEPS):
        host_id, token = f"host_{step}", f"5Aep861otter.refresh.{1000 * step}"
        await add(resources, connection_for(resources.vault, host_id, refresh_token=token))
        endpoint.is_rotating, endpoint.is_revoked, endpoint.refresh_token = is_rotating, False, token
        used = AccessToken("old", 1, INSTANCE)
        doomed = mortal(resources, mortal_database, httpx.MockTransport(endpoint))
        renew = ConnectionTokens(doomed, host_id).renew
        has_died = await dies(mortal_database, step, partial(renew, used))
        await make_stale(resources, host_id)
        ends.append(await end_of(resources, host_id, used=used))
        if not has_died:
            break
    assert set(ends) == ({"renewed", "access_revoked"} if is_rotating else {"renewed"})
    # Only the few steps between Salesforce's rotation and our commit cannot be undone.
    assert ends.count("access_revoked") <= 6
    assert len(ends) > 8


async def end_of(resources: Resources, host_id: str, *, used: AccessToken) -> str | None:
    """How the next process fares: `renewed`, or why the connection ended."""
    version = None
    with suppress(ConnectionEnded):
        version = (await ConnectionTokens(resources, host_id).renew(used)).version
    row = await stored(resources, host_id)
    if version is None:
        assert row.state == "needs_reconnect"
        return row.reason_code
    assert (row.state, row.token_version, row.refresh_started_at) == ("connected", version, None)
    return "renewed"


async def test_disconnect_that_dies_at_any_step_is_finished_by_the_next_and_revokes(
    resources: Resources, endpoint: TokenEndpoint, mortal_database: MortalDatabase
) -> None:
    for step in range(1, MOST_STEPS):
        host_id, token = f"host_{step}", f"5Aep861otter.refresh.{step}"
        await add(resources, connection_for(resources.vault, host_id, refresh_token=token))
        doomed = mortal(resources, mortal_database, httpx.MockTransport(endpoint))
        disconnect = partial(disconnect_host, doomed, host_id, user_id="user_17")
        has_died = await dies(mortal_database, step, disconnect)
        await disconnect_host(resources, host_id, user_id="user_17")
        async with resources.database.system() as session:
            await session.execute(update(PendingRevocation).values(due_at=func.clock_timestamp()))
        await retry_revocations(resources)
        row = await stored(resources, host_id)
        assert (row.state, row.refresh_token, row.access_token) == ("disconnected", None, None)
        assert token in endpoint.revoked
        if not has_died:
            break
    assert 8 < step < MOST_STEPS
    async with resources.database.system() as session:
        assert (await session.scalars(select(PendingRevocation))).all() == []


async def test_sign_in_that_dies_at_any_step_leaves_the_connection_whole_and_can_be_done_again(
    service: Service, mortal_database: MortalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So many attempts in a minute are no person's.
    monkeypatch.setattr(rate_limits, "ALLOWANCES", ())
    whole, simulator = service.resources, httpx.ASGITransport(service.simulator)
    doomed = mortal(whole, mortal_database, simulator)
    seen = set()
    for step in range(1, 2 * MOST_STEPS):
        attempt = await service.start()
        service.app.state.resources = doomed
        async with service.browser() as browser:
            connect = partial(sign_in_and_confirm, service, browser, attempt["start_url"])
            has_died = await dies(mortal_database, step, connect)
        service.app.state.resources = whole
        seen.add(await state_of(whole))
        await give_back_what_waits(whole)
        await free_approvals(whole)
        if step % EVERY == 0:
            assert (await service.connect())["state"] == "connected"
        if not has_died:
            break
    assert seen <= {"none", "connected"}
    assert 15 < step < 2 * MOST_STEPS


async def test_users_own_sign_in_that_dies_at_any_step_leaves_no_token_and_can_be_done_again(
    service: Service, mortal_database: MortalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "ALLOWANCES", ())
    await service.connect(user=0)
    whole, simulator = service.resources, httpx.ASGITransport(service.simulator)
    doomed = mortal(whole, mortal_database, simulator)
    before, ends = await state_of(whole), set()
    for step in range(1, 2 * MOST_STEPS):
        begun = (await service.http.post("/v1/hosts/host_a/salesforce/me/connect", json={})).json()
        service.app.state.resources = doomed
        async with service.browser() as browser:
            confirm = partial(sign_in_and_confirm, service, browser, begun["start_url"], user=1)
            has_died = await dies(mortal_database, step, confirm)
        service.app.state.resources = whole
        is_kept = await knows_who_signed_in(whole)
        await give_back_what_waits(whole)
        left = await tokens_left(service)
        # Only a token that came just now, with nothing stored of it yet, cannot be given back.
        assert left <= (0 if is_kept else 1)
        ends.add(await take_own_user(whole))
        if not has_died:
            break
    assert (ends, await state_of(whole)) == ({None, "00D"}, before)
    assert 15 < step < 2 * MOST_STEPS


async def knows_who_signed_in(resources: Resources) -> bool:
    async with resources.database.system() as session:
        tables = (select(UnconfirmedUser.user_id), select(SalesforceUser.user_id))
        return any([await session.scalar(each) for each in tables])


async def tokens_left(service: Service) -> int:
    """Grants beside the host's once all that is queued is revoked; they are taken away for the next turn."""
    async with service.resources.database.system() as session:
        await session.execute(update(PendingRevocation).values(due_at=func.clock_timestamp()))
    await retry_revocations(service.resources)
    grants = service.simulator.simulator.default_org.grants
    left = [grant for grant in grants if not grant.can_refresh]
    for grant in left:
        grants.revoke(grant)
    async with service.resources.database.system() as session:
        assert (await session.scalars(select(PendingRevocation))).all() == []
        assert (await session.scalars(select(UnconfirmedUser))).all() == []
    return len(left)


async def take_own_user(resources: Resources) -> str | None:
    """The beginning of the org of whoever is kept, taken away for the next turn."""
    async with resources.database.system() as session:
        found = await session.scalar(delete(SalesforceUser).returning(SalesforceUser.org_id))
    return found[:3] if found else None


async def sign_in_and_confirm(service: Service, browser: Browser, start_url: str, *, user: int = 0) -> None:
    await service.complete(await browser.sign_in(start_url, user=user))


async def give_back_what_waits(resources: Resources) -> None:
    """Wherever it died: a grant that was kept apart is given back in time."""
    async with resources.database.system() as session:
        await session.execute(update(OAuthAttempt).values(expires_at=func.clock_timestamp()))
    await give_back_overdue(resources)
    async with resources.database.system() as session:
        assert (await session.scalars(select(UnconfirmedGrant))).all() == []


async def free_approvals(resources: Resources) -> None:
    """So often nobody may connect: what the sign-ins before left is taken off the count."""
    async with resources.database.system() as session:
        await delete_superseded(session, "host_a")


async def state_of(resources: Resources) -> str:
    """`none`, or the state of a connection that is whole: its token can be read."""
    async with resources.database.tenant("host_a") as session:
        connection = await session.get(Connection, "host_a")
    if connection is None:
        return "none"
    assert connection.refresh_token is not None
    assert resources.vault.open(connection.refresh_token, host_id="host_a", column=REFRESH_TOKEN)
    return connection.state
