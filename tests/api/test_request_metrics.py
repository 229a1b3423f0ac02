"""Requests are counted by the template of their route, which has as many values as there are routes."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.metrics import HTTP_REQUESTS
from tests.api.service import caller, running
from tests.deliveries import post, webhook
from tests.scraped import counted
from tests.tokens import TokenMint

STATS = "/v1/hosts/{host_id}/events/{event_id}/salesforce/stats"
WEBHOOKS = "/webhooks/eventship"
REQUESTS = {
    "of a host": ("GET", "/v1/hosts/host_a/events/ev_otter/salesforce/stats", STATS, "GET", 404),
    "of a stranger": ("GET", "/v1/hosts/host_b/events/ev_otter/salesforce/stats", STATS, "GET", 404),
    "a probe": ("GET", "/livez", "/livez", "GET", 200),
    "nowhere": ("GET", "/otters/are/here", "other", "GET", 404),
    "a strange method": ("OTTER", "/otters/are/here", "other", "other", 404),
    "an unsigned webhook": ("POST", WEBHOOKS, WEBHOOKS, "POST", 415),
}


@pytest.fixture
async def client(settings: Settings, database: Database, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as app, caller(app, mint.headers(hosts={"host_a": "owner"})) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "route", "named", "status"), REQUESTS.values(), ids=REQUESTS.keys()
)
async def test_a_request_counts_once_by_its_route(
    client: httpx.AsyncClient, method: str, path: str, route: str, named: str, status: int
) -> None:
    labels = {"route": route, "method": named, "status": f"{status // 100}xx"}
    requests = counted("http_requests_total", **labels)
    timed = counted("http_request_duration_seconds_count", route=route)
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert counted("http_requests_total", **labels) == requests + 1
    assert counted("http_request_duration_seconds_count", route=route) == timed + (route != WEBHOOKS)


async def test_a_recorded_webhook_counts_as_its_route(client: httpx.AsyncClient) -> None:
    labels = {"route": WEBHOOKS, "method": "POST", "status": "2xx"}
    before = counted("http_requests_total", **labels)
    assert (await post(client, webhook())).status_code == 202
    assert counted("http_requests_total", **labels) == before + 1
    [family] = HTTP_REQUESTS.collect()
    routes = {sample.labels["route"] for sample in family.samples}
    assert not [route for route in routes if "host_a" in route or "otter" in route]
