"""Connecting as a browser does: there, back, and every way it can go wrong."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arq.connections import RedisSettings, create_pool
from sqlalchemy import func, select, update

from app.connections.sealing import REFRESH_TOKEN
from app.database import Database
from app.models import AuditEntry, Connection, OAuthAttempt, PendingRevocation
from app.settings import Settings
from simulator.app import create_app as create_simulator
from tests.api.browser import Browser, Forms
from tests.api.conftest import Service, running
from tests.factories import SIMULATOR_URL, connection_for
from tests.tokens import TokenMint

SOUTHWIND = "ada.admin@southwind.example"
BROWSER_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def stored(service: Service, host_id: str = "host_a") -> Connection | None:
    async with service.resources.database.tenant(host_id) as session:
        return await session.get(Connection, host_id)


async def audited(service: Service, host_id: str = "host_a") -> list[str]:
    async with service.resources.database.tenant(host_id) as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def grants(service: Service) -> list[str]:
    return [grant.refresh_token for grant in service.simulator.simulator.default_org.grants]


async def test_host_connects_through_the_pages(service: Service) -> None:
    attempt = await service.start(return_to="/hosts/acme/integrations?tab=crm#sync")
    async with service.browser() as browser:
        landed = await browser.sign_in(attempt["start_url"])
    assert landed.status_code == 303
    assert landed.headers["location"] == (
        "http://127.0.0.1:8000/hosts/acme/integrations?tab=crm&salesforce=connected#sync"
    )
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["state"], shown["problem"], shown["hints"]) == ("connected", None, [])
    assert shown["finished_at"] is not None
    card = await service.card()
    assert (card["state"], card["connection"]["org"]["name"]) == ("connected", "Northwind Events")
    assert card["connection"]["approvals"] == {"count": 1, "limit": 5, "is_warning": False}
    assert await audited(service) == ["salesforce.connected"]


async def test_stored_tokens_are_sealed_and_are_the_ones_salesforce_gave(service: Service) -> None:
    await service.connect()
    row = await stored(service)
    assert row is not None
    assert row.refresh_token is not None
    assert b"5Aep" not in row.refresh_token
    opened = service.resources.vault.open(row.refresh_token, host_id="host_a", column=REFRESH_TOKEN)
    assert grants(service) == [opened]


async def test_start_asks_with_state_and_a_challenge_and_binds_the_browser(service: Service) -> None:
    attempt = await service.start(display="popup")
    answer = await service.http.get(attempt["start_url"])
    asked = query_of(answer.headers["location"])
    assert answer.status_code == 303
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43
    assert (asked["scope"], asked["display"], asked["redirect_uri"]) == (
        "api refresh_token id",
        "popup",
        "http://127.0.0.1:8000/oauth/salesforce/callback",
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sf_oauth=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie
    assert BROWSER_HEADERS.items() <= dict(answer.headers).items()
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_ticket_works_once(service: Service) -> None:
    attempt = await service.start()
    first = await service.http.get(attempt["start_url"])
    second = await service.http.get(attempt["start_url"])
    assert (first.status_code, second.status_code) == (303, 410)
    assert "set-cookie" not in second.headers


async def test_ticket_used_by_two_at_once_works_for_one(service: Service) -> None:
    attempt = await service.start()
    answers = await asyncio.gather(*(service.http.get(attempt["start_url"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410, 410]


@pytest.mark.parametrize(
    "ticket", ["", "x", "%00", "é", "a" * 501], ids=["none", "short", "nul", "é", "long"]
)
async def test_invented_ticket_is_refused(service: Service, ticket: str) -> None:
    answer = await service.http.get(f"/oauth/salesforce/start?ticket={ticket}")
    assert answer.status_code in (410, 422)


async def expire(service: Service, attempt_id: str) -> None:
    async with service.resources.database.system() as session:
        past = func.clock_timestamp() - timedelta(seconds=1)
        changed = update(OAuthAttempt).where(OAuthAttempt.attempt_id == attempt_id)
        await session.execute(changed.values(expires_at=past))


async def test_expired_ticket_is_refused(service: Service) -> None:
    attempt = await service.start()
    await expire(service, attempt["attempt_id"])
    assert (await service.http.get(attempt["start_url"])).status_code == 410


async def test_attempt_that_nobody_came_back_from_expires_with_hints(service: Service) -> None:
    attempt = await service.start()
    waiting = await service.attempt(attempt["attempt_id"])
    await expire(service, attempt["attempt_id"])
    expired = await service.attempt(attempt["attempt_id"])
    assert (waiting["state"], expired["state"]) == ("waiting", "expired")
    assert [hint["code"] for hint in expired["hints"]] == [
        "saw_invalid_client_id",
        "saw_redirect_uri_mismatch",
        "saw_missing_challenge",
        "saw_no_popup",
        "saw_wrong_login",
    ]
    assert waiting["hints"] == expired["hints"]
    assert expired["problem"]["code"] == "attempt_expired"
    texts = [
        text for hint in expired["hints"] for text in (hint["title"], hint["explanation"], *hint["steps"])
    ]
    assert not any("{" in text for text in texts)


async def test_late_return_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        await expire(service, attempt["attempt_id"])
        page = await browser.submit(page, username=Forms(page.text).choices[0])
        landed = await browser.submit(page, decision="allow")
    assert query_of(landed.headers["location"])["salesforce"] == "failed"
    assert await stored(service) is None
    assert grants(service) == []


async def code_for(service: Service, browser: Browser, start_url: str) -> str:
    """Sign in, and stop at the address that leads back to us."""
    page = await browser.open(start_url)
    page = await browser.submit(page, username=Forms(page.text).choices[0])
    url = f"{service.settings.salesforce_login_url}/services/oauth2/authorize"
    answer = await browser.http.post(url, data={**Forms(page.text).fields, "decision": "allow"})
    return str(answer.headers["location"])


async def test_state_works_once(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        first = await browser.http.get(back)
        second = await browser.http.get(back)
    assert (first.status_code, second.status_code) == (303, 400)
    assert len(grants(service)) == 1


async def test_state_used_by_two_at_once_works_for_one(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        answers = await asyncio.gather(*(browser.http.get(back) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]
    assert (await service.attempt(attempt["attempt_id"]))["state"] == "connected"


async def test_callback_in_another_browser_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as attacker, service.browser() as victim:
        back = await code_for(service, attacker, attempt["start_url"])
        other = await service.start()
        await victim.http.get(other["start_url"])
        answer = await victim.http.get(back)
        late = await attacker.http.get(back)
    assert (answer.status_code, late.status_code) == (400, 400)
    assert "location" not in answer.headers
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["state"], shown["problem"]["code"]) == ("failed", "other_browser")
    assert await stored(service) is None
    assert grants(service) == []


async def test_callback_without_the_cookie_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
    answer = await service.http.get(back, headers={"cookie": ""})
    assert answer.status_code == 400
    assert await stored(service) is None


@pytest.mark.parametrize(
    "state", ["", "x", "%00%01", "%ff", "a" * 9000], ids=["none", "x", "nul", "ff", "long"]
)
async def test_invented_state_is_a_plain_page(service: Service, state: str) -> None:
    answer = await service.http.get(f"/oauth/salesforce/callback?code=abc&state={state}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert BROWSER_HEADERS.items() <= dict(answer.headers).items()


async def test_denied_approval_is_explained(service: Service) -> None:
    attempt = await service.start(return_to="/back")
    async with service.browser() as browser:
        landed = await browser.sign_in(attempt["start_url"], decision="deny")
    location = landed.headers["location"]
    assert location == f"http://127.0.0.1:8000/back?salesforce=failed&attempt={attempt['attempt_id']}"
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["state"], shown["problem"]["code"]) == ("failed", "access_denied")
    assert shown["salesforce"] == {
        "error_code": "access_denied",
        "message": "end-user denied authorization",
        "fields": [],
        "http_status": None,
    }
    assert await audited(service) == ["salesforce.connect_failed"]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param({"package_installed": False}, "package_not_installed", id="package"),
        pytest.param({"app_blocked": True}, "app_not_allowed", id="blocked"),
        pytest.param({"ip_restricted": True}, "ip_restricted", id="ip"),
        pytest.param({"is_api_enabled": False}, "api_disabled", id="edition"),
        pytest.param({"is_org_active": False}, "org_inactive", id="org"),
        pytest.param({"admin_approved_users": []}, "app_not_allowed", id="not approved"),
        pytest.param({"uninstalled_app_error": "invalid_client"}, "package_not_installed", id="uninstalled"),
        pytest.param(
            {"uninstalled_app_error": "OAUTH_APPROVAL_ERROR_GENERIC"}, "approval_error", id="approval error"
        ),
        pytest.param({"denied_error": "access-denied"}, "access_denied", id="denied, spelled otherwise"),
        pytest.param(
            {"apps": [{"client_id": "3MVG9otter", "client_secret": "another"}]},
            "client_rejected",
            id="secret",
        ),
    ],
)
async def test_refusal_in_the_org_is_explained(service: Service, config: dict[str, Any], code: str) -> None:
    service.configure(**config)
    attempt = await service.start()
    async with service.browser() as browser:
        decision = "deny" if "denied_error" in config else "allow"
        landed = await browser.sign_in(attempt["start_url"], decision=decision)
    assert query_of(landed.headers["location"])["salesforce"] == "failed"
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["state"], shown["problem"]["code"]) == ("failed", code)
    assert shown["problem"]["steps"]
    assert await stored(service) is None
    assert grants(service) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "access_denied"),
        ("access-denied", "access_denied"),
        ("OAUTH_EC_APP_NOT_FOUND", "package_not_installed"),
        ("app_not_found", "package_not_installed"),
        ("OAUTH_APP_BLOCKED", "app_not_allowed"),
        ("OAUTH_APPROVAL_ERROR_GENERIC", "approval_error"),
        ("invalid_scope", "scope_refused"),
        ("redirect_uri_mismatch", "redirect_uri_mismatch"),
        ("invalid_client", "client_rejected"),
        ("server_error", "salesforce_away"),
        ("something_new", "oauth_other"),
    ],
)
async def test_error_that_comes_back_in_the_address_is_explained(
    service: Service, error: str, code: str
) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.get(attempt["start_url"])
        state = query_of(answer.headers["location"])["state"]
        back = {"error": error, "error_description": "words", "state": state}
        await browser.http.get("http://127.0.0.1:8000/oauth/salesforce/callback", params=back)
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["problem"]["code"], shown["salesforce"]["error_code"]) == (code, error)


async def test_forged_code_is_explained(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.get(attempt["start_url"])
        state = query_of(answer.headers["location"])["state"]
        back = {"code": "aPrxForged==", "state": state}
        await browser.http.get("http://127.0.0.1:8000/oauth/salesforce/callback", params=back)
    shown = await service.attempt(attempt["attempt_id"])
    assert shown["problem"]["code"] == "code_expired"
    assert shown["salesforce"]["http_status"] == 400


async def test_sandbox_login_for_production_is_named(service: Service) -> None:
    sandbox = next(org for org in service.simulator.simulator.orgs.values() if org.is_sandbox)
    sandy = {"Username": "sandy@otter.sandbox", "LastName": "Sand", "IsActive": True}
    async with service.door() as door:
        answer = await door.post(f"/_simulator/records/User?org={sandbox.id}", json=sandy)
    assert answer.status_code == 201, answer.text
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        page = await browser.submit(page, username="sandy@otter.sandbox")
        await browser.submit(page, decision="allow")
    shown = await service.attempt(attempt["attempt_id"])
    assert shown["problem"]["code"] == "not_for_production"
    assert list(sandbox.grants) == []


async def test_popup_tells_the_dashboard_alone_and_closes(service: Service) -> None:
    attempt = await service.start(display="popup")
    async with service.browser() as browser:
        page = await browser.sign_in(attempt["start_url"])
    assert page.status_code == 200
    nonce = page.text.split('nonce="')[1].split('"')[0]
    policy = page.headers["content-security-policy"]
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f'"attempt_id": "{attempt["attempt_id"]}", "outcome": "connected"' in page.text
    assert 'postMessage(told, "http://127.0.0.1:8000")' in page.text
    assert "window.close()" in page.text


async def test_second_person_takes_over_and_the_old_grant_is_revoked(service: Service) -> None:
    await service.connect()
    first = grants(service)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"], user=1)
    assert len(grants(service)) == 1
    assert grants(service) != first
    assert await audited(service) == ["salesforce.connected", "salesforce.connected"]


async def test_same_user_again_revokes_nothing(service: Service) -> None:
    await service.connect()
    card = await service.connect()
    assert len(grants(service)) == 2
    assert (card["version"], card["state"]) == (2, "connected")


async def test_failed_second_attempt_leaves_the_connection(service: Service) -> None:
    before = await service.connect()
    service.configure(app_blocked=True)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    after = await service.card()
    assert (after["state"], after["version"]) == ("connected", before["version"])


async def test_member_may_look_but_not_connect(service: Service, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    url = "/v1/hosts/host_a/salesforce"
    posts = [
        await service.http.post(f"{url}/{what}", json=body, headers=headers)
        for what, body in (
            ("connect", {}),
            ("disconnect", {"confirm": True}),
            ("pause", None),
            ("resume", None),
        )
    ]
    assert [answer.json()["code"] for answer in posts] == ["RoleInsufficient"] * 4
    assert (await service.http.get(url, headers=headers)).status_code == 200


async def test_foreign_host_and_attempt_are_not_found(service: Service, mint: TokenMint) -> None:
    attempt = await service.start()
    url = f"/v1/hosts/host_b/salesforce/connect/{attempt['attempt_id']}"
    assert (await service.http.get(url)).json()["code"] == "AttemptNotFound"
    stranger = mint.headers(hosts={"host_c": "owner"})
    missing = [
        (await service.http.get(f"/v1/hosts/{host}/salesforce", headers=stranger)).json()
        for host in ("host_a", "never_seen")
    ]
    assert {body.pop("request_id") is not None for body in missing} == {True}
    assert missing[0] == missing[1]
    assert missing[0]["code"] == "HostNotFound"


async def test_without_an_app_connecting_is_refused(service: Service) -> None:
    bare = service.settings.model_copy(update={"salesforce_client_id": None})
    service.app.state.resources = replace(service.resources, settings=bare)
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "NotConfigured")
    assert answer.json()["title"] == "Salesforce integration is not configured on this environment."
    card = await service.card()
    assert (card["state"], card["reason"]["code"]) == ("not_configured", "environment_not_configured")
    assert card["actions"]["connect"] == {"is_allowed": False, "why_not": "NotConfigured"}


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


async def test_disconnect_revokes_forgets_and_keeps_what_was_synced(service: Service) -> None:
    await service.connect()
    answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    card = answer.json()
    assert (card["state"], card["reason"]["code"]) == ("disconnected", "disconnected_by_host")
    assert card["connection"]["org"]["name"] == "Northwind Events"
    assert card["connection"]["user"] is None
    assert grants(service) == []
    row = await stored(service)
    assert row is not None
    assert (row.access_token, row.refresh_token) == (None, None)
    async with service.resources.database.system() as session:
        assert await session.scalar(select(func.count()).select_from(PendingRevocation)) == 0
    assert await audited(service) == ["salesforce.connected", "salesforce.disconnected"]


async def test_disconnect_must_be_confirmed(service: Service) -> None:
    await service.connect()
    for body in ({}, {"confirm": False}):
        answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert len(grants(service)) == 1


async def test_disconnecting_twice_changes_nothing_more(service: Service) -> None:
    await service.connect()
    url = "/v1/hosts/host_a/salesforce/disconnect"
    first = (await service.http.post(url, json={"confirm": True})).json()
    second = (await service.http.post(url, json={"confirm": True})).json()
    assert (first["version"], first["state_since"]) == (second["version"], second["state_since"])


async def test_another_org_starts_with_a_clean_card(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(api_used=7, last_written_at=func.clock_timestamp()))
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        await browser.submit(await browser.submit(page, username=SOUTHWIND), decision="allow")
    card = await service.card()
    assert card["connection"]["org"]["name"] == "Southwind Trading"
    assert (card["budget"]["org_used"], card["connection"]["last_written_at"]) == (None, None)
    assert grants(service) == []


async def test_returning_without_code_or_error_is_explained(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.get(attempt["start_url"])
        state = query_of(answer.headers["location"])["state"]
        await browser.http.get(f"http://127.0.0.1:8000/oauth/salesforce/callback?state={state}")
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "oauth_other"


async def test_failed_attempt_of_a_user_who_is_connected_elsewhere_revokes_nothing(service: Service) -> None:
    await service.connect("host_b")
    service.configure(is_api_enabled=False)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "api_disabled"
    assert len(grants(service)) == 2


async def test_work_that_waited_is_announced_on_reconnect_and_resume(service: Service) -> None:
    redis = await create_pool(RedisSettings.from_dsn(service.settings.redis_url))
    await redis.flushdb()
    await service.connect()
    await service.http.post("/v1/hosts/host_a/salesforce/pause")
    await service.http.post("/v1/hosts/host_a/salesforce/resume")
    assert await redis.zcard("arq:queue") == 2
    await redis.aclose()


async def test_cookie_is_tied_to_this_host_alone_over_https(
    settings: Settings, database: Database, mint: TokenMint
) -> None:
    secure = settings.model_copy(update={"public_url": "https://sync.otter.example"})
    async with running(secure, create_simulator(base_url=SIMULATOR_URL), mint=mint) as service:
        attempt = await service.start()
        cookie = (await service.http.get(attempt["start_url"])).headers["set-cookie"]
    assert cookie.startswith("__Host-sf_oauth=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"))
    assert "Domain" not in cookie


async def test_host_that_never_connected_cannot_disconnect(service: Service) -> None:
    answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "NotConnected")


async def test_reconnecting_after_a_disconnect_works(service: Service) -> None:
    await service.connect()
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    card = await service.connect()
    assert (card["state"], card["reason"], card["version"]) == ("connected", None, 3)


@pytest.mark.parametrize(
    "return_to", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\tb"]
)
async def test_return_address_off_the_dashboard_is_refused(service: Service, return_to: str) -> None:
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={"return_to": return_to})
    assert (answer.status_code, answer.json()["code"]) == (400, "ReturnToInvalid")


async def test_settings_never_follow_the_request_host(service: Service, settings: Settings) -> None:
    answer = await service.http.post(
        "/v1/hosts/host_a/salesforce/connect",
        json={},
        headers={"host": "evil.example", "x-forwarded-host": "evil.example"},
    )
    assert answer.json()["start_url"].startswith(f"{settings.public_url}/oauth/salesforce/start?ticket=")


async def test_demotion_during_the_sign_in_ends_the_attempt(service: Service, mint: TokenMint) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        member = mint.headers(hosts={"host_a": "member"})
        await service.http.get("/v1/hosts/host_a/salesforce", headers=member)
        answer = await browser.http.get(back)
    assert answer.status_code == 400
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "role_lost"
    assert await stored(service) is None
    assert grants(service) == []


async def test_other_members_do_not_end_an_attempt(service: Service, mint: TokenMint) -> None:
    attempt = await service.start()
    member = mint.headers(sub="user_other", hosts={"host_a": "member"})
    await service.http.get("/v1/hosts/host_a/salesforce", headers=member)
    assert (await service.attempt(attempt["attempt_id"]))["state"] == "waiting"


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        pytest.param({"apps": [{"client_id": "another"}]}, "saw_invalid_client_id", id="client id"),
        pytest.param(
            {"apps": [{"client_id": "3MVG9otter", "redirect_uris": ["https://x.example/"]}]},
            "saw_redirect_uri_mismatch",
            id="redirect uri",
        ),
    ],
)
async def test_error_that_salesforce_keeps_to_itself_ends_as_an_expired_attempt(
    service: Service, config: dict[str, Any], hint: str
) -> None:
    service.configure(**config)
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
    assert page.status_code == 400
    assert hint.removeprefix("saw_") in page.text
    await expire(service, attempt["attempt_id"])
    shown = await service.attempt(attempt["attempt_id"])
    assert (shown["state"], shown["problem"]["code"]) == ("expired", "attempt_expired")
    assert hint in [each["code"] for each in shown["hints"]]
