"""A sign-in is confirmed by the user who began it and by nobody else; or its grant is revoked."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from app.config.settings import Settings
from app.connections.model.encrypted_columns import UNCONFIRMED_REFRESH
from app.connections.oauth.unconfirmed import give_back_overdue
from app.infrastructure.database import Database
from app.models import AuditEntry, Host, OAuthAttempt, SupersededGrant, UnconfirmedGrant
from salesforce_simulator.app import SimulatorApp
from tests.api.browser import Forms, brought_back
from tests.api.conftest import Service, running
from tests.api.connections.steps import audited, code_for, expire, grants, query_of, stored
from tests.api.intercepting_transport import Interceptor, with_body
from tests.tokens import TokenMint


async def kept_apart(service: Service) -> list[UnconfirmedGrant]:
    async with service.resources.database.system() as session:
        return list(await session.scalars(select(UnconfirmedGrant)))


async def state_of(service: Service, attempt_id: str) -> tuple[str, str | None]:
    body = await service.attempt(attempt_id)
    return body["state"], body["problem"] and body["problem"]["code"]


async def test_sign_in_connects_nothing_and_keeps_the_grant_sealed_and_apart(service: Service) -> None:
    landed = await service.sign_in()
    attempt_id, code = brought_back(landed)
    assert (await service.card())["state"] == "not_connected"
    assert (await stored(service), await audited(service)) == (None, [])
    [row] = await kept_apart(service)
    opened = service.resources.vault.open(row.refresh_token, host_id="host_a", column=UNCONFIRMED_REFRESH)
    assert [opened] == grants(service)
    assert b"5Aep" not in row.refresh_token + row.access_token
    async with service.resources.database.system() as session:
        attempt = await session.get(OAuthAttempt, attempt_id)
    assert attempt is not None
    assert attempt.code_hash is not None
    assert code.encode() not in attempt.code_hash
    assert len(code) == 43


async def test_attempt_that_waits_to_be_confirmed_says_whose_grant_it_is_and_until_when(
    service: Service,
) -> None:
    body = await service.attempt(brought_back(await service.sign_in())[0])
    assert (body["state"], body["problem"], body["hints"]) == ("confirming", None, [])
    assert (body["org"]["name"], body["user"]["username"]) == (
        "Northwind Events",
        next(iter(service.simulator.simulator.default_org.store.live("User")))["Username"],
    )
    assert body["approvals"] == {"count": 1, "limit": 5, "is_warning": False}
    assert (body["warnings"], body["finished_at"]) == ([], None)
    assert body["expires_at"] > body["started_at"]


async def test_confirming_connects_and_the_same_again_gives_the_same(service: Service) -> None:
    landed = await service.sign_in()
    first, second = await service.complete(landed), await service.complete(landed)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert (first.json()["state"], first.json()["org"], first.json()["expires_at"]) == (
        "connected",
        None,
        None,
    )
    assert first.headers["cache-control"] == "no-store"
    assert (await service.card())["version"] == 1
    assert (await audited(service), await kept_apart(service)) == (["salesforce.connected"], [])


async def test_callback_fetched_again_after_the_completion_says_connected_without_a_code(
    service: Service,
) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        await service.complete(await browser.http.get(back))
        again = await browser.http.get(back)
    assert again.headers["location"] == "http://127.0.0.1:8000/integrations?salesforce=connected"


async def test_callback_fetched_again_in_another_browser_gets_no_code_and_harms_nothing(
    service: Service,
) -> None:
    attempt = await service.start()
    async with service.browser() as browser, service.browser() as other:
        back = await code_for(service, browser, attempt["start_url"])
        landed = await browser.http.get(back)
        assert (await other.http.get(back)).status_code == 400
    assert (await service.complete(landed)).json()["state"] == "connected"


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        pytest.param({"host_a": "owner"}, "AttemptNotFound", id="another owner"),
        pytest.param({"host_a": "member"}, "RoleInsufficient", id="a member"),
        pytest.param({"host_c": "owner"}, "HostNotFound", id="owner of another host"),
    ],
)
async def test_another_user_with_the_right_code_ends_the_attempt_and_the_grant_goes_back(
    service: Service, mint: TokenMint, hosts: dict[str, str], code: str
) -> None:
    """The one who signed in was sent the link by the one who began: their Salesforce stays their own."""
    landed = await service.sign_in()
    victim = mint.headers(sub="user_victim", hosts=hosts)
    answer = await service.complete(landed, headers=victim)
    assert (answer.status_code, answer.json()["code"]) == (403 if "member" in hosts.values() else 404, code)
    assert await state_of(service, brought_back(landed)[0]) == ("failed", "other_user")
    assert (await service.complete(landed)).json()["code"] == "AttemptNotConfirmable"
    assert (await stored(service), grants(service), await kept_apart(service)) == (None, [], [])
    async with service.resources.database.tenant("host_a") as session:
        [entry] = await session.scalars(select(AuditEntry))
    assert (entry.action, entry.actor) == ("salesforce.connect_failed", "user_victim")
    assert entry.details["problem"] == "other_user"


async def test_another_user_under_a_host_of_their_own_ends_it_as_well(
    service: Service, mint: TokenMint
) -> None:
    landed = await service.sign_in()
    answer = await service.complete(
        landed, "host_c", headers=mint.headers(sub="user_victim", hosts={"host_c": "owner"})
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "AttemptNotFound")
    assert await state_of(service, brought_back(landed)[0]) == ("failed", "other_user")
    assert grants(service) == []


async def test_another_user_with_a_wrong_code_changes_nothing(service: Service, mint: TokenMint) -> None:
    landed = await service.sign_in()
    url = f"/v1/hosts/host_a/salesforce/connect/{brought_back(landed)[0]}/complete"
    other = mint.headers(sub="user_other", hosts={"host_a": "owner"})
    for _ in range(6):
        answer = await service.http.post(url, json={"code": "guess"}, headers=other)
        assert answer.json()["code"] == "AttemptNotFound"
    assert (await service.complete(landed)).json()["state"] == "connected"


async def test_own_attempt_of_another_host_is_not_found_and_stays(service: Service) -> None:
    landed = await service.sign_in()
    assert (await service.complete(landed, "host_b")).json()["code"] == "AttemptNotFound"
    assert (await service.complete(landed)).json()["state"] == "connected"


@pytest.mark.parametrize(
    ("hosts", "status"), [({"host_a": "member"}, 403), ({"host_b": "owner"}, 404), ({"host_a": "guest"}, 404)]
)
async def test_role_lost_before_the_confirmation_gives_the_grant_back(
    service: Service, mint: TokenMint, hosts: dict[str, str], status: int
) -> None:
    landed = await service.sign_in()
    answer = await service.complete(landed, headers=mint.headers(hosts=hosts))
    assert answer.status_code == status
    assert await state_of(service, brought_back(landed)[0]) == ("failed", "role_lost")
    assert (grants(service), await kept_apart(service)) == ([], [])
    assert (await service.complete(landed)).json()["code"] == "AttemptNotConfirmable"


async def test_five_wrong_codes_end_the_attempt(service: Service) -> None:
    landed = await service.sign_in()
    attempt_id, _ = brought_back(landed)
    url = f"/v1/hosts/host_a/salesforce/connect/{attempt_id}/complete"
    for _ in range(4):
        answer = await service.http.post(url, json={"code": "guess"})
        assert (answer.status_code, answer.json()["code"]) == (409, "AttemptNotConfirmable")
    assert (await state_of(service, attempt_id), len(grants(service))) == (("confirming", None), 1)
    await service.http.post(url, json={"code": "guess"})
    assert await state_of(service, attempt_id) == ("failed", "wrong_codes")
    assert (await service.complete(landed)).status_code == 409
    assert grants(service) == []


async def test_what_is_not_confirmed_in_ten_minutes_is_given_back(service: Service) -> None:
    landed = await service.sign_in()
    attempt_id, _ = brought_back(landed)
    assert await give_back_overdue(service.resources) == 0
    await expire(service, attempt_id)
    assert await state_of(service, attempt_id) == ("expired", "not_confirmed")
    assert (await service.complete(landed)).json()["code"] == "AttemptNotConfirmable"
    assert await give_back_overdue(service.resources) == 1
    assert await give_back_overdue(service.resources) == 0
    assert await state_of(service, attempt_id) == ("expired", "not_confirmed")
    assert (await service.attempt(attempt_id))["hints"] == []
    assert (grants(service), await kept_apart(service)) == ([], [])
    assert await audited(service) == ["salesforce.connect_failed"]


async def test_who_began_what_nobody_ended_is_forgotten_once_it_is_over(service: Service) -> None:
    attempt = await service.start()

    async def begun_by() -> str | None:
        async with service.resources.database.system() as session:
            return (await session.get_one(OAuthAttempt, attempt["attempt_id"])).begun_by

    await give_back_overdue(service.resources)
    assert await begun_by() is not None
    await expire(service, attempt["attempt_id"])
    await give_back_overdue(service.resources)
    assert await begun_by() is None


async def test_ten_minutes_run_from_the_callback(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        async with service.resources.database.system() as session:
            soon = func.clock_timestamp() + timedelta(seconds=5)
            await session.execute(update(OAuthAttempt).values(expires_at=soon))
        await browser.http.get(back)
        async with service.resources.database.system() as session:
            ends, now = (await session.execute(select(OAuthAttempt.expires_at, func.clock_timestamp()))).one()
    assert timedelta(minutes=9, seconds=50) < ends - now <= timedelta(minutes=10)


async def test_grant_whose_user_is_connected_elsewhere_is_left_and_not_revoked(service: Service) -> None:
    await service.connect("host_b")
    landed = await service.sign_in()
    await expire(service, brought_back(landed)[0])
    await give_back_overdue(service.resources)
    assert len(grants(service)) == 2
    async with service.resources.database.system() as session:
        assert list(await session.scalars(select(SupersededGrant.host_id))) == ["host_a"]
    assert (await service.card("host_b"))["connection"]["approvals"]["count"] == 2


async def test_app_whose_credentials_are_gone_meanwhile_connects_nothing(service: Service) -> None:
    own = {"consumer_key": "3MVG9own.key", "consumer_secret": "own-secret"}
    known = {"client_id": own["consumer_key"], "client_secret": own["consumer_secret"]}
    service.configure(apps=[known])
    url = "/v1/hosts/host_a/salesforce/app-credentials"
    await service.http.put(url, json={"mode": "own", **own})
    landed = await service.sign_in()
    await service.http.delete(url)
    assert (await service.complete(landed)).json()["code"] == "AttemptNotConfirmable"
    assert (await state_of(service, brought_back(landed)[0]))[0] == "failed"
    assert (await stored(service), grants(service)) == (None, [])


async def test_page_before_the_sign_in_names_host_and_person_and_escapes_them(
    service: Service, mint: TokenMint
) -> None:
    async with service.resources.database.tenant("host_a") as session:
        session.add(Host(host_id="host_a", name="Otter & <Sons>"))
    claims = {"name": "<b>Rita\u202e", "email": "rita@otter.example"}
    service.http.headers.update(mint.headers(hosts={"host_a": "owner"}, **claims))
    page = await service.http.get((await service.start())["start_url"])
    assert "<bdi>&lt;b&gt;Rita (rita@otter.example)</bdi>" in page.text
    assert "<bdi>Otter &amp; &lt;Sons&gt;</bdi>" in page.text
    assert "<code>host_a</code>" in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert f"form-action 'self' https: {service.settings.salesforce_login_url}" in policy


@pytest.mark.parametrize("claim", [None, 7, ["x"], {"a": 1}, ""])
async def test_person_without_a_usable_name_is_named_by_id(
    service: Service, mint: TokenMint, claim: object
) -> None:
    service.http.headers.update(
        mint.headers(sub="user_17", hosts={"host_a": "owner"}, name=claim, email=claim)
    )
    assert "<bdi>user_17</bdi>" in (await service.http.get((await service.start())["start_url"])).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_button_of_another_site_does_not_start_a_sign_in(
    service: Service, headers: dict[str, str]
) -> None:
    start_url = (await service.start())["start_url"]
    assert (await service.http.post(start_url, headers=headers)).status_code == 403
    own = {"origin": service.settings.public_url, "sec-fetch-site": "same-origin"}
    assert (await service.http.post(start_url, headers=own)).status_code == 303


async def test_browser_goes_back_to_the_dashboard_that_began_and_to_no_other(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint
) -> None:
    several = settings.model_copy(
        update={"dashboard_url": "https://app.one.example", "dashboard_origins": ("https://app.two.example",)}
    )
    async with running(several, simulator, mint=mint) as service:
        for origin, back in (
            ("https://app.one.example", "https://app.one.example"),
            ("https://app.two.example", "https://app.two.example"),
            ("https://evil.example", "https://app.one.example"),
            ("null", "https://app.one.example"),
        ):
            service.http.headers["origin"] = origin
            landed = await service.sign_in()
            assert landed.headers["location"].startswith(f"{back}/integrations?salesforce=confirm")
            page = await service.sign_in(display="popup")
            assert f'const origin = "{back}";' in page.text


async def test_error_with_a_nul_is_explained(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.post(attempt["start_url"])
        back = {
            "state": query_of(answer.headers["location"])["state"],
            "error": "a\0b",
            "error_description": "c\0d",
        }
        landed = await browser.http.get("http://127.0.0.1:8000/oauth/salesforce/callback", params=back)
    assert landed.status_code == 303
    body = await service.attempt(attempt["attempt_id"])
    assert (body["state"], body["problem"]["code"]) == ("failed", "oauth_other")
    assert (body["salesforce"]["error_code"], body["salesforce"]["message"]) == ("a\ufffdb", "c\ufffdd")


NUL_EVERYWHERE: list[dict[str, Any]] = [
    {"scope": "api\0 refresh_token"},
    {"username": "a\0b", "display_name": "c\0d"},
]


@pytest.mark.parametrize("changed", NUL_EVERYWHERE)
async def test_answer_with_a_nul_is_kept(
    settings: Settings,
    database: Database,
    simulator: SimulatorApp,
    mint: TokenMint,
    changed: dict[str, Any],
) -> None:
    interceptor = Interceptor(httpx.ASGITransport(simulator))
    interceptor.changes["/oauth2/token" if "scope" in changed else "/id/"] = with_body(**changed)
    async with running(settings, simulator, mint=mint, transport=interceptor) as service:
        landed = await service.sign_in()
        assert (await service.complete(landed)).json()["state"] == "connected"


async def test_grant_that_cannot_be_kept_is_revoked_and_explained(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("app.connections.oauth.flow.keep_apart", fails)
    landed = await service.sign_in()
    assert query_of(landed.headers["location"])["salesforce"] == "failed"
    assert grants(service) == []


async def test_form_of_the_page_is_a_button_and_nothing_else(service: Service) -> None:
    page = await service.http.get((await service.start())["start_url"])
    form = Forms(page.text)
    assert (form.action.partition("?")[0], form.fields) == ("/oauth/salesforce/start", {})
