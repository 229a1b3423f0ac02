"""Every endpoint of the OpenAPI document against every kind of caller: a new one cannot be forgotten."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.main import create_app
from tests.api.service import caller, running
from tests.factories import ORG_ID
from tests.integration.registrations.sample_event import EVENT_ID, RULE, add, add_connected_host, simple
from tests.tokens import TokenMint
from tools.openapi.command import describe_api

WITHOUT_TOKEN = {
    ("POST", "/webhooks/eventship"),
    ("POST", "/webhooks/eventship/test"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
}
"""Signed, or for the platform that runs us."""
FOR_ANY_TOKEN = {("GET", "/v1/hosts")}
"""Lists what the caller's own token names."""
SCOPES = {"/ops/": "ops", "/v1/imports/": "import", "/platform/": "platform"}
READS_FOR_ADMINS = {
    ("GET", "/v1/hosts/{host_id}/events/{event_id}/salesforce/links.csv"),
    ("GET", "/v1/hosts/{host_id}/salesforce/users"),
    ("GET", "/v1/hosts/{host_id}/salesforce/mapping/owners"),
    ("GET", "/v1/hosts/{host_id}/salesforce/mapping/registrants"),
    ("GET", "/v1/hosts/{host_id}/events/{event_id}/salesforce/mapping/registrants"),
}
"""They spend the org's API calls, or list what is in the org or who people are there."""
CHANGES_OF_ONES_OWN = {
    ("POST", "/v1/hosts/{host_id}/salesforce/me/connect"),
    ("DELETE", "/v1/hosts/{host_id}/salesforce/me"),
}
"""Whoever has a role may make them, for oneself."""
READS_BY_POST = {("POST", "/v1/hosts/{host_id}/salesforce/diagnosis")}
"""Its question may hold an e-mail address, which belongs into no URL."""
NOT_DOCUMENTED = {
    "/oauth/salesforce/start",
    "/oauth/salesforce/callback",
    "/docs",
    "/docs/{name}",
    "/docs/runbooks/{name}",
    "/docs/{name}.svg",
    "/docs/style.css",
    "/docs/eventship-standard-access.zip",
}
"""A browser's way through Salesforce's sign-in, bound to its own cookie, and the guides."""

NAMES = {
    "host_id": "host_a",
    "event_id": EVENT_ID,
    "registration_id": "r1",
    "attempt_id": "att_1",
    "sobject": "Lead",
    "org_id": ORG_ID,
}
DOCUMENT: dict[str, Any] = describe_api()


@dataclass(frozen=True)
class Endpoint:
    """One operation of the document."""

    method: str
    path: str
    has_body: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def scope(self) -> str | None:
        """The scope that it wants, by where it is."""
        return next((scope for place, scope in SCOPES.items() if self.path.startswith(place)), None)

    @property
    def is_of_host(self) -> bool:
        return self.path.startswith("/v1/hosts/{host_id}")

    @property
    def is_read(self) -> bool:
        """Whether a member may."""
        is_read = self.method == "GET" and self.key not in READS_FOR_ADMINS
        return is_read or self.key in READS_BY_POST | CHANGES_OF_ONES_OWN

    async def request(self, client: httpx.AsyncClient, **names: str) -> httpx.Response:
        body = {"content": b"{}", "headers": {"content-type": "application/json"}} if self.has_body else {}
        return await client.request(self.method, self.path.format(**NAMES | names), **body)  # type: ignore[arg-type]


