"""Five approvals of one user and app: counted, warned of, confirmed, refused."""

import pytest

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


async def test_same_user_again_revokes_nothing(service: Service) -> None:
    await service.connect()
    card = await service.connect()
    assert len(grants(service)) == 2
    assert (card["version"], card["state"]) == (2, "connected")


async def test_failed_attempt_of_a_user_who_is_connected_elsewhere_revokes_nothing(service: Service) -> None:
    await service.connect("host_b")
    service.configure(is_api_enabled=False)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "api_disabled"
    assert len(grants(service)) == 2
