"""Several addresses of ours: a host that is bound to one starts, returns and reads its callback there."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import AuditEntry, Host, OAuthAttempt
from salesforce_simulator.app import SimulatorApp
from tests.api.browser import Browser
from tests.api.conftest import Service, running
from tests.factories import SIMULATOR_URL
from tests.tokens import TokenMint

OURS, THEIRS, GONE = "http://127.0.0.1:8000", "https://sync.acme.example", "https://old.acme.example"
CALLBACK = "/oauth/salesforce/callback"
ADDRESS = "/ops/hosts/host_a/address"
OWN = {"mode": "own", "consumer_key": "3MVG9otter.own_key_of_the_host_12345678", "consumer_secret": "s" * 40}


@pytest.fixture
async def service(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint
) -> AsyncIterator[Service]:
    several = settings.model_copy(update={"public_url": OURS, "public_urls": (OURS, THEIRS)})
    async with running(several, simulator, mint=mint) as service:
        async with service.resources.database.system() as session:
            session.add_all([Host(host_id="host_a"), Host(host_id="host_b", public_url=GONE)])
        yield service


async def bind(service: Service, url: str | None, **also: Any) -> tuple[int, dict[str, Any]]:
    ops = service.mint.headers(hosts={}, scope="ops")
    body = {"public_url": url, "dry_run": False, **also}
    answer = await service.http.put(ADDRESS, json=body, headers=ops)
    return answer.status_code, answer.json()


def browser(service: Service) -> Browser:
    return Browser({OURS: service.app, THEIRS: service.app, SIMULATOR_URL: service.simulator})


async def test_bound_host_signs_in_at_its_own_address(service: Service) -> None:
    status, bound = await bind(service, f"{THEIRS}/", reason="white label")
    assert (status, bound["redirect_uri"], bound["has_changed"]) == (200, THEIRS + CALLBACK, True)
    assert (await service.card())["app"]["redirect_uri"] == THEIRS + CALLBACK
    assert (await service.card("host_b"))["app"]["redirect_uri"] == OURS + CALLBACK
    attempt = await service.start()
    assert attempt["start_url"].startswith(f"{THEIRS}/oauth/salesforce/start?ticket=")
    assert (await service.start("host_b"))["start_url"].startswith(f"{OURS}/oauth/salesforce/start?ticket=")
    async with browser(service) as theirs:
        landed = await theirs.sign_in(attempt["start_url"])
        cookies = {cookie.name: cookie.domain for cookie in theirs.http.cookies.jar}
    assert (await service.complete(landed)).status_code == 200
    assert (await service.card())["state"] == "connected"
    assert cookies["__Host-sf_oauth"] == "sync.acme.example"


async def test_what_salesforce_is_asked_for_names_the_address_of_the_attempt(service: Service) -> None:
    await bind(service, THEIRS)
    before = await service.start()
    await bind(service, None)
    async with browser(service) as theirs:
        page = await theirs.http.get(before["start_url"])
        action = page.text.split('action="')[1].split('"')[0]
        sent = await theirs.http.post(f"{THEIRS}{action}")
        query = parse_qs(urlsplit(sent.headers["location"]).query)
        assert query["redirect_uri"] == [THEIRS + CALLBACK]
        elsewhere = await theirs.http.get(f"{OURS}{CALLBACK}?state={query['state'][0]}&code=any")
    assert "The sign-in ended in another browser" in elsewhere.text
    assert (await service.attempt(before["attempt_id"]))["state"] == "failed"


async def test_the_code_is_traded_with_the_address_of_the_attempt_alone(service: Service) -> None:
    """Salesforce refuses another redirect URI than the one that the code was given for."""
    await bind(service, THEIRS)
    attempt = await service.start()
    async with service.resources.database.system() as session:
        row = await session.get_one(OAuthAttempt, attempt["attempt_id"])
        assert row.public_url == THEIRS
    await bind(service, None)
    async with browser(service) as theirs:
        landed = await theirs.sign_in(attempt["start_url"])
    assert (await service.complete(landed)).status_code == 200


async def test_own_app_shows_the_callback_of_the_bound_address(service: Service) -> None:
    await bind(service, THEIRS)
    saved = await service.http.put("/v1/hosts/host_a/salesforce/app-credentials", json=OWN)
    assert saved.json()["app"]["redirect_uri"] == THEIRS + CALLBACK
    attempt = await service.start()
    hints = {each["code"]: each for each in (await service.attempt(attempt["attempt_id"]))["hints"]}
    assert THEIRS + CALLBACK in hints["own_saw_redirect_uri_mismatch"]["explanation"]


async def test_strange_address_and_strange_host_are_refused(service: Service) -> None:
    status, problem = await bind(service, "https://evil.example")
    assert (status, problem["code"]) == (422, "PayloadInvalid")
    assert problem["errors"] == [
        {"path": "body.public_url", "message": f"is not among PUBLIC_URLS: {OURS}, {THEIRS}"}
    ]
    assert (await bind(service, ""))[0] == 422
    ops = service.mint.headers(hosts={}, scope="ops")
    unknown = await service.http.put(
        ADDRESS.replace("host_a", "host_x"), json={"public_url": None}, headers=ops
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "HostNotFound")
    as_owner = await service.http.put(ADDRESS, json={"public_url": THEIRS})
    assert as_owner.status_code == 403


async def test_binding_is_a_dry_run_first_is_audited_and_listed(service: Service) -> None:
    status, tried = await bind(service, THEIRS, dry_run=True)
    assert (status, tried["dry_run"], tried["public_url"]) == (200, True, THEIRS)
    assert (await service.card())["app"]["redirect_uri"] == OURS + CALLBACK
    await bind(service, THEIRS, reason="white label")
    await bind(service, THEIRS)
    async with service.resources.database.system() as session:
        [entry] = await session.scalars(select(AuditEntry).where(AuditEntry.action == "ops.host_address_set"))
    assert entry.details == {"public_url": THEIRS, "before": None, "reason": "white label"}
    ops = service.mint.headers(hosts={}, scope="ops")
    listed = (await service.http.get("/ops/addresses", params={"limit": 1}, headers=ops)).json()
    assert [(each["public_url"], each["is_default"], each["hosts"]) for each in listed["addresses"]] == [
        (OURS, True, 0),
        (THEIRS, False, 1),
    ]
    assert listed["items"] == [{"host_id": "host_a", "public_url": THEIRS, "is_offered": True}]
    more = {"cursor": listed["next_cursor"]}
    rest = (await service.http.get("/ops/addresses", params=more, headers=ops)).json()
    assert rest["items"] == [{"host_id": "host_b", "public_url": GONE, "is_offered": False}]