ENDPOINTS = [
    Endpoint(method.upper(), path, "requestBody" in operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
GUARDED = [endpoint for endpoint in ENDPOINTS if endpoint.key not in WITHOUT_TOKEN]
OF_HOSTS = [endpoint for endpoint in ENDPOINTS if endpoint.is_of_host]


@pytest.fixture
async def app(settings: Settings, database: Database, vault: Encryptor) -> AsyncIterator[FastAPI]:
    await add_connected_host(database, vault)
    await add_connected_host(database, vault, "host_b")
    await add(database, simple("r1", "failed", error=RULE))
    async with running(settings) as app:
        app.state.feeds.close()  # a stream that is let in then answers 503, and is not read for ever
        yield app


async def ends(
    app: FastAPI, endpoints: list[Endpoint], headers: dict[str, str] | None, **names: str
) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Status and problem code of each endpoint."""
    async with caller(app, headers) as client:
        return {endpoint.key: _end(await endpoint.request(client, **names)) for endpoint in endpoints}


def _end(answer: httpx.Response) -> tuple[int, str | None]:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return answer.status_code, answer.json()["code"] if is_problem else None


def all_ended(found: dict[tuple[str, str], tuple[int, str | None]], status: int, code: str) -> Any:
    """The endpoints that answered otherwise."""
    return {key: end for key, end in found.items() if end != (status, code)}


def let_in(found: dict[tuple[str, str], tuple[int, str | None]]) -> Any:
    """The endpoints that refused the caller's identity."""
    refusals = {"TokenInvalid", "RoleInsufficient", "HostNotFound"}
    return {key: end for key, end in found.items() if end[1] in refusals}


def test_every_endpoint_is_of_a_known_kind() -> None:
    known = (
        {endpoint.key for endpoint in ENDPOINTS if endpoint.is_of_host or endpoint.scope}
        | WITHOUT_TOKEN
        | FOR_ANY_TOKEN
    )
    assert {endpoint.key for endpoint in ENDPOINTS} == known
    assert len(ENDPOINTS) > 40


def test_no_endpoint_is_left_out_of_the_document(settings: Settings) -> None:
    paths = _paths(settings)
    assert len(paths) > 40
    assert paths - set(DOCUMENT["paths"]) == NOT_DOCUMENTED


def _paths(settings: Settings) -> set[str]:
    routers = [getattr(each, "original_router", None) for each in create_app(settings).routes]
    routes = [route for router in routers if router is not None for route in router.routes]
    return {route.path for route in routes if isinstance(route, APIRoute)}


async def test_no_token_opens_nothing(app: FastAPI) -> None:
    assert all_ended(await ends(app, GUARDED, None), 401, "TokenInvalid") == {}


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "another-service"}],
    ids=["expired", "for-another-service"],
)
async def test_token_that_is_not_for_us_now_opens_nothing(
    app: FastAPI, mint: TokenMint, claims: dict[str, Any]
) -> None:
    headers = mint.headers(hosts={"host_a": "owner"}, scope="ops import platform", **claims)
    assert all_ended(await ends(app, GUARDED, headers), 401, "TokenInvalid") == {}


async def test_owner_of_another_host_finds_no_host(app: FastAPI, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_b": "owner"}, scope="ops import platform")
    assert all_ended(await ends(app, OF_HOSTS, headers), 404, "HostNotFound") == {}


async def test_host_of_others_answers_like_one_that_is_not_there(app: FastAPI, mint: TokenMint) -> None:
    different = []
    async with caller(app, mint.headers(hosts={"host_b": "owner"})) as client:
        for endpoint in OF_HOSTS:
            there, nowhere = [
                await endpoint.request(client, host_id=each) for each in ("host_a", "host_nobody")
            ]
            if _told(there) != _told(nowhere):
                different.append(endpoint.key)
    assert different == []


def _told(answer: httpx.Response) -> tuple[int, dict[str, Any], list[str]]:
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, body, sorted(answer.headers)


async def test_role_that_we_do_not_know_is_none(app: FastAPI, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_a": "emperor"})
    assert all_ended(await ends(app, OF_HOSTS, headers), 404, "HostNotFound") == {}


async def test_member_may_read_and_change_nothing(app: FastAPI, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    changes = [endpoint for endpoint in OF_HOSTS if not endpoint.is_read]
    assert all_ended(await ends(app, changes, headers), 403, "RoleInsufficient") == {}
    assert let_in(await ends(app, [endpoint for endpoint in OF_HOSTS if endpoint.is_read], headers)) == {}


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_owner_and_admin_are_let_in_everywhere(app: FastAPI, mint: TokenMint, role: str) -> None:
    assert let_in(await ends(app, OF_HOSTS, mint.headers(hosts={"host_a": role}))) == {}


@pytest.mark.parametrize("scope", ["", "ops", "import", "platform", "opsx"])
async def test_scope_opens_its_own_endpoints_only(app: FastAPI, mint: TokenMint, scope: str) -> None:
    headers = mint.headers(hosts={"host_a": "owner"}, scope=scope)
    others = [endpoint for endpoint in ENDPOINTS if endpoint.scope is not None and endpoint.scope != scope]
    assert all_ended(await ends(app, others, headers), 403, "RoleInsufficient") == {}
    own = [endpoint for endpoint in ENDPOINTS if endpoint.scope == scope and scope]
    assert let_in(await ends(app, own, headers)) == {}


async def test_refusals_tell_nothing_of_the_host(app: FastAPI, mint: TokenMint) -> None:
    async with caller(app, mint.headers(hosts={"host_a": "member"})) as client:
        texts = [(await endpoint.request(client)).text for endpoint in OF_HOSTS if not endpoint.is_read]
    assert not [each for each in texts if "Otter" in each or "otter.example" in json.dumps(each)]
