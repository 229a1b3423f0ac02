"""Connecting as a browser does: redirects, callback, and the card afterwards."""

from dataclasses import replace

import pytest
from arq.connections import RedisSettings, create_pool
from sqlalchemy import func, update

from app.config.settings import Settings
from app.connections.model.encrypted_columns import REFRESH_TOKEN
from app.connections.oauth import attempts
from app.infrastructure.database import Database
from app.models import Connection, OAuthAttempt
from salesforce_simulator.app import create_app as create_simulator
from tests.api.browser import brought_back
from tests.api.conftest import Service, running
from tests.api.connections.steps import BROWSER_HEADERS, audited, grants, query_of, stored
from tests.factories import SIMULATOR_URL
from tests.tokens import TokenMint

SOUTHWIND = "ada.admin@southwind.example"


async def test_host_connects_through_the_pages(service: Service) -> None:
    landed = await service.sign_in(return_to="/integrations/acme?tab=crm")
    attempt_id, code = brought_back(landed)
    assert landed.status_code == 303
    assert landed.headers["location"] == (
        f"http://127.0.0.1:8000/integrations/acme?tab=crm&salesforce=confirm&attempt={attempt_id}#code={code}"
    )
    assert (await service.complete(landed)).status_code == 200
    view = await service.attempt(attempt_id)
    assert (view["state"], view["problem"], view["hints"]) == ("connected", None, [])
    assert view["finished_at"] is not None
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
    answer = await service.http.post(attempt["start_url"])
    requests = query_of(answer.headers["location"])
    assert answer.status_code == 303
    assert requests["code_challenge_method"] == "S256"
    assert len(requests["code_challenge"]) == 43
    assert len(requests["state"]) >= 43
    assert (requests["scope"], requests["display"], requests["redirect_uri"]) == (
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
    attempt_id, code = brought_back(page)
    assert f'"attempt_id": "{attempt["attempt_id"]}", "outcome": "confirm", "code": "{code}"' in page.text
    assert attempt_id == attempt["attempt_id"]
    assert 'const origin = "http://127.0.0.1:8000";' in page.text
    assert "postMessage(message, origin)" in page.text
    back = f"http://127.0.0.1:8000/integrations?salesforce=confirm&attempt={attempt_id}#code={code}"
    assert f'location.replace("{back}")' in page.text
    assert (await service.complete(page)).json()["state"] == "connected"


async def test_second_person_takes_over_and_the_old_grant_is_revoked(service: Service) -> None:
    await service.connect()
    first = grants(service)
    await service.complete(await service.sign_in(user=1))
    assert len(grants(service)) == 1
    assert grants(service) != first
    assert await audited(service) == ["salesforce.connected", "salesforce.connected"]


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


async def test_another_org_starts_with_a_clean_card(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(api_used=7, last_written_at=func.clock_timestamp()))
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        landed = await browser.submit(await browser.submit(page, username=SOUTHWIND), decision="allow")
    await service.complete(landed)
    card = await service.card()
    assert card["connection"]["org"]["name"] == "Southwind Trading"
    assert (card["budget"]["org_used"], card["connection"]["last_written_at"]) == (None, None)
    assert grants(service) == []


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
        cookie = (await service.http.post(attempt["start_url"])).headers["set-cookie"]
    assert cookie.startswith("__Host-sf_oauth=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"))
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "return_to",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\tb", "/hosts/a", "/console#x"],
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


async def test_host_has_so_many_attempts_under_way(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_UNDER_WAY", 3)
    for _ in range(3):
        await service.start()
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={})
    assert (answer.status_code, answer.json()["reason"]) == (429, "attempts")
    assert 590 < int(answer.headers["retry-after"]) <= 600
    await service.start("host_b")
    async with service.resources.database.system() as session:
        await session.execute(update(OAuthAttempt).values(expires_at=func.clock_timestamp()))
    await service.start()
