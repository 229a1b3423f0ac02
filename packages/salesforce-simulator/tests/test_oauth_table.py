"""Every OAuth error that is known by its words, and the place where it shows.

*page* errors stay in the browser, *redirect* errors reach the app, those of an *exchange* or a *refresh* are
JSON objects. Every row is a *rule*: it arises from what was sent or from an administrator's settings.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from support.client import OrgClient
from test_oauth import USER, authorize, code, exchange, refresh, returned

NOT_INSTALLED = "External client app is not installed in this org"
GENERIC = "An unexpected error has occurred during authentication. Please try again."
EXPIRED = "expired access/refresh token"


@dataclass(frozen=True)
class Row:
    """One row: what is switched and sent, and where which error shows."""

    place: Literal["page", "redirect", "exchange", "refresh"]
    error: str
    description: str
    changes: dict[str, str | None] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    cause: Literal["rule", "fault"] = "rule"
    days_later: int = 0


AUTHORIZE = {
    "wrong client id": Row("page", "invalid_client_id", "client%20identifier%20invalid", {"client_id": "x"}),
    "wrong redirect uri": Row(
        "page",
        "redirect_uri_mismatch",
        "redirect_uri must match configuration",
        {"client_id": "own", "redirect_uri": "https://evil.example.com/"},
        {"apps": [{"client_id": "own", "redirect_uris": ["https://app.example.com/callback"]}]},
    ),
    "no redirect uri": Row(
        "page", "redirect_uri_mismatch", "redirect_uri must match configuration", {"redirect_uri": None}
    ),
    "challenge missing": Row(
        "page", "invalid_request", "missing required code challenge", {"code_challenge": None}
    ),
    "denied": Row("redirect", "access_denied", "end-user denied authorization", {"decision": "deny"}),
    "denied, the other spelling": Row(
        "redirect",
        "access-denied",
        "end-user denied authorization",
        {"decision": "deny"},
        {"denied_error": "access-denied"},
    ),
    "package not installed": Row(
        "redirect", "OAUTH_EC_APP_NOT_FOUND", NOT_INSTALLED, switches={"package_installed": False}
    ),
    "app blocked": Row(
        "redirect", "OAUTH_APP_BLOCKED", "this app is blocked by admin", switches={"app_blocked": True}
    ),
    "connected app not installed": Row(
        "redirect",
        "invalid_client",
        "app must be installed into org",
        switches={"uninstalled_app_error": "invalid_client"},
    ),
    "connected app not installed, no reason given": Row(
        "redirect",
        "OAUTH_APPROVAL_ERROR_GENERIC",
        GENERIC,
        switches={"uninstalled_app_error": "OAUTH_APPROVAL_ERROR_GENERIC"},
    ),
    "user not approved by an administrator": Row(
        "redirect",
        "OAUTH_APP_ACCESS_DENIED",
        "user is not admin approved to access this app",
        switches={"admin_approved_users": []},
    ),
    "bad scope": Row("redirect", "invalid_scope", "the requested scope is invalid", {"scope": "api cake"}),
    "bad response type": Row(
        "redirect",
        "unsupported_response_type",
        "response type not supported",
        {"response_type": "token"},
    ),
    "plain challenge": Row(
        "redirect",
        "invalid_request",
        "invalid code challenge method",
        {"code_challenge_method": "plain"},
    ),
    "immediate without a login": Row(
        "redirect",
        "immediate_unsuccessful",
        "user not logged in",
        {"username": None, "immediate": "true"},
    ),
}
TOKEN = {
    "unknown grant type": Row(
        "exchange", "unsupported_grant_type", "grant type not supported", {"grant_type": "password"}
    ),
    "unknown client id": Row(
        "exchange", "invalid_client_id", "client identifier invalid", {"client_id": "x"}
    ),
    "wrong secret": Row("exchange", "invalid_client", "invalid client credentials", {"client_secret": "x"}),
    "wrong code": Row("exchange", "invalid_grant", "invalid authorization code", {"code": "x"}),
    "late code": Row("exchange", "invalid_grant", "expired authorization code", days_later=1),
    "wrong verifier": Row("exchange", "invalid_grant", "invalid code verifier", {"code_verifier": "w" * 43}),
    "no verifier": Row("exchange", "invalid_grant", "invalid code verifier", {"code_verifier": None}),
    "wrong verifier, the other error": Row(
        "exchange",
        "invalid_request",
        "invalid code verifier",
        {"code_verifier": "w" * 43},
        {"wrong_verifier_error": "invalid_request"},
    ),
    "verifier longer than allowed": Row(
        "exchange",
        "invalid_grant",
        "invalid code verifier",
        {"code_verifier": "v" * 43},
        {"max_code_verifier": 42},
    ),
    "another redirect uri": Row(
        "exchange",
        "redirect_uri_mismatch",
        "redirect_uri must match configuration",
        {"redirect_uri": "https://x.example"},
    ),
    "unknown refresh token": Row("refresh", "invalid_grant", EXPIRED, {"refresh_token": "x"}),
    "idle refresh token": Row(
        "refresh", "invalid_grant", EXPIRED, switches={"refresh_token_idle_days": 30}, days_later=31
    ),
    "inactive organization": Row(
        "refresh", "invalid_grant", "inactive organization", switches={"is_org_active": False}
    ),
    "refused address": Row("refresh", "invalid_grant", "ip restricted", switches={"ip_restricted": True}),
    "package removed": Row("refresh", "app_not_found", NOT_INSTALLED, switches={"package_installed": False}),
    "connected app removed": Row(
        "refresh",
        "invalid_client",
        "app must be installed into org",
        switches={"uninstalled_app_error": "invalid_client"},
    ),
    "approval withdrawn": Row(
        "refresh",
        "invalid_grant",
        "user hasn't approved this consumer",
        switches={"admin_approved_users": []},
    ),
    "too many logins of a user": Row(
        "refresh", "rate_limit_exceeded", "login rate exceeded", switches={"logins_per_hour": 1}
    ),
}


def rows(table: dict[str, Row]) -> list[Any]:
    return [pytest.param(row, id=f"{row.cause}: {row.place}: {name}") for name, row in table.items()]


@pytest.mark.parametrize("row", rows(AUTHORIZE))
async def test_authorize_shows_the_error_in_its_place(org: OrgClient, row: Row) -> None:
    await org.configure(**row.switches)
    answer = await authorize(org, **row.changes)
    if row.place == "page":
        assert answer.status_code == 400
        assert f"error={row.error}&error_description={row.description}" in answer.text
        assert "location" not in answer.headers
    else:
        expected = {"error": row.error, "error_description": row.description, "state": "s t&1"}
        assert returned(answer) == expected


@pytest.mark.parametrize("row", rows(TOKEN))
async def test_the_token_endpoint_answers_an_error_object(org: OrgClient, row: Row) -> None:
    text = await code(org)
    if row.place == "refresh":
        text = (await exchange(org, text)).json()["refresh_token"]
    await org.configure(**row.switches)
    org.clock.advance(days=row.days_later)
    answer = await (
        refresh(org, text, **row.changes) if row.place == "refresh" else exchange(org, text, **row.changes)
    )
    expected = {"error": row.error, "error_description": row.description}
    assert (answer.status_code, answer.json()) == (400, expected)


async def test_a_deactivated_user_cannot_refresh(org: OrgClient) -> None:
    body = (await exchange(org)).json()
    user_id = org.app.simulator.default_org.admin_id
    await org.data("PATCH", f"/sobjects/User/{user_id}", {"IsActive": False})
    answer = (await refresh(org, body["refresh_token"])).json()
    assert answer == {"error": "invalid_grant", "error_description": "inactive user"}


async def test_a_used_refresh_token_is_not_idle(org: OrgClient) -> None:
    await org.configure(refresh_token_idle_days=30)
    text = (await exchange(org)).json()["refresh_token"]
    for _ in range(3):
        org.clock.advance(days=20)
        assert (await refresh(org, text)).status_code == 200


async def test_the_hour_of_the_login_rate_slides(org: OrgClient) -> None:
    await org.configure(logins_per_hour=2)
    text = (await exchange(org)).json()["refresh_token"]
    statuses = []
    for minutes in (0, 0, 61):
        org.clock.advance(minutes=minutes)
        statuses.append((await refresh(org, text)).status_code)
    assert statuses == [200, 400, 200]


async def test_only_refresh_and_access_tokens_can_be_revoked(org: OrgClient) -> None:
    answer = await org.http.post("/services/oauth2/revoke", data={"token": await code(org)})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")


@pytest.mark.parametrize(
    ("host", "username", "is_let_in"),
    [
        ("login.sim.test", USER, True),
        ("test.sim.test", USER, False),
        ("test.sim.test", "ada.admin@northwind.example.sandbox", True),
        ("login.sim.test", "ada.admin@northwind.example.sandbox", False),
    ],
    ids=["production", "production at test", "sandbox", "sandbox at login"],
)
async def test_production_and_sandboxes_log_in_at_their_own_hosts(
    org: OrgClient, host: str, username: str, *, is_let_in: bool
) -> None:
    org.http.headers["host"] = host
    answer = await authorize(org, username=username)
    assert (answer.status_code == 302) is is_let_in
    if is_let_in:
        text = returned(answer)["code"]
        org.http.headers["host"] = "test.sim.test" if host.startswith("login") else "login.sim.test"
        assert (await exchange(org, text)).json()["error_description"] == "invalid authorization code"
        org.http.headers["host"] = host
        assert (await exchange(org, text)).status_code == 200


async def test_an_app_may_act_as_the_user_chosen_for_it(org: OrgClient) -> None:
    await org.configure(apps=[{"client_id": "script", "client_secret": "s3", "run_as": USER}])
    form = {"grant_type": "client_credentials"}
    answer = await org.http.post("/services/oauth2/token", data=form, auth=("script", "s3"))
    assert (answer.status_code, "refresh_token" in answer.json()) == (200, False)
    refused = {
        "no secret": await org.http.post("/services/oauth2/token", data={**form, "client_id": "script"}),
        "broken header": await org.http.post(
            "/services/oauth2/token", data=form, headers={"Authorization": "Basic !"}
        ),
    }
    errors = {name: one.json()["error"] for name, one in refused.items()}
    assert errors == {"no secret": "invalid_client", "broken header": "invalid_client"}
