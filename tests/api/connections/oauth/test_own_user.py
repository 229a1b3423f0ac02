"""A platform user says who they are in Salesforce: by a sign-in of their own, of which no token is kept."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from app.config.settings import Settings
from app.connections.oauth.unconfirmed import give_back_overdue
from app.infrastructure.database import Database
from app.models import AuditEntry, Connection, SalesforceUser, SupersededGrant, UnconfirmedUser
from app.salesforce.ids import to18
from salesforce_simulator.app import SimulatorApp
from tests.api.browser import brought_back
from tests.api.conftest import Service, running
from tests.api.connections.steps import audited, code_for, expire, grants, query_of
from tests.api.intercepting_transport import Interceptor, with_body
from tests.tokens import TokenMint

S = "/v1/hosts/host_a/salesforce"
SAM, INES = 1, 0
OTHER_ORG = "00D5g000004XyZaEAK"


@pytest.fixture
def olga(mint: TokenMint) -> dict[str, str]:
    """A member of the host, who organizes events."""
    return member(mint)


def member(mint: TokenMint, sub: str = "user_olga", **claims: Any) -> dict[str, str]:
    values = {"hosts": {"host_a": "member"}, "email": " Olga@Acme.example"} | claims
    return mint.headers(sub=sub, **values)


async def start(service: Service, headers: dict[str, str], **wish: Any) -> dict[str, Any]:
    answer = await service.http.post(f"{S}/me/connect", json=wish, headers=headers)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def sign_in(
    service: Service, headers: dict[str, str], *, user: int = SAM, **wish: Any
) -> httpx.Response:
    begun = await start(service, headers, **wish)
    async with service.browser() as browser:
        return await browser.sign_in(begun["start_url"], user=user)


async def me(service: Service, headers: dict[str, str]) -> dict[str, Any]:
    answer = await service.http.get(f"{S}/me", headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def attempt(service: Service, headers: dict[str, str], landed: httpx.Response) -> dict[str, Any]:
    url = f"{S}/connect/{query_of(landed.headers['location'])['attempt']}"
    body: dict[str, Any] = (await service.http.get(url, headers=headers)).json()
    return body


async def rows(service: Service, table: Any) -> list[Any]:
    async with service.resources.database.system() as session:
        return list(await session.scalars(select(table)))


async def test_member_connects_the_own_user_and_no_token_is_left(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect(user=INES)
    before = grants(service)
    landed = await sign_in(service, olga)
    assert (await me(service, olga), await rows(service, SalesforceUser)) == (
        {"user": None, "is_same_org": False, "connected_at": None},
        [],
    )
    answer = await service.complete(landed, headers=olga)
    assert (answer.status_code, answer.json()["state"], answer.json()["purpose"]) == (
        200,
        "connected",
        "user",
    )
    found = await me(service, olga)
    sam = list(service.simulator.simulator.default_org.store.live("User"))[SAM]
    assert found["user"] == {
        "id": sam["Id"],
        "username": sam["Username"],
        "name": sam["Name"],
        "email": sam["Email"],
    }
    assert found["is_same_org"]
    assert found["connected_at"]
    [row] = await rows(service, SalesforceUser)
    assert (row.platform_user_id, row.email_key) == ("user_olga", "olga@acme.example")
    assert grants(service) == before
    assert (await rows(service, UnconfirmedUser), await rows(service, SupersededGrant)) == ([], [])
    assert (await audited(service))[-1] == "salesforce.user_connected"
    assert (await service.card())["connection"]["user"]["username"] != sam["Username"]


async def test_only_who_signs_in_is_asked_for(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    begun = await start(service, olga)
    page = await service.http.get(begun["start_url"])
    assert "Connect your Salesforce user" in page.text
    assert "can neither read nor change" in page.text
    answer = await service.http.post(begun["start_url"])
    query = query_of(answer.headers["location"])
    assert query["scope"] == "id"
    assert (query["code_challenge_method"], len(query["code_challenge"])) == ("S256", 43)
    assert query["prompt"] == "login"
    assert answer.headers["location"].startswith(service.settings.salesforce_login_url)


async def test_app_without_the_scope_id_is_asked_for_openid(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    [app] = service.simulator.simulator.default_org.config.apps
    service.configure(
        apps=[app.model_copy(update={"scopes": ("api", "refresh_token", "openid")}).model_dump()]
    )
    assert (await service.complete(await sign_in(service, olga), headers=olga)).json()["state"] == "connected"
    service.configure(apps=[app.model_copy(update={"scopes": ("api", "refresh_token")}).model_dump()])
    landed = await sign_in(service, olga)
    assert (await attempt(service, olga, landed))["problem"]["code"] == "scope_refused"


@pytest.mark.parametrize("scopes", [("api", "refresh_token", "id"), ("api", "refresh_token", "openid")])
async def test_sign_ins_that_nobody_came_back_from_keep_nobody_from_the_next(
    service: Service, mint: TokenMint, scopes: tuple[str, ...]
) -> None:
    """An app may say only on a page of the org that it lacks a scope, so the next is asked for the other."""
    await service.connect()
    [app] = service.simulator.simulator.default_org.config.apps
    service.configure(apps=[app.model_copy(update={"scopes": scopes}).model_dump()])
    asked = []
    for sub in ("user_olga", "user_olga", "user_other"):
        begun = await start(service, member(mint, sub))
        answer = await service.http.post(begun["start_url"])
        asked.append(query_of(answer.headers["location"])["scope"])
    assert asked == ["id", "openid", "id"]
    olga = member(mint)
    for _ in range(2):
        landed = await sign_in(service, olga)
        assert (await service.complete(landed, headers=olga)).json()["state"] == "connected"


async def test_host_that_is_not_connected_has_nothing_to_sign_in_to(
    service: Service, olga: dict[str, str]
) -> None:
    async def refusal() -> tuple[int, str]:
        answer = await service.http.post(f"{S}/me/connect", json={}, headers=olga)
        return answer.status_code, answer.json()["code"]

    assert await refusal() == (409, "NotConnected")
    await service.connect()
    await service.http.post(f"{S}/disconnect", json={"confirm": True})
    assert await refusal() == (409, "NotConnected")


async def test_users_own_token_stays_beside_a_living_grant_and_counts_as_an_approval(
    service: Service, mint: TokenMint
) -> None:
    """Salesforce may end the host's grant with it: it is kept among the left grants and never used."""
    await service.connect(user=INES)
    rita = member(mint, "user_rita")
    landed = await sign_in(service, rita, user=INES)
    assert (await attempt(service, rita, landed))["approvals"]["count"] == 2
    assert (await service.complete(landed, headers=rita)).status_code == 200
    assert len(grants(service)) == 2
    assert [row.host_id for row in await rows(service, SupersededGrant)] == ["host_a"]
    card = await service.card()
    assert (card["state"], card["connection"]["approvals"]["count"]) == ("connected", 2)
    await service.http.post(f"{S}/disconnect", json={"confirm": True})
    assert grants(service) == []


