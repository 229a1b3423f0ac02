"""Every error that a person can meet while connecting, as the pages show it, ends at its explanation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from app.connections.oauth.attempt_view import HINTS
from app.connections.oauth.error_mapping import ADVICE_BY_ERROR
from salesforce_simulator.org import Org
from tests.api.browser import Forms
from tests.api.conftest import Service
from tests.api.connections.steps import audited, expire, grants, query_of, stored


async def test_denied_approval_is_explained(service: Service) -> None:
    attempt = await service.start(return_to="/integrations")
    async with service.browser() as browser:
        landed = await browser.sign_in(attempt["start_url"], decision="deny")
    location = landed.headers["location"]
    assert location == f"http://127.0.0.1:8000/integrations?salesforce=failed&attempt={attempt['attempt_id']}"
    body = await service.attempt(attempt["attempt_id"])
    assert (body["state"], body["problem"]["code"]) == ("failed", "access_denied")
    assert body["salesforce"] == {
        "error_code": "access_denied",
        "message": "end-user denied authorization",
        "fields": [],
        "http_status": None,
    }
    assert await audited(service) == ["salesforce.connect_failed"]


@dataclass(frozen=True)
class Case:
    """A refusal: how the org is set before the sign-in and between approval and return, and the message.

    `error` and `words` are Salesforce's, as the attempt shows them. `altered` changes the address of the
    sign-in page, `act` something in the org that no switch changes.
    """

    error: str
    words: str
    advice: str
    before: dict[str, Any] = field(default_factory=dict)
    between: dict[str, Any] = field(default_factory=dict)
    decision: str = "allow"
    altered: Callable[[str], str] = str
    act: Callable[[Org], None] = lambda org: None


def wrong_scope(url: str) -> str:
    return url.replace("scope=api", "scope=otters")


def deactivate_everybody(org: Org) -> None:
    for user in org.store.live("User"):
        user["IsActive"] = False


def age_codes(org: Org) -> None:
    for code in org.grants.codes.values():
        code.created_at -= 16 * 60


def forget_codes(org: Org) -> None:
    org.grants.codes.clear()


def move_callback(org: Org) -> None:
    for code in org.grants.codes.values():
        code.redirect_uri = "https://elsewhere.example/"


def log_in_often(org: Org) -> None:
    for user in org.store.live("User"):
        org.grants.logged_in(user["Id"], org.clock().timestamp(), at_most=1)


NOT_INSTALLED = {"package_installed": False}
GENERIC = "OAUTH_APPROVAL_ERROR_GENERIC"
OTHER_SECRET = {"apps": [{"client_id": "3MVG9otter", "client_secret": "another"}]}
OTHER_APP = {"apps": [{"client_id": "another"}]}

CASES = {
    "denied": Case("access_denied", "end-user denied", "access_denied", decision="deny"),
    "denied, spelled otherwise": Case(
        "access-denied", "", "access_denied", {"denied_error": "access-denied"}, decision="deny"
    ),
    "package": Case("OAUTH_EC_APP_NOT_FOUND", "not installed", "package_not_installed", NOT_INSTALLED),
    "package gone meanwhile": Case("app_not_found", "", "package_not_installed", between=NOT_INSTALLED),
    "blocked": Case("OAUTH_APP_BLOCKED", "blocked by admin", "app_not_allowed", {"app_blocked": True}),
    "not approved": Case("OAUTH_APP_ACCESS_DENIED", "", "app_not_allowed", {"admin_approved_users": []}),
    "not approved any more": Case(
        "invalid_grant", "approved this consumer", "approval_error", between={"admin_approved_users": []}
    ),
    "uninstalled": Case(
        "invalid_client", "installed", "package_not_installed", {"uninstalled_app_error": "invalid_client"}
    ),
    "approval error": Case(GENERIC, "", "approval_error", {"uninstalled_app_error": GENERIC}),
    "scope": Case("invalid_scope", "scope is invalid", "scope_refused", altered=wrong_scope),
    "secret": Case("invalid_client", "invalid client credentials", "client_rejected", OTHER_SECRET),
    "key gone meanwhile": Case("invalid_client_id", "", "client_rejected", between=OTHER_APP),
    "callback moved": Case("redirect_uri_mismatch", "", "redirect_uri_mismatch", act=move_callback),
    "code too old": Case("invalid_grant", "expired authorization code", "code_expired", act=age_codes),
    "code unknown": Case("invalid_grant", "invalid authorization code", "code_expired", act=forget_codes),
    "user": Case("invalid_grant", "inactive user", "user_inactive", act=deactivate_everybody),
    "org": Case("invalid_grant", "inactive organization", "org_inactive", {"is_org_active": False}),
    "ip": Case("invalid_grant", "ip restricted", "ip_restricted", {"ip_restricted": True}),
    "too many sign-ins": Case(
        "rate_limit_exceeded", "", "salesforce_away", {"logins_per_hour": 1}, act=log_in_often
    ),
    "edition": Case("API_DISABLED_FOR_ORG", "", "api_disabled", {"is_api_enabled": False}),
}
ADDRESS_ONLY = {
    ("server_error", ""),
    ("temporarily_unavailable", ""),
    ("unauthorized_client", ""),
    ("invalid_grant", "ip not allowed"),
}
"""What the simulated org has no cause for: it is put into the address, or is covered by unit tests."""


async def provoke(service: Service, case: Case) -> dict[str, Any]:
    """Go through the pages, into the refusal; the answer is the attempt."""
    org = service.simulator.simulator.default_org
    service.configure(**case.before)
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.post(attempt["start_url"])
        page = await browser.open(case.altered(answer.headers["location"]))
        if Forms(page.text).choices:
            page = await browser.submit(page, username=Forms(page.text).choices[0])
        if Forms(page.text).action:
            filled = Forms(page.text).fields | {"decision": case.decision}
            answer = await browser.http.post(str(page.request.url), data=filled)
            service.configure(**case.between)
            case.act(org)
            page = await browser.http.get(answer.headers["location"])
    assert query_of(page.headers["location"])["salesforce"] == "failed"
    return await service.attempt(attempt["attempt_id"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_error_that_comes_back_from_the_pages_ends_at_its_explanation(
    service: Service, case: Case
) -> None:
    body = await provoke(service, case)
    assert (body["state"], body["problem"]["code"]) == ("failed", case.advice)
    assert body["salesforce"]["error_code"] == case.error
    assert case.words in body["salesforce"]["message"]
    assert body["problem"]["steps"]
    assert body["problem"]["link"].startswith("/docs/connecting#")
    assert body["hints"] == []
    assert (await stored(service), grants(service)) == (None, [])


def test_every_row_of_the_oauth_table_is_provoked() -> None:
    met = {
        next(
            (error, words)
            for error, words, _ in ADVICE_BY_ERROR
            if error == case.error.lower().replace("-", "_") and words in case.words
        )
        for case in CASES.values()
        if case.error != "API_DISABLED_FOR_ORG"
    }
    assert met | ADDRESS_ONLY == {(error, words) for error, words, _ in ADVICE_BY_ERROR}
    assert not met & ADDRESS_ONLY


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
        ("unauthorized_client", "client_rejected"),
        ("server_error", "salesforce_away"),
        ("temporarily_unavailable", "salesforce_away"),
        ("something_new", "oauth_other"),
    ],
)
async def test_error_that_comes_back_in_the_address_is_explained(
    service: Service, error: str, code: str
) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.post(attempt["start_url"])
        state = query_of(answer.headers["location"])["state"]
        back = {"error": error, "error_description": "words", "state": state}
        await browser.http.get("http://127.0.0.1:8000/oauth/salesforce/callback", params=back)
    body = await service.attempt(attempt["attempt_id"])
    assert (body["problem"]["code"], body["salesforce"]["error_code"]) == (code, error)


async def test_sandbox_login_for_production_is_named(service: Service) -> None:
    sandbox = next(org for org in service.simulator.simulator.orgs.values() if org.is_sandbox)
    sandy = {"Username": "sandy@otter.sandbox", "LastName": "Sand", "IsActive": True}
    async with service.control() as control:
        answer = await control.post(f"/_simulator/records/User?org={sandbox.id}", json=sandy)
    assert answer.status_code == 201, answer.text
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        page = await browser.submit(page, username="sandy@otter.sandbox")
        await browser.submit(page, decision="allow")
    body = await service.attempt(attempt["attempt_id"])
    assert body["problem"]["code"] == "not_for_production"
    assert list(sandbox.grants) == []


async def test_returning_without_code_or_error_is_explained(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        answer = await browser.http.post(attempt["start_url"])
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
        "saw_invalid_scope",
        "saw_approval_error",
        "saw_my_domain_policy",
        "saw_wrong_login",
    ]
    assert waiting["hints"] == expired["hints"]
    assert expired["problem"]["code"] == "attempt_expired"
    texts = [
        text for hint in expired["hints"] for text in (hint["title"], hint["explanation"], *hint["steps"])
    ]
    assert not any("{" in text for text in texts)


@dataclass(frozen=True)
class Silence:
    """A sign-in that Salesforce keeps to itself: what the person sees there."""

    seen: str
    before: dict[str, Any] = field(default_factory=dict)
    altered: Callable[[str], str] = str
    username: str = ""


def without_challenge(url: str) -> str:
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("code_challenge")]
    return urlunsplit(parts._replace(query=urlencode(kept)))


OTHER_CALLBACK = {"apps": [{"client_id": "3MVG9otter", "redirect_uris": ["https://x.example/"]}]}
FIRST_CHOICE = "whoever is offered first"
SILENCES = {
    "saw_invalid_client_id": Silence("invalid_client_id", OTHER_APP),
    "saw_redirect_uri_mismatch": Silence("redirect_uri_mismatch", OTHER_CALLBACK),
    "saw_missing_challenge": Silence("missing required code challenge", altered=without_challenge),
    "saw_invalid_scope": Silence("invalid_scope", {"errors_on_page": ["invalid_scope"]}, wrong_scope),
    "saw_approval_error": Silence(
        GENERIC, {"uninstalled_app_error": GENERIC, "errors_on_page": [GENERIC]}, username=FIRST_CHOICE
    ),
    "saw_my_domain_policy": Silence("Log in", username="nobody@otter.example"),
    "saw_wrong_login": Silence("Log in", username="nobody@otter.example"),
    "saw_no_popup": Silence(""),
}


@pytest.mark.parametrize(("hint", "silence"), SILENCES.items(), ids=SILENCES)
async def test_error_that_never_comes_back_ends_as_an_expired_attempt_with_its_hint(
    service: Service, hint: str, silence: Silence
) -> None:
    service.configure(**silence.before)
    attempt = await service.start(display="popup")
    if silence.seen:
        async with service.browser() as browser:
            answer = await browser.http.post(attempt["start_url"])
            page = await browser.open(silence.altered(answer.headers["location"]))
            if silence.username:
                chosen = silence.username if silence.username != FIRST_CHOICE else Forms(page.text).choices[0]
                page = await browser.submit(page, username=chosen)
        assert silence.seen in page.text
    assert (await service.attempt(attempt["attempt_id"]))["state"] == "waiting"
    await expire(service, attempt["attempt_id"])
    body = await service.attempt(attempt["attempt_id"])
    assert (body["state"], body["problem"]["code"]) == ("expired", "attempt_expired")
    [found] = [each for each in body["hints"] if each["code"] == hint]
    assert found["steps"]
    assert found["link"].startswith("/docs/connecting#")


def test_every_hint_has_a_silence_behind_it() -> None:
    assert set(SILENCES) == set(HINTS)
