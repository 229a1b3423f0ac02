"""The webhook endpoint over ASGI: what it accepts, what it refuses, and that accepted bodies are on disk."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.log_limit import LogLimit
from app.main import create_app
from app.metrics import REGISTRY
from app.models import Delivery, Quarantined, Registration, UnknownBody
from app.webhooks.schemas import TYPES
from devtools.local_stack.local_services import LocalServices
from devtools.local_stack.webhook_sender import signed_headers
from tests.deliveries import PATH, post, registration, webhook
from tests.factories import WEBHOOK_KEY, WEBHOOK_SECRET, settings_for
from tests.openapi_check import check_response
from tests.tokens import TokenMint
from tools.openapi.command import describe_api
from tools.openapi.operation_examples import WEBHOOKS

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport, hooks = httpx.ASGITransport(app), {"response": [check_response]}
    return httpx.AsyncClient(transport=transport, base_url="http://service.test", event_hooks=hooks)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def count(database: Database, table: Any) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def signed(body: bytes, *, webhook_id: str = "msg_1", at: float = 0) -> dict[str, str]:
    return signed_headers(WEBHOOK_KEY, webhook_id, int(time.time() + at), body)


async def test_signed_registration_is_recorded_before_the_answer(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await post(client, webhook())
    assert (answer.status_code, answer.json()) == (202, {"outcome": "accepted"})
    async with database.system() as session:
        registration = (await session.scalars(select(Registration))).one()
        delivery = (await session.scalars(select(Delivery))).one()
    assert (registration.host_id, registration.registration_id) == ("host_a", "reg_1")
    assert (registration.status, registration.email_key) == ("confirmed", "mary@otter.example")
    assert delivery.payload == webhook()


async def test_same_id_again_is_a_duplicate_without_effect(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = [(await post(client, webhook())).json()["outcome"] for _ in range(3)]
    assert answers == ["accepted", "duplicate", "duplicate"]
    assert await count(database, Delivery) == 1


async def test_unknown_type_is_kept_and_answered_as_such(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await post(client, webhook("registration.levitated", registration={"id": 7}))
    assert (answer.status_code, answer.json()) == (202, {"outcome": "unknown_type"})
    assert (await count(database, Delivery), await count(database, Registration)) == (1, 0)
    async with database.system() as session:
        kept = (await session.scalars(select(Delivery.payload))).one()
        body = (await session.scalars(select(UnknownBody.sealed))).one()
    assert kept["data"] == {"host": {"id": "host_a", "name": "Otters Inc"}}
    assert b"otter" not in body.lower()


async def test_check_in_before_its_registration_ends_with_both(
    client: httpx.AsyncClient, database: Database
) -> None:
    check_in = registration(status="pending", checked_in_at="2026-11-24T08:12:00Z", version=2)
    del check_in["registered_at"]
    early = webhook("registration.checked_in", "2026-11-24T08:12:00Z", registration=check_in)
    await post(client, early, "msg_2")
    await post(client, webhook(), "msg_1")
    async with database.system() as session:
        stored = (await session.scalars(select(Registration))).one()
    assert (stored.status, stored.confirmed_at, stored.checked_in_at) == (
        "confirmed",
        datetime(2026, 11, 10, 14, 3, tzinfo=UTC),
        datetime(2026, 11, 24, 8, 12, tzinfo=UTC),
    )


async def test_hundred_posts_of_one_id_are_one_delivery(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = await asyncio.gather(*(post(client, webhook()) for _ in range(100)))
    outcomes = [answer.json()["outcome"] for answer in answers]
    assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 99
    assert await count(database, Delivery) == 1


BODY = json.dumps(webhook()).encode()
AUTHENTICATION_FAILURES = {
    "no-signature": {"webhook-signature": ""},
    "signature-without-comma": {"webhook-signature": "garbage"},
    "bad-base64": {"webhook-signature": "v1,a"},
    "two-commas": {"webhook-signature": "v1,a,b"},
    "wrong-signature": {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()},
    "not-ascii": {"webhook-signature": "v1,\xff"},
    "other-id": {"webhook-id": "msg_9"},
    "empty-id": {"webhook-id": ""},
    "fractional-time": {"webhook-timestamp": f"{time.time():.1f}"},
    "no-time": {"webhook-timestamp": ""},
}


@pytest.mark.parametrize("headers", AUTHENTICATION_FAILURES.values(), ids=AUTHENTICATION_FAILURES)
async def test_every_authentication_failure_looks_the_same(
    client: httpx.AsyncClient, database: Database, headers: dict[str, str]
) -> None:
    changed = [(name.encode(), value.encode("latin-1")) for name, value in (signed(BODY) | headers).items()]
    answer = await client.post(PATH, content=BODY, headers=changed)
    expected = await client.post(PATH, content=BODY, headers={"content-type": "application/json"})
    assert (answer.status_code, expected.status_code) == (401, 401)
    assert answer.json() | {"request_id": None} == expected.json() | {"request_id": None}
    assert (answer.json()["code"], answer.json()["detail"]) == ("SignatureInvalid", None)
    assert await count(database, Delivery) == await count(database, Quarantined) == 0


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(-298, 202, id="298-s-ago"),
        pytest.param(298, 202, id="298-s-ahead"),
        pytest.param(-302, 401, id="302-s-ago"),
        pytest.param(302, 401, id="302-s-ahead"),
    ],
)
async def test_timestamp_may_be_five_minutes_away(
    client: httpx.AsyncClient, seconds: int, status: int
) -> None:
    answer = await client.post(PATH, content=BODY, headers=signed(BODY, at=seconds))
    assert answer.status_code == status


@pytest.mark.parametrize("seconds", [-600, 600], ids=["ago", "ahead"])
async def test_a_wrong_clock_is_distinguished_from_a_wrong_secret(
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seconds: int,
) -> None:
    monkeypatch.setattr("app.webhooks.endpoints.limit", LogLimit(logging.getLogger("app.webhooks.endpoints")))
    before = {label: counted(label) for label in ("SignatureStale", "SignatureInvalid")}
    stale = await client.post(PATH, content=BODY, headers=signed(BODY, at=seconds))
    other = signed_headers(b"a-badger-forges-webhooks-by-day!", "msg_1", int(time.time() + seconds), BODY)
    forged = await client.post(PATH, content=BODY, headers=other)
    assert (stale.status_code, stale.json()["code"]) == (401, "SignatureStale")
    assert (forged.status_code, forged.json()["code"]) == (401, "SignatureInvalid")
    assert {label: counted(label) - before[label] for label in before} == dict.fromkeys(before, 1)
    [line] = [record for record in caplog.records if record.message == "webhook_stale"]
    assert abs(vars(line)["seconds"] + seconds) <= 2


def counted(label: str) -> float:
    return REGISTRY.get_sample_value("webhook_requests_total", {"outcome": label}) or 0


async def test_replay_with_a_new_time_but_the_old_signature_is_refused(client: httpx.AsyncClient) -> None:
    headers = signed(BODY, at=-400)
    assert (await client.post(PATH, content=BODY, headers=headers)).status_code == 401
    headers["webhook-timestamp"] = str(int(time.time()))
    assert (await client.post(PATH, content=BODY, headers=headers)).status_code == 401


async def test_header_given_twice_is_refused(client: httpx.AsyncClient) -> None:
    headers = signed(BODY)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        twice = [*headers.items(), (name, headers[name])]
        assert (await client.post(PATH, content=BODY, headers=twice)).status_code == 401


UNUSABLE = {
    "not-json": b"otter",
    "not-utf8": b'{"a": "\xff"}',
    "utf16": json.dumps(webhook()).encode("utf-16"),
    "a-list": b"[]",
    "deep": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "deep-lists": b"[" * 200_000,
    "million-digits": b'{"a": ' + b"9" * 200_000 + b"}",
    "nan": b'{"a": NaN}',
    "duplicate-key": b'{"type": "a", "type": "b"}',
    "nul": json.dumps(webhook(reason="\x00")).encode(),
    "lone-surrogate": json.dumps(webhook(reason="\ud800")).encode(),
    "escaped-quotes": b'{"a": "' + b'\\"' * 100_000,
    "commercial-ats": b'{"host": {"id": ' * 5_000 + b"a@" * 80_000,
    "no-host": json.dumps(webhook(host=None)).encode(),
    "wrong-shape": json.dumps(webhook(registration={"id": 7})).encode(),
    "incomplete": json.dumps(webhook("registration.cancelled")).encode(),
}


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
async def test_signed_but_unusable_body_is_quarantined_once(
    client: httpx.AsyncClient, database: Database, body: bytes
) -> None:
    answers = [await post(client, body) for _ in range(2)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "PayloadUnusable")
    ] * 2
    async with database.system() as session:
        kept = (await session.scalars(select(Quarantined))).one()
    assert (kept.webhook_id, kept.reason) == ("msg_1", answers[0].json()["reason"])
    assert [fault["path"] for fault in kept.faults] == [
        error["path"] for error in answers[0].json()["errors"] or ()
    ]
    assert await count(database, Delivery) == 0


async def test_unusable_body_is_refused_with_the_place_of_the_fault_without_its_values(
    client: httpx.AsyncClient,
) -> None:
    answer = await post(client, webhook(registration=registration(status="mary@otter.example")))
    assert [error["path"] for error in answer.json()["errors"]] == ["data.registration.status"]
    assert "otter" not in answer.text


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 1024):
        yield b" " * 1024


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        pytest.param({}, b" " * 300_000, 413, "BodyTooLarge", id="300-kb"),
        pytest.param({}, 300_000, 413, "BodyTooLarge", id="300-kb-in-chunks"),
        pytest.param({"content-encoding": "gzip"}, BODY, 415, "MediaTypeUnsupported", id="gzip"),
        pytest.param({"content-type": "text/plain"}, BODY, 415, "MediaTypeUnsupported", id="text"),
        pytest.param({"content-type": ""}, BODY, 415, "MediaTypeUnsupported", id="no-type"),
    ],
)
async def test_body_that_is_not_small_plain_json_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes | int, status: int, code: str
) -> None:
    content = chunks(body) if isinstance(body, int) else body
    answer = await client.post(PATH, content=content, headers=signed(BODY) | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        pytest.param("2999-01-01T00:00:00Z", 202, id="still-alive"),
        pytest.param("2020-01-01T00:00:00Z", 401, id="ended"),
    ],
)
async def test_old_secret_passes_until_it_ends(
    engines: LocalServices, mint: TokenMint, database: Database, ends: str, status: int
) -> None:
    old_key = b"an-old-otter-signed-webhooks-too"
    old = "whsec_" + base64.b64encode(old_key).decode()
    both = settings_for(engines, jwks_file=mint.jwks_file, webhook_secrets=f"{WEBHOOK_SECRET},{old}@{ends}")
    app = create_app(both)
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await post(client, webhook(), key=old_key)).status_code == status
        assert (await post(client, webhook())).status_code == 202


async def test_database_that_is_away_is_a_503_with_retry_after(
    engines: LocalServices, mint: TokenMint
) -> None:
    nobody = "postgresql://owner@127.0.0.1:1/postgres"
    app = create_app(settings_for(engines, jwks_file=mint.jwks_file, database_url=nobody))
    async with asyncio.timeout(5), app.router.lifespan_context(app), client_of(app) as client:
        for payload in (webhook(), b"[]"):
            answer = await post(client, payload)
            assert (answer.status_code, answer.json()["code"]) == (503, "DatabaseUnavailable")
            assert answer.headers["retry-after"] == "5"


async def test_fault_of_ours_is_a_500_that_names_the_request_and_nothing_else(
    settings: Settings, database: Database
) -> None:
    """Without its lifespan the application has no writer: a fault that no sender can cause."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        answer = await post(client, webhook())
    assert (answer.status_code, answer.json()["code"]) == (500, "Unexpected")
    assert answer.json()["request_id"].startswith("req_")