async def test_fifth_approval_is_confirmed(service: Service, mint: TokenMint) -> None:
    await service.connect(user=INES)
    rita = member(mint, "user_rita")
    for _ in range(3):
        await service.complete(await sign_in(service, rita, user=INES), headers=rita)
    landed = await sign_in(service, rita, user=INES)
    refused = await service.complete(landed, headers=rita)
    assert (refused.status_code, refused.json()["code"]) == (409, "ApprovalNeedsConfirmation")
    assert (await service.complete(landed, headers=rita, confirm_approval=True)).status_code == 200
    begun = await start(service, rita)
    assert [each["code"] for each in begun["warnings"]] == ["sixth_approval"]


async def test_user_of_another_org_is_refused_and_given_back(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    async with service.resources.database.system() as session:
        await session.execute(update(Connection).values(org_id=OTHER_ORG))
    before = grants(service)
    landed = await sign_in(service, olga)
    assert query_of(landed.headers["location"])["salesforce"] == "failed"
    body = await attempt(service, olga, landed)
    assert (body["state"], body["problem"]["code"]) == ("failed", "user_of_another_org")
    assert (grants(service), await rows(service, SalesforceUser), await rows(service, UnconfirmedUser)) == (
        before,
        [],
        [],
    )


async def test_host_that_moves_before_the_confirmation_refuses_it(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    async with service.resources.database.system() as session:
        await session.execute(update(Connection).values(org_id=OTHER_ORG))
    answer = await service.complete(landed, headers=olga)
    assert (answer.status_code, answer.json()["code"]) == (409, "UserOfAnotherOrg")
    assert (await attempt(service, olga, landed))["problem"]["code"] == "user_of_another_org"
    assert (await rows(service, SalesforceUser), await rows(service, UnconfirmedUser)) == ([], [])


async def test_host_that_moves_later_leaves_the_user_unused(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    await service.complete(await sign_in(service, olga), headers=olga)
    async with service.resources.database.system() as session:
        await session.execute(update(Connection).values(org_id=OTHER_ORG))
    found = await me(service, olga)
    assert found["user"]
    assert not found["is_same_org"]


async def test_inactive_user_and_answers_of_another_are_not_believed(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint, olga: dict[str, str]
) -> None:
    interceptor = Interceptor(httpx.ASGITransport(simulator))
    async with running(settings, simulator, mint=mint, transport=interceptor) as service:
        await service.connect()
        for path, changed, problem in (
            ("/id/", {"user_id": to18("0055g000001AbCd")}, "answer_not_genuine"),
            ("/id/", {"organization_id": OTHER_ORG}, "answer_not_genuine"),
            ("/id/", {"active": False}, "user_inactive"),
            ("/oauth2/token", {"id": "https://evil.example/id/00D/005"}, "answer_not_genuine"),
            ("/oauth2/token", {"signature": "c29tZWJvZHk="}, "answer_not_genuine"),
            ("/oauth2/token", {"instance_url": "https://evil.example"}, "host_not_allowed"),
        ):
            before = len(grants(service))
            interceptor.changes[path] = with_body(**changed)
            landed = await sign_in(service, olga)
            del interceptor.changes[path]
            assert (await attempt(service, olga, landed))["problem"]["code"] == problem, changed
            assert len(grants(service)) == before
        assert await rows(service, UnconfirmedUser) == []


async def test_another_user_with_the_right_code_ends_it(service: Service, mint: TokenMint) -> None:
    """Whoever was sent the link must not become the organizer of those who sent it."""
    await service.connect()
    olga, other = member(mint), member(mint, "user_other")
    for headers in (other, mint.headers(sub="user_owner", hosts={"host_a": "owner"})):
        landed = await sign_in(service, olga)
        answer = await service.complete(landed, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "AttemptNotFound")
        assert (await attempt(service, olga, landed))["problem"]["code"] == "other_user"
        assert (await service.complete(landed, headers=olga)).json()["code"] == "AttemptNotConfirmable"
    assert (await rows(service, SalesforceUser), await rows(service, UnconfirmedUser)) == ([], [])


async def test_user_of_another_tenant_ends_it_and_sees_nothing(service: Service, mint: TokenMint) -> None:
    await service.connect()
    olga = member(mint)
    landed = await sign_in(service, olga)
    stranger = mint.headers(sub="user_olga", hosts={"host_c": "owner"})
    for path in ("me", "users", f"connect/{brought_back(landed)[0]}"):
        answer = await service.http.get(f"{S}/{path}", headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "HostNotFound")
    elsewhere = await service.http.get("/v1/hosts/host_c/salesforce/me", headers=stranger)
    assert elsewhere.json()["user"] is None


async def test_only_the_user_who_began_it_sees_whom_the_attempt_names(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    assert (await attempt(service, olga, landed))["user"]["username"]
    assert (await attempt(service, {}, landed))["code"] == "AttemptNotFound"


async def test_role_lost_before_the_confirmation_ends_it(service: Service, mint: TokenMint) -> None:
    await service.connect()
    olga = member(mint)
    landed = await sign_in(service, olga)
    answer = await service.complete(landed, headers=member(mint, hosts={"host_b": "owner"}))
    assert answer.status_code == 404
    assert (await attempt(service, olga, landed))["problem"]["code"] == "role_lost"
    assert await rows(service, UnconfirmedUser) == []


async def test_role_of_a_member_is_no_lost_role(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    await service.http.get(S, headers=olga)
    await me(service, olga)
    assert (await service.complete(landed, headers=olga)).status_code == 200


async def test_code_works_again_for_the_same_user_and_a_wrong_one_never(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    url = f"{S}/connect/{brought_back(landed)[0]}/complete"
    for _ in range(4):
        assert (await service.http.post(url, json={"code": "guess"}, headers=olga)).status_code == 409
    first, second = [await service.complete(landed, headers=olga) for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert (await audited(service)).count("salesforce.user_connected") == 1


async def test_five_wrong_codes_end_it(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    url = f"{S}/connect/{brought_back(landed)[0]}/complete"
    for _ in range(5):
        await service.http.post(url, json={"code": "guess"}, headers=olga)
    assert (await service.complete(landed, headers=olga)).json()["code"] == "AttemptNotConfirmable"
    assert await rows(service, UnconfirmedUser) == []


async def test_callback_replayed_gives_the_same_end_and_another_browser_gets_no_code(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect()
    begun = await start(service, olga)
    async with service.browser() as browser, service.browser() as other:
        back = await code_for(service, browser, begun["start_url"])
        assert (await other.http.get(back)).status_code == 400
        again = await browser.http.get(back)
    assert query_of(again.headers["location"])["salesforce"] == "failed"
    begun = await start(service, olga)
    async with service.browser() as browser:
        back = await code_for(service, browser, begun["start_url"])
        first, second = await browser.http.get(back), await browser.http.get(back)
        assert (await service.complete(first, headers=olga)).json()["code"] == "AttemptNotConfirmable"
        assert (await service.complete(second, headers=olga)).status_code == 200
        third = await browser.http.get(back)
    assert query_of(third.headers["location"]) == {"salesforce": "connected"}


async def test_of_two_tabs_the_later_one_counts(service: Service, olga: dict[str, str]) -> None:
    """One cookie, one sign-in at a time: the earlier tab fails by name and harms nothing."""
    await service.connect()
    one, two = await start(service, olga), await start(service, olga)
    async with service.browser() as browser:
        first = await code_for(service, browser, one["start_url"])
        second = await code_for(service, browser, two["start_url"])
        assert (await browser.http.get(first)).status_code == 400
        landed = await browser.http.get(second)
    assert (await service.complete(landed, headers=olga)).status_code == 200
    url = f"{S}/connect/{one['attempt_id']}"
    body = (await service.http.get(url, headers=olga)).json()
    assert body["problem"]["code"] == "other_browser"


async def test_sign_in_of_a_user_never_connects_a_host_nor_the_other_way_round(
    service: Service, mint: TokenMint
) -> None:
    await service.connect(user=INES)
    version = (await service.card())["version"]
    owner = {"Authorization": service.http.headers["Authorization"]}
    landed = await sign_in(service, owner)
    await service.complete(landed)
    assert (await service.card())["version"] == version
    await service.connect(user=SAM, confirm_approval=True)
    assert len(await rows(service, SalesforceUser)) == 1


async def test_one_user_keeps_nobody_else_from_signing_in(service: Service, mint: TokenMint) -> None:
    await service.connect()
    for _ in range(5):
        await start(service, member(mint))
    refused = await service.http.post(f"{S}/me/connect", json={}, headers=member(mint))
    assert (refused.status_code, refused.json()["reason"]) == (429, "attempts")
    assert int(refused.headers["retry-after"]) > 0
    await start(service, member(mint, "user_other"))
    await service.start()


async def test_what_is_not_confirmed_in_time_is_forgotten(service: Service, olga: dict[str, str]) -> None:
    await service.connect()
    landed = await sign_in(service, olga)
    assert await give_back_overdue(service.resources) == 0
    await expire(service, brought_back(landed)[0])
    assert await give_back_overdue(service.resources) == 1
    assert await rows(service, UnconfirmedUser) == []
    assert (await attempt(service, olga, landed))["problem"]["code"] == "not_confirmed"
    assert (await audited(service))[-1] == "salesforce.user_connect_failed"


async def test_connecting_again_takes_the_place_and_forgetting_forgets(
    service: Service, olga: dict[str, str]
) -> None:
    await service.connect()
    for user in (SAM, INES):
        landed = await sign_in(service, olga, user=user)
        await service.complete(landed, headers=olga, confirm_approval=True)
    users = list(service.simulator.simulator.default_org.store.live("User"))
    assert (await me(service, olga))["user"]["id"] == users[INES]["Id"]
    nobody = {"user": None, "is_same_org": False, "connected_at": None}
    for _ in range(2):
        assert (await service.http.delete(f"{S}/me", headers=olga)).json() == nobody
    assert await rows(service, SalesforceUser) == []
    assert (await audited(service)).count("salesforce.user_disconnected") == 1
    async with service.resources.database.tenant("host_a") as session:
        actors = await session.scalars(select(AuditEntry.actor).where(AuditEntry.action.like("%.user_%")))
    assert set(actors) == {"user_olga"}


async def test_owners_see_who_connected_page_by_page(service: Service, mint: TokenMint) -> None:
    await service.connect(user=INES)
    for sub in ("user_a", "user_b", "user_c"):
        headers = member(mint, sub, email=f"{sub}@acme.example")
        await service.complete(await sign_in(service, headers), headers=headers)
    seen: list[tuple[str, str, bool]] = []
    cursor = None
    while len(seen) < 5:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await service.http.get(f"{S}/users", params=params)).json()
        seen += [(each["user_id"], each["email"], each["is_same_org"]) for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [(f"user_{each}", f"user_{each}@acme.example", True) for each in "abc"]
    refused = await service.http.get(f"{S}/users", headers=member(mint))
    assert (refused.status_code, refused.json()["code"]) == (403, "RoleInsufficient")


@pytest.mark.parametrize("email", [None, 7, "", "no address", "a\0b@acme.example", "x" * 400 + "@a.example"])
async def test_user_without_a_usable_email_is_kept_but_organizes_nothing(
    service: Service, mint: TokenMint, email: object
) -> None:
    await service.connect()
    olga = member(mint, email=email)
    await service.complete(await sign_in(service, olga), headers=olga)
    [row] = await rows(service, SalesforceUser)
    assert row.email_key is None


@pytest.mark.parametrize(
    ("is_verified", "key"),
    [(True, "olga@acme.example"), ("true", "olga@acme.example"), (False, None), ("false", None), (0, None)],
)
async def test_address_that_the_platform_has_not_verified_makes_nobody_an_owner(
    service: Service, mint: TokenMint, is_verified: object, key: str | None
) -> None:
    await service.connect()
    olga = member(mint, email_verified=is_verified)
    await service.complete(await sign_in(service, olga), headers=olga)
    [row] = await rows(service, SalesforceUser)
    assert row.email_key == key


@pytest.mark.parametrize("wish", [{"return_to": "https://evil.example"}, {"return_to": "/elsewhere"}])
async def test_way_back_leads_to_pages_of_ours_only(
    service: Service, olga: dict[str, str], wish: dict[str, str]
) -> None:
    await service.connect()
    answer = await service.http.post(f"{S}/me/connect", json=wish, headers=olga)
    assert (answer.status_code, answer.json()["code"]) == (400, "ReturnToInvalid")
    unknown = await service.http.post(f"{S}/me/connect", json={"environment": "sandbox"}, headers=olga)
    assert unknown.status_code == 422
