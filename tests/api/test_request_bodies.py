"""The token is checked before the body is read, and every body is bounded."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Message

from app.api.edge import token_first
from app.api.edge.rate_limits import BEHIND_TOKENS
from app.api.request_bodies import BODY_MAX, LARGE, LargeBodies
from app.config.settings import Settings
from app.main import ROUTERS
from tests.api.service import caller, running
from tests.tokens import TokenMint

IDS = {"host_id": "host_a", "event_id": "ev1", "registration_id": "r1", "attempt_id": "a1", "org_id": "00D1"}
CHANGES = sorted(
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.path.startswith(BEHIND_TOKENS)
    for method in set(route.methods or ()) - token_first.BODILESS
)
BOUNDED = [(method, path) for method, path in CHANGES if path not in token_first.STREAMED]
MEBIBYTE = b"[" * 1_048_576


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


class Body:
    """An ASGI `receive` that counts the pieces that were taken."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces, self.taken = iter(pieces), 0

    async def __call__(self) -> Message:
        self.taken += 1
        return {"type": "http.request", "body": next(self._pieces), "more_body": True}


async def sent(
    app: FastAPI, method: str, path: str, body: Body, *, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """The answer's status and JSON."""
    answer: list[Message] = []

    async def send(message: Message) -> None:
        answer.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path.format_map(IDS),
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "http_version": "1.1",
    }
    await app(scope, body, send)
    return answer[0]["status"], json.loads(b"".join(part.get("body", b"") for part in answer[1:]))


def all_roles(mint: TokenMint) -> dict[str, str]:
    return mint.headers(hosts={"host_a": "owner"}, scope="ops import") | {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body", [b"[" + b"[]," * 340_000 + b"[]]", b'{"fields":[' + b"{}," * 60_000 + b"{}]}", b"[" * 60_000]
)
async def test_body_of_too_many_parts_is_refused_before_it_is_read(
    app: FastAPI, mint: TokenMint, body: bytes
) -> None:
    async with caller(app, all_roles(mint)) as client:
        answer = await client.put("/v1/hosts/host_a/salesforce/mapping", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")


def test_there_are_changes() -> None:
    assert len(CHANGES) > 20


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_nothing_is_read_for_a_stranger(app: FastAPI, method: str, path: str) -> None:
    body = Body(*[b"{"] * 3)
    status, answer = await sent(app, method, path, body, headers={"Content-Type": "application/json"})
    assert (status, answer["code"], body.taken) == (401, "TokenInvalid", 0)


@pytest.mark.parametrize(("method", "path"), BOUNDED)
async def test_a_declared_length_is_refused_unread(
    app: FastAPI, mint: TokenMint, method: str, path: str
) -> None:
    body = Body(b"{")
    headers = all_roles(mint) | {"Content-Length": str(BODY_MAX + 1)}
    status, answer = await sent(app, method, path, body, headers=headers)
    assert (status, answer["code"], body.taken) == (413, "BodyTooLarge", 0)


@pytest.mark.parametrize(("method", "path"), BOUNDED)
async def test_a_body_without_a_length_ends_at_the_cap(
    app: FastAPI, mint: TokenMint, method: str, path: str
) -> None:
    body = Body(*[MEBIBYTE] * 3)
    status, answer = await sent(app, method, path, body, headers=all_roles(mint))
    assert (status, answer["code"], body.taken) == (413, "BodyTooLarge", 2)


def test_large_bodies_make_the_collector_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr("gc.collect", looks.append)
    large = LargeBodies(collect_every=4 * LARGE)
    for size in [LARGE] * 3 + [LARGE - 1] * 9:
        large.count(size)
    assert looks == []
    large.count(LARGE)
    assert looks == [1]