@pytest.mark.parametrize(
    ("payload", "label"),
    [
        pytest.param(webhook(), "accepted", id="accepted"),
        pytest.param(webhook("otter.fed"), "unknown_type", id="unknown-type"),
        pytest.param(b"[]", "PayloadUnusable", id="unusable"),
    ],
)
async def test_outcomes_are_counted(client: httpx.AsyncClient, payload: Any, label: str) -> None:
    def counted() -> tuple[float, float]:
        return (
            REGISTRY.get_sample_value("webhook_requests_total", {"outcome": label}) or 0,
            REGISTRY.get_sample_value("webhook_request_duration_seconds_count") or 0,
        )

    before = counted()
    await post(client, payload)
    assert counted() == (before[0] + 1, before[1] + 1)


def test_request_and_answers_are_documented() -> None:
    operation = describe_api()["paths"][PATH]["post"]
    assert {"202", "400", "401", "408", "413", "415", "503"} <= operation["responses"].keys()
    assert {header["name"] for header in operation["parameters"]} == set(HEADERS)


async def test_every_documented_webhook_is_accepted(client: httpx.AsyncClient, database: Database) -> None:
    ends = {
        type_: (await post(client, payload, f"msg_{type_}")).json() for type_, payload in WEBHOOKS.items()
    }
    assert ends == {type_: {"outcome": "accepted"} for type_ in TYPES}
    assert await count(database, Quarantined) == 0
