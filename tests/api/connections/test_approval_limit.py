"""Five approvals of one user and app: counted, warned of, confirmed, refused."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.connections.tokens.connection_state import disconnect_by_salesforce
from app.connections.tokens.provider import ConnectionTokens
from app.models import SupersededGrant
from app.salesforce.auth import ConnectionEnded
from tests.api.browser import brought_back
from tests.api.conftest import Service
from tests.api.connections.steps import grants
from tests.factories import connection_for
from tests.tokens import TokenMint


async def with_approvals(service: Service, count: int, *, as_seen: bool = True) -> None:
    """So many hosts of one Salesforce user, connected by the caller; or, where they are not `as_seen`, of the
    user who signs in at the simulator, connected by somebody else.
    """
    simulated = service.simulator.simulator.default_org
    user = next(iter(simulated.store.live("User")))
    real = {"org_id": simulated.id, "user_id": user["Id"], "connected_by": "user_99"}
    for number in range(count):
        async with service.resources.database.tenant(f"other_{number}") as session:
            changes = {} if as_seen else real
            session.add(connection_for(service.resources.vault, f"other_{number}", **changes))


@pytest.mark.parametrize(
    ("approvals", "warnings"),
    [
        pytest.param(2, [], id="third"),
        pytest.param(3, ["fourth_approval"], id="fourth"),
        pytest.param(4, ["fifth_approval"], id="fifth"),
        pytest.param(5, ["sixth_approval"], id="sixth"),
    ],
)
async def test_start_warns_of_what_is_known_and_refuses_nothing(
    service: Service, approvals: int, warnings: list[str]
) -> None:
    await with_approvals(service, approvals)
    assert await warned_of(service) == warnings


async def test_approvals_of_another_person_do_not_count(service: Service, mint: TokenMint) -> None:
    await with_approvals(service, 5)
    headers = mint.headers(hosts={"host_a": "owner"}, sub="user_99")
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={}, headers=headers)
    assert answer.status_code == 201


async def approvals(service: Service, host_id: str = "host_a") -> dict[str, Any]:
    body: dict[str, Any] = (await service.card(host_id))["connection"]["approvals"]
    return body


async def warned_of(service: Service, **wish: Any) -> list[str]:
    """What is said of approvals before the sign-in."""
    return [each["code"] for each in (await service.start(**wish))["warnings"]]


async def test_same_user_again_revokes_nothing_and_takes_one_more_approval(service: Service) -> None:
    await service.connect()
    card = await service.connect()
    assert len(grants(service)) == 2
    assert (card["version"], card["state"]) == (2, "connected")
    assert await approvals(service) == {"count": 2, "limit": 5, "is_warning": False}


async def test_fifth_approval_is_judged_after_the_sign_in_and_must_be_confirmed(service: Service) -> None:
    await with_approvals(service, 4, as_seen=False)
    landed = await service.sign_in()
    body = await service.attempt(brought_back(landed)[0])
    assert body["approvals"] == {"count": 5, "limit": 5, "is_warning": True}
    assert [each["code"] for each in body["warnings"]] == ["fifth_approval"]
    refused = await service.complete(landed)
    assert (refused.status_code, refused.json()["code"]) == (409, "ApprovalNeedsConfirmation")
    assert (await service.card())["state"] == "not_connected"
    assert (await service.complete(landed, confirm_approval=True)).json()["state"] == "connected"
    assert await approvals(service) == {"count": 5, "limit": 5, "is_warning": True}


async def test_fourth_approval_is_warned_of_and_needs_no_confirmation(service: Service) -> None:
    await with_approvals(service, 3, as_seen=False)
    landed = await service.sign_in()
    body = await service.attempt(brought_back(landed)[0])
    assert [each["code"] for each in body["warnings"]] == ["fourth_approval"]
    assert (await service.complete(landed)).json()["state"] == "connected"


async def test_one_user_who_connects_six_times_is_warned_and_asked_and_loses_the_oldest(
    service: Service,
) -> None:
    warnings = []
    for number in range(1, 7):
        warnings.append(await warned_of(service))
        await service.connect(confirm_approval=number >= 5)
    assert warnings == [[], [], [], ["fourth_approval"], ["fifth_approval"], ["sixth_approval"]]
    assert (await approvals(service), len(grants(service))) == (
        {"count": 5, "limit": 5, "is_warning": True},
        5,
    )


async def test_sixth_host_connects_and_the_host_that_lost_its_grant_learns_it_at_once(
    service: Service, mint: TokenMint
) -> None:
    hosts = {f"host_{number}": "owner" for number in range(1, 7)}
    service.http.headers.update(mint.headers(hosts=hosts))
    for number in range(1, 6):
        await service.connect(f"host_{number}", confirm_approval=number == 5)
    landed = await service.sign_in("host_6")
    assert len(grants(service)) == 5
    states = {host: (await service.card(host))["state"] for host in hosts}
    assert states == dict.fromkeys(hosts, "connected") | {
        "host_1": "needs_reconnect",
        "host_6": "not_connected",
    }
    assert (await service.card("host_1"))["reason"]["code"] == "grant_evicted"
    body = await service.attempt(brought_back(landed)[0], "host_6")
    assert [each["code"] for each in body["warnings"]] == ["sixth_approval"]
    assert body["approvals"]["count"] == 5
    refused = await service.complete(landed, "host_6")
    assert refused.json()["advice"]["code"] == "sixth_approval"
    assert (await service.complete(landed, "host_6", confirm_approval=True)).status_code == 200
    assert (await service.card("host_6"))["state"] == "connected"


async def test_sixth_host_of_another_salesforce_user_connects_without_a_question(
    service: Service, mint: TokenMint
) -> None:
    hosts = {f"host_{number}": "owner" for number in range(1, 7)}
    service.http.headers.update(mint.headers(hosts=hosts))
    for number in range(1, 6):
        await service.connect(f"host_{number}", confirm_approval=number == 5)
    landed = await service.sign_in("host_6", user=1)
    body = await service.attempt(brought_back(landed)[0], "host_6")
    assert (body["approvals"], body["warnings"]) == ({"count": 1, "limit": 5, "is_warning": False}, [])
    assert (await service.complete(landed, "host_6")).status_code == 200
    states = {host: (await service.card(host))["state"] for host in hosts}
    assert states == dict.fromkeys(hosts, "connected")


async def test_disconnecting_gives_back_every_approval_of_the_host(service: Service) -> None:
    for _ in range(3):
        await service.connect()
    await service.connect("host_b")
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    assert len(grants(service)) == 1
    assert (await approvals(service, "host_b"))["count"] == 1
    assert await warned_of(service) == []


async def test_left_grants_count_for_every_host_of_the_user(service: Service) -> None:
    for _ in range(3):
        await service.connect()
    await service.connect("host_b")
    assert [(await approvals(service, host))["count"] for host in ("host_a", "host_b")] == [4, 4]


async def test_reconnecting_a_dead_grant_takes_no_second_approval(service: Service) -> None:
    await service.connect()
    await service.connect()
    for grant in list(service.simulator.simulator.default_org.grants):
        service.simulator.simulator.default_org.grants.revoke(grant)
    with pytest.raises(ConnectionEnded):
        await ConnectionTokens(service.resources, "host_a").keep_alive()
    await service.connect()
    assert ((await approvals(service))["count"], len(grants(service))) == (1, 1)


async def test_reconnecting_over_a_closed_api_leaves_the_old_grant_and_counts_it(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await disconnect_by_salesforce(session, "host_a", reason_code="api_disabled")
    assert (await approvals(service))["count"] == 1
    await service.connect()
    assert ((await approvals(service))["count"], len(grants(service))) == (2, 2)


async def test_old_grant_of_another_app_is_revoked(service: Service) -> None:
    await service.connect()
    own = {"client_id": "3MVG9own.key", "client_secret": "own-secret"}
    shared = {"client_id": "3MVG9otter", "client_secret": "otter-secret"}
    service.configure(apps=[shared, own])
    pair = {"mode": "own", "consumer_key": own["client_id"], "consumer_secret": own["client_secret"]}
    await service.http.put("/v1/hosts/host_a/salesforce/app-credentials", json=pair)
    await service.connect()
    assert [grant.client_id for grant in service.simulator.simulator.default_org.grants] == ["3MVG9own.key"]
    assert (await approvals(service))["count"] == 1


async def test_left_grants_that_salesforce_ended_as_the_oldest_are_forgotten(service: Service) -> None:
    for number in range(5):
        await service.connect(confirm_approval=number == 4)
    assert await left_behind(service) == 4
    await service.sign_in("host_b")
    assert (await left_behind(service), len(grants(service))) == (3, 5)
    assert (await service.card())["state"] == "connected"


async def left_behind(service: Service) -> int:
    async with service.resources.database.system() as session:
        return await session.scalar(select(func.count()).select_from(SupersededGrant)) or 0


async def test_reconnect_of_the_same_user_ends_what_it_left_and_no_neighbour(service: Service) -> None:
    await service.connect("host_b")
    for number in range(5):
        await service.connect(confirm_approval=number >= 3)
    assert len(grants(service)) == 5
    assert (await service.card("host_b"))["reason"]["code"] == "grant_evicted"
    assert (await service.card())["state"] == "connected"


async def test_failed_attempt_of_a_user_who_is_connected_elsewhere_revokes_nothing(service: Service) -> None:
    await service.connect("host_b")
    service.configure(is_api_enabled=False)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "api_disabled"
    assert len(grants(service)) == 2
    assert (await approvals(service, "host_b"))["count"] == 2
