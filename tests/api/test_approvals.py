"""Five approvals of one user and app: counted, warned of, confirmed, refused."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.connections.ends import end_connection
from app.connections.tokens import ConnectionTokens
from app.models import LeftGrant
from app.salesforce.session import ConnectionEnded
from tests.api.conftest import Service
from tests.api.connecting import grants
from tests.factories import connection_for
from tests.tokens import TokenMint


async def with_approvals(service: Service, count: int) -> None:
    """So many hosts of the same Salesforce user, connected by the caller."""
    for number in range(count):
        async with service.resources.database.tenant(f"other_{number}") as session:
            session.add(connection_for(service.resources.vault, f"other_{number}"))


@pytest.mark.parametrize(
    ("approvals", "is_confirmed", "status", "said"),
    [
        pytest.param(2, False, 201, [], id="third"),
        pytest.param(3, False, 201, ["fourth_approval"], id="fourth is warned"),
        pytest.param(4, False, 409, "ApprovalNeedsConfirmation", id="fifth is asked"),
        pytest.param(4, True, 201, ["fifth_approval"], id="fifth is confirmed"),
        pytest.param(5, True, 409, "ApprovalsExhausted", id="sixth is refused"),
    ],
)
async def test_approvals_are_counted_before_the_sign_in(
    service: Service, approvals: int, is_confirmed: bool, status: int, said: object
) -> None:
    await with_approvals(service, approvals)
    answer = await service.http.post(
        "/v1/hosts/host_a/salesforce/connect", json={"confirm_approval": is_confirmed}
    )
    body = answer.json()
    assert answer.status_code == status
    if status == 201:
        assert [warning["code"] for warning in body["warnings"]] == said
    else:
        assert body["code"] == said


async def test_approvals_of_another_person_do_not_count(service: Service, mint: TokenMint) -> None:
    await with_approvals(service, 5)
    headers = mint.headers(hosts={"host_a": "owner"}, sub="user_99")
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={}, headers=headers)
    assert answer.status_code == 201


async def approvals(service: Service, host_id: str = "host_a") -> dict[str, Any]:
    shown: dict[str, Any] = (await service.card(host_id))["connection"]["approvals"]
    return shown


async def ask(service: Service, **wish: Any) -> tuple[int, str | list[str]]:
    """How the wish to connect is answered: the status, and the problem or the warnings."""
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json=wish)
    body = answer.json()
    said = [each["code"] for each in body["warnings"]] if answer.status_code == 201 else body["code"]
    return answer.status_code, said


async def test_same_user_again_revokes_nothing_and_takes_one_more_approval(service: Service) -> None:
    await service.connect()
    card = await service.connect()
    assert len(grants(service)) == 2
    assert (card["version"], card["state"]) == (2, "connected")
    assert await approvals(service) == {"count": 2, "limit": 5, "is_warning": False}


async def test_one_user_who_connects_six_times_is_warned_asked_and_refused(service: Service) -> None:
    answers = []
    for _ in range(5):
        asked = await ask(service)
        answers.append(asked)
        await service.connect(confirm_approval=asked[0] == 409)
    answers.append(await ask(service, confirm_approval=True))
    assert answers == [
        (201, []),
        (201, []),
        (201, []),
        (201, ["fourth_approval"]),
        (409, "ApprovalNeedsConfirmation"),
        (409, "ApprovalsExhausted"),
    ]
    assert (await approvals(service), len(grants(service))) == (
        {"count": 5, "limit": 5, "is_warning": True},
        5,
    )


async def test_disconnecting_gives_back_every_approval_of_the_host(service: Service) -> None:
    for _ in range(3):
        await service.connect()
    await service.connect("host_b")
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    assert len(grants(service)) == 1
    assert (await approvals(service, "host_b"))["count"] == 1
    assert await ask(service) == (201, [])


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
        await end_connection(session, "host_a", reason_code="api_disabled")
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
    attempt = await started_unjudged(service, "host_b")
    async with service.browser() as browser:
        await browser.sign_in(attempt)
    assert (await left_behind(service), len(grants(service))) == (3, 5)
    assert (await service.card())["state"] == "connected"


async def left_behind(service: Service) -> int:
    async with service.resources.database.system() as session:
        return await session.scalar(select(func.count()).select_from(LeftGrant)) or 0


async def started_unjudged(service: Service, host_id: str) -> str:
    """A start link of another person: who will sign in is not known, so nothing is counted before."""
    headers = service.mint.headers(hosts={host_id: "owner"}, sub="user_99")
    answer = await service.http.post(f"/v1/hosts/{host_id}/salesforce/connect", json={}, headers=headers)
    return str(answer.json()["start_url"])


async def test_sixth_approval_made_elsewhere_is_explained_to_the_host_that_it_ended(
    service: Service,
) -> None:
    """The first host's user connects five more hosts, each by somebody of whom we could not know it."""
    await service.connect()
    for number in range(5):
        headers = service.mint.headers(hosts={f"other_{number}": "owner"}, sub=f"user_{number}")
        url = f"/v1/hosts/other_{number}/salesforce/connect"
        start_url = (await service.http.post(url, json={}, headers=headers)).json()["start_url"]
        async with service.browser() as browser:
            await browser.sign_in(start_url)
    assert len(grants(service)) == 5
    with pytest.raises(ConnectionEnded, match="grant_evicted"):
        await ConnectionTokens(service.resources, "host_a").keep_alive()
    card = await service.card()
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "grant_evicted")
    assert "five approvals" in card["reason"]["explanation"]
    assert card["reason"]["link"] == "/docs/connecting#approvals"


async def test_failed_attempt_of_a_user_who_is_connected_elsewhere_revokes_nothing(service: Service) -> None:
    await service.connect("host_b")
    service.configure(is_api_enabled=False)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "api_disabled"
    assert len(grants(service)) == 2
    assert (await approvals(service, "host_b"))["count"] == 2
