"""Unknown refusals of the token endpoint: tolerated a few times; a connection that ended is probed again."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update

from app.api.dependencies import Resources
from app.connections.tokens.probe import probe_closed
from app.connections.tokens.provider import ConnectionTokens
from app.models import Connection
from app.salesforce.auth import ConnectionEnded, GrantDoubted
from tests.integration.connections.conftest import stored
from tests.integration.connections.token_endpoint import TokenEndpoint, refused
from tests.integration.connections.tokens.test_provider import USED, mark

UNKNOWN = ("authentication failure", "", "ein unbekannter Fehler")


async def later(resources: Resources, seconds: float) -> None:
    async with resources.database.tenant("host_a") as session:
        await session.execute(
            update(Connection).values(fault_until=Connection.fault_until - timedelta(seconds=seconds))
        )


async def change(resources: Resources, **values: object) -> None:
    async with resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(values))


@pytest.mark.parametrize("words", UNKNOWN)
async def test_unknown_errors_are_tolerated_four_times_before_the_card_turns_red(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint, words: str
) -> None:
    tokens = ConnectionTokens(resources, "host_a")
    endpoint.next_answer = [lambda _: refused("invalid_grant", words) for _ in range(4)]
    waits = []
    for _ in range(3):
        with pytest.raises(GrantDoubted) as doubted:
            await tokens.renew(USED)
        row = await stored(resources)
        assert (row.state, row.fault_code, row.refresh_started_at) == ("connected", "grant_doubted", None)
        assert row.refresh_token is not None
        waits.append(doubted.value.retry_after)
        await later(resources, doubted.value.retry_after + 1)
    assert waits == [60, 300, 1800]
    with pytest.raises(ConnectionEnded, match="access_revoked"):
        await tokens.renew(USED)
    row = await stored(resources)
    assert (row.state, row.fault_code, row.fault_count) == ("needs_reconnect", None, 0)


async def test_who_asks_in_between_does_not_count(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.next_answer = [lambda _: refused("invalid_grant", "hm") for _ in range(6)]
    for _ in range(6):
        with pytest.raises(GrantDoubted):
            await ConnectionTokens(resources, "host_a").renew(USED)
    assert (await stored(resources)).fault_count == 1


async def test_doubt_that_passed_is_forgotten(
    resources: Resources, connection: Connection, endpoint: TokenEndpoint
) -> None:
    endpoint.next_answer = [lambda _: refused("invalid_grant", "hm")]
    with pytest.raises(GrantDoubted):
        await ConnectionTokens(resources, "host_a").renew(USED)
    assert (await ConnectionTokens(resources, "host_a").renew(USED)).version == 2
    row = await stored(resources)
    assert (row.state, row.fault_code, row.fault_count, row.fault_until) == ("connected", None, 0, None)


@pytest.fixture
async def ended(resources: Resources, connection: Connection) -> None:
    await change(resources, state="needs_reconnect", reason_code="access_revoked")


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hosts: list[str] = []

    async def probe(_: Resources, host_id: str) -> bool:
        hosts.append(host_id)
        return False

    monkeypatch.setattr("app.connections.tokens.probe.probe", probe)
    return hosts


REASONS = (
    "access_revoked",
    "user_inactive",
    "app_uninstalled",
    "app_blocked",
    "session_not_for_api",
    "org_inactive",
    "credentials_rejected",
    "grant_evicted",
    "restored",
    "api_disabled",
    "ip_restricted",
)


@pytest.mark.parametrize("reason", REASONS)
async def test_every_reason_is_tried_again_hourly(
    resources: Resources, ended: None, probed: list[str], reason: str
) -> None:
    await change(resources, reason_code=reason)
    await probe_closed(resources)
    assert probed == ["host_a"]


async def test_nobody_is_asked_after_thirty_days_or_against_the_hosts_will(
    resources: Resources, ended: None, probed: list[str]
) -> None:
    await change(resources, state_since=func.clock_timestamp() - timedelta(days=31))
    await probe_closed(resources)
    await change(resources, state_since=func.clock_timestamp(), reason_code="credentials_cleared")
    await probe_closed(resources)
    assert probed == []


@pytest.mark.parametrize("is_rotating", [True, False], ids=["rotating", "fixed"])
async def test_rotating_token_whose_answer_was_lost_is_not_sent_again(
    resources: Resources, ended: None, probed: list[str], is_rotating: bool
) -> None:
    await change(resources, is_rotating=is_rotating)
    await mark(resources, age=7200)
    await probe_closed(resources)
    assert probed == ([] if is_rotating else ["host_a"])
