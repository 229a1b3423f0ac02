"""Every error that a person can meet while connecting, as the pages show it, ends at its explanation."""

from typing import Any

import pytest

from tests.api.conftest import Service
from tests.api.connecting import audited, expire, grants, query_of, stored


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


async def test_returning_without_code_or_error_is_explained(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.get(attempt["start_url"])
        state = query_of(answer.headers["location"])["state"]
        await browser.http.get(f"http://127.0.0.1:8000/oauth/salesforce/callback?state={state}")
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "oauth_other"


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
