"""A host's own Salesforce app: saved, used, rotated and cleared, and never shown again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.connections.keep_alive import keep_alive
from app.connections.service import open_client
from app.connections.tokens.provider import ConnectionTokens
from app.models import AuditEntry, Connection, OwnApp, PendingRevocation
from tests.api.conftest import Service
from tests.tokens import TokenMint

KEY, SECRET = "3MVG9.otters.own.app.key.AAAA", "otters-own-secret-BBBB"
OTHER_KEY = "3MVG9.otters.other.app.key.CCCC"
PATH = "/v1/hosts/host_a/salesforce/app-credentials"
OWN = {"mode": "own", "consumer_key": KEY, "consumer_secret": SECRET}


def known(
    service: Service,
    key: str = KEY,
    secret: str = SECRET,
    *,
    app: dict[str, Any] | None = None,
    **config: Any,
) -> None:
    """Salesforce knows this app, beside the shared one; `app` is how it is set up there."""
    shared = {
        "client_id": service.settings.salesforce_client_id,
        "client_secret": service.settings.salesforce_client_secret.get_secret_value(),  # type: ignore[union-attr]
    }
    service.configure(apps=[shared, {"client_id": key, "client_secret": secret, **(app or {})}], **config)


async def save(service: Service, **changes: Any) -> dict[str, Any]:
    answer = await service.http.put(PATH, json=OWN | changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def connected_own(service: Service) -> dict[str, Any]:
    known(service)
    await save(service)
    return await service.connect()


async def audited(service: Service) -> list[str]:
    async with service.resources.database.tenant("host_a") as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


async def refreshed(service: Service) -> bool:
    return await ConnectionTokens(service.resources, "host_a").keep_alive()


async def test_saved_credentials_are_never_shown_again(service: Service) -> None:
    answer = await service.http.put(PATH, json=OWN)
    card = await service.http.get("/v1/hosts/host_a/salesforce")
    for text in (answer.text, card.text):
        assert KEY not in text
        assert SECRET not in text
    app = card.json()["app"]
    assert (app["mode"], app["is_package_required"], app["package_install_url"]) == ("own", False, None)
    view = app["credentials"]
    assert (view["consumer_key_last4"], view["consumer_secret_last4"]) == ("AAAA", "BBBB")
    assert (len(view["fingerprint"]), view["is_in_use"], view["saved_by"]) == (12, False, "user_17")


async def test_stored_credentials_are_sealed(service: Service) -> None:
    await save(service)
    async with service.resources.database.tenant("host_a") as session:
        row = (await session.scalars(select(OwnApp))).one()
    assert KEY.encode() not in row.consumer_key
    assert SECRET.encode() not in row.consumer_secret
    assert KEY not in row.app_ref


async def test_connecting_waits_for_the_credentials(service: Service) -> None:
    chosen = await service.http.put(PATH, json={"mode": "own"})
    assert chosen.json()["actions"]["connect"] == {"is_allowed": False, "why_not": "CredentialsMissing"}
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "CredentialsMissing")
    assert answer.json()["title"] == "Complete Step 1 (save credentials) before connecting."
    saved = await save(service)
    assert saved["actions"]["connect"] == {"is_allowed": True, "why_not": None}


async def test_host_connects_through_its_own_app(service: Service) -> None:
    card = await connected_own(service)
    assert (card["state"], card["app"]["credentials"]["is_in_use"]) == ("connected", True)
    [grant] = service.simulator.simulator.default_org.grants
    assert grant.client_id == KEY
    assert await refreshed(service)
    assert await audited(service) == ["salesforce.byo_credentials_set", "salesforce.connected"]


async def test_environment_without_a_shared_app_takes_an_own_one(service: Service) -> None:
    known(service)
    bare = service.settings.model_copy(update={"salesforce_client_id": None})
    service.app.state.resources = replace(service.resources, settings=bare)
    assert (await service.card())["state"] == "not_configured"
    saved = await save(service)
    assert saved["state"] == "not_connected"
    assert (await service.connect())["state"] == "connected"


async def test_new_secret_of_the_same_app_is_used_at_once(service: Service) -> None:
    await connected_own(service)
    known(service, secret="otters-rotated-secret-DDDD")
    card = await save(service, consumer_secret="otters-rotated-secret-DDDD")
    assert (card["state"], card["app"]["credentials"]["consumer_secret_last4"]) == ("connected", "DDDD")
    assert await refreshed(service)


async def test_wrong_secret_ends_the_connection_and_the_right_one_opens_it_again(service: Service) -> None:
    await connected_own(service)
    known(service, secret="otters-rotated-secret-DDDD")
    card = await save(service, consumer_secret="a-typing-mistake-EEEE")
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "credentials_rejected")
    card = await save(service, consumer_secret="otters-rotated-secret-DDDD")
    assert (card["state"], card["reason"]) == ("connected", None)


async def test_old_pair_works_until_the_host_reconnects_with_the_new_key(service: Service) -> None:
    await connected_own(service)
    card = await save(service, consumer_key=OTHER_KEY)
    assert (card["state"], card["app"]["credentials"]["is_in_use"]) == ("connected", False)
    assert await refreshed(service)
    known(service, OTHER_KEY)
    card = await service.connect()
    assert card["app"]["credentials"]["is_in_use"] is True
    async with service.resources.database.tenant("host_a") as session:
        assert len(list(await session.scalars(select(OwnApp)))) == 1
    assert await refreshed(service)


async def test_clearing_what_is_in_use_must_be_confirmed(service: Service) -> None:
    await connected_own(service)
    answer = await service.http.delete(PATH)
    assert (answer.status_code, answer.json()["advice"]["code"]) == (422, "clear_needs_confirmation")
    assert (await service.card())["state"] == "connected"


async def test_cleared_credentials_end_the_connection_and_its_tokens(service: Service) -> None:
    await connected_own(service)
    answer = await service.http.delete(f"{PATH}?confirm=true")
    card = answer.json()
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "credentials_cleared")
    assert (card["app"]["mode"], card["app"]["credentials"]) == ("own", None)
    assert list(service.simulator.simulator.default_org.grants) == []
    async with service.resources.database.tenant("host_a") as session:
        row = await session.get_one(Connection, "host_a")
        assert list(await session.scalars(select(OwnApp))) == []
        assert list(await session.scalars(select(PendingRevocation))) == []
    assert (row.access_token, row.refresh_token) == (None, None)
    assert (await audited(service))[-2:] == [
        "salesforce.connection_ended",
        "salesforce.byo_credentials_cleared",
    ]


async def test_change_of_app_without_a_pair_is_in_the_log(service: Service) -> None:
    for mode in ("own", "own", "shared", "shared"):
        assert (await service.http.put(PATH, json={"mode": mode})).json()["app"]["mode"] == mode
    assert await audited(service) == ["salesforce.app_mode_set"] * 2


async def test_host_may_go_back_to_the_shared_app(service: Service) -> None:
    await save(service)
    answer = await service.http.put(PATH, json={"mode": "shared"})
    assert (answer.json()["app"]["mode"], answer.json()["app"]["credentials"]) == ("shared", None)
    assert (await audited(service))[-1] == "salesforce.byo_credentials_cleared"
    assert (await service.connect())["state"] == "connected"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param({"package_installed": False}, "own_app_not_found", id="not found"),
        pytest.param({"app_blocked": True}, "own_app_not_allowed", id="blocked"),
        pytest.param({"ip_restricted": True}, "own_ip_restricted", id="ip"),
    ],
)
async def test_own_app_has_its_own_explanations(service: Service, config: dict[str, Any], code: str) -> None:
    known(service, **config)
    await save(service)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    view = await service.attempt(attempt["attempt_id"])
    assert (view["state"], view["problem"]["code"]) == ("failed", code)


async def test_wrong_secret_at_the_exchange_is_explained(service: Service) -> None:
    known(service, secret="another-secret-than-saved")
    await save(service)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.sign_in(attempt["start_url"])
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "own_app_rejected"


async def test_wrong_key_expires_with_the_hints_of_an_own_app(service: Service) -> None:
    await save(service)
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
    assert "invalid_client_id" in page.text
    hints = (await service.attempt(attempt["attempt_id"]))["hints"]
    assert [hint["code"] for hint in hints][:2] == [
        "own_saw_invalid_client_id",
        "own_saw_redirect_uri_mismatch",
    ]


async def test_credentials_cleared_between_ticket_and_start_stop_there(service: Service) -> None:
    await save(service)
    attempt = await service.start()
    await service.http.delete(PATH)
    answer = await service.http.post(attempt["start_url"])
    assert answer.status_code == 409
    assert (await service.attempt(attempt["attempt_id"]))["state"] == "failed"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"consumer_key": KEY}, id="no secret"),
        pytest.param({"consumer_secret": SECRET}, id="no key"),
        pytest.param(OWN | {"mode": "shared"}, id="shared with a pair"),
        pytest.param(OWN | {"consumer_key": "with a space"}, id="space"),
        pytest.param(OWN | {"consumer_key": "short"}, id="short"),
        pytest.param(OWN | {"consumer_secret": "nul\x00inside"}, id="nul"),
        pytest.param(OWN | {"mode": "else"}, id="mode"),
    ],
)
async def test_unusable_pair_is_refused_without_being_repeated(
    service: Service, body: dict[str, str]
) -> None:
    answer = await service.http.put(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert SECRET not in answer.text
    assert KEY not in answer.text


async def test_member_may_not_touch_the_credentials(service: Service, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    put = await service.http.put(PATH, json=OWN, headers=headers)
    gone = await service.http.delete(PATH, headers=headers)
    assert {put.json()["code"], gone.json()["code"]} == {"RoleInsufficient"}


async def test_neighbour_sees_nothing_of_the_pair(service: Service) -> None:
    await save(service)
    card = await service.card("host_b")
    assert (card["app"]["mode"], card["app"]["credentials"]) == ("shared", None)


LESS = {"scopes": ["api", "refresh_token"]}


def scopes_granted(service: Service) -> list[str]:
    return [grant.scope for grant in service.simulator.simulator.default_org.grants]


@pytest.mark.parametrize("identity_needs_scope", [True, False])
async def test_an_app_without_the_scope_id_is_asked_for_less_at_once(
    service: Service, *, identity_needs_scope: bool
) -> None:
    whole = await connected_own(service)
    known(service, app=LESS, identity_needs_scope=identity_needs_scope)
    card = await service.connect()
    assert scopes_granted(service)[-1] == "api refresh_token"
    assert card["state"] == "connected"
    for part in ("org", "user", "environment"):
        assert card["connection"][part] == whole["connection"][part]
    again = await service.connect()
    assert again["state"] == "connected"


async def test_an_app_whose_error_stayed_on_a_page_is_asked_for_less_the_next_time(service: Service) -> None:
    known(service, app=LESS, errors_on_page=["invalid_scope"])
    await save(service)
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(str((await browser.http.post(attempt["start_url"])).headers["location"]))
    assert "invalid_scope" in page.text
    assert (await service.connect())["state"] == "connected"
    assert scopes_granted(service) == ["api refresh_token"]


async def test_an_app_that_lacks_what_is_needed_fails_after_one_more_try(service: Service) -> None:
    known(service, app={"scopes": ["refresh_token", "id"]})
    await save(service)
    attempt = await service.start()
    async with service.browser() as browser:
        await browser.open(str((await browser.http.post(attempt["start_url"])).headers["location"]))
    view = await service.attempt(attempt["attempt_id"])
    assert (view["state"], view["problem"]["code"]) == ("failed", "scope_refused")
    assert scopes_granted(service) == []


async def test_a_grant_without_the_scope_id_is_probed_at_the_org(service: Service) -> None:
    known(service, app=LESS, identity_needs_scope=True)
    await save(service)
    await service.connect()
    past = func.clock_timestamp() - timedelta(days=30)
    async with service.resources.database.tenant("host_a") as session:
        lost = {"refreshed_at": past, "connected_at": past, "refresh_started_at": past}
        await session.execute(update(Connection).values(lost))
    assert await keep_alive(service.resources) == 0
    async with service.resources.database.tenant("host_a") as session:
        row = await session.get_one(Connection, "host_a")
    assert (row.state, row.token_version, row.refresh_started_at is None) == ("connected", 1, False)


async def test_tokens_that_are_jwts_come_without_a_signature_and_are_taken(service: Service) -> None:
    known(service, app={"has_jwt_tokens": True})
    await save(service)
    assert (await service.connect())["state"] == "connected"
    assert await refreshed(service)
    view = (await service.http.post("/v1/hosts/host_a/salesforce/preflight")).json()
    assert "jwt_access_tokens" in [each["code"] for each in view["findings"]]


@pytest.mark.parametrize(("minutes", "renewals"), [(0.5, 1), (120, 0)], ids=["ends soon", "lives on"])
async def test_a_jwt_is_renewed_shortly_before_it_ends_by_its_own_word(
    service: Service, *, minutes: float, renewals: int
) -> None:
    known(service, app={"has_jwt_tokens": True}, session_minutes=minutes)
    await save(service)
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        before = (await session.get_one(Connection, "host_a")).token_version
    client = await open_client(service.resources, "host_a")
    for _ in range(3):
        await client.query("SELECT Id FROM User")
    async with service.resources.database.tenant("host_a") as session:
        after = (await session.get_one(Connection, "host_a")).token_version
    assert after - before == renewals
