"""The console's lists: the caller's hosts and a host's events, and nothing of other hosts."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.main import create_app
from tests.api.service import caller, running
from tests.factories import NOW, connection_for
from tests.integration.registrations.sample_event import add_connected_host, event, host, link, save
from tests.tokens import TokenMint


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def host_owner(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_b": "member", "host_a": "owner"})) as client:
        yield client


async def test_hosts_are_those_of_the_token_with_their_connections(
    host_owner: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await save(database, host("host_a", name="Acme"), connection_for(vault, "host_a"), host("host_c"))
    assert (await host_owner.get("/v1/hosts")).json() == {
        "items": [
            {"id": "host_a", "name": "Acme", "role": "owner", "connection_state": "connected"},
            {"id": "host_b", "name": None, "role": "member", "connection_state": "not_connected"},
        ],
        "is_operations": False,
    }


async def test_operations_are_recognised(app: FastAPI, mint: TokenMint) -> None:
    async with caller(app, mint.headers(scope="ops")) as client:
        assert (await client.get("/v1/hosts")).json() == {"items": [], "is_operations": True}


async def test_without_an_app_no_host_can_be_connected(settings: Settings, mint: TokenMint) -> None:
    bare = settings.model_copy(update={"salesforce_client_id": None})
    async with running(bare) as app, caller(app, mint.headers(hosts={"host_a": "owner"})) as client:
        [listed] = (await client.get("/v1/hosts")).json()["items"]
    assert listed["connection_state"] == "not_configured"


async def test_events_are_listed_with_their_campaign(
    host_owner: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await save(database, link())
    listed = (await host_owner.get("/v1/hosts/host_a/events")).json()
    assert listed["next_cursor"] is None
    assert [(each["id"], each["title"], each["campaign_name"]) for each in listed["items"]] == [
        ("evt_summit", "Autumn Summit", "Autumn Summit")
    ]


async def test_events_come_page_by_page_the_latest_start_first(
    host_owner: httpx.AsyncClient, database: Database
) -> None:
    starts = {"evt_1": NOW, "evt_2": NOW + timedelta(days=1), "evt_3": NOW, "evt_4": NOW - timedelta(days=1)}
    events = [event("host_a", event_id, starts_at=at) for event_id, at in starts.items()]
    await save(database, host("host_a"), host("host_b"), *events, event("host_b", "evt_theirs"))
    seen: list[str] = []
    query: dict[str, str | int] | None = {"limit": 1}
    while query is not None:
        page = (await host_owner.get("/v1/hosts/host_a/events", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        query = {"limit": 1, "cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert seen == ["evt_2", "evt_3", "evt_1", "evt_4"]


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("otter", id="not base64 of ours"),
        pytest.param("WyJldmVudHMiLCJub3QgYSB0aW1lIiwiZXZ0Il0", id="no time"),
        pytest.param("WyJldmVudHMiLCIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiZXZ0Il0", id="a time without a zone"),
    ],
)
async def test_a_cursor_of_somebody_elses_making_is_refused(
    host_owner: httpx.AsyncClient, cursor: str
) -> None:
    answer = await host_owner.get("/v1/hosts/host_a/events", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


async def test_a_host_that_is_not_the_callers_does_not_exist(host_owner: httpx.AsyncClient) -> None:
    answer = await host_owner.get("/v1/hosts/host_c/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "HostNotFound")


@pytest.mark.parametrize(("is_enabled", "statuses"), [(False, {404}), (True, {200, 503})])
async def test_the_page_is_there_only_where_it_is_enabled(
    settings: Settings, is_enabled: bool, statuses: set[int]
) -> None:
    app = create_app(settings.model_copy(update={"console_enabled": is_enabled}))
    async with caller(app) as client:
        assert (await client.get("/console/")).status_code in statuses


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://app.eventship.example", "https://app.eventship.example"), ("https://evil.example", None)],
)
async def test_only_the_dashboards_origin_may_call_from_a_browser(
    settings: Settings, origin: str, allowed: str | None
) -> None:
    dashboard = settings.model_copy(update={"dashboard_url": "https://app.eventship.example"})
    preflight_headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    preflight_headers["Access-Control-Request-Headers"] = (
        "authorization,content-type,idempotency-key,last-event-id"
    )
    async with caller(create_app(dashboard)) as client:
        answer = await client.options("/v1/hosts/host_a/salesforce", headers=preflight_headers)
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert (answer.status_code == 200) is (allowed is not None)
    assert "access-control-allow-credentials" not in answer.headers
