"""What the platform's engineers have to find their way: a check of signatures, a log, a hint at typos."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Delivery, Host, Quarantined, UnknownBody
from app.operations.delivery_log import DeliveryLogQuery, delivery_page
from app.webhooks.nearest_type import nearest_type
from app.webhooks.schemas import TYPES
from app.webhooks.signature_endpoint import OF_ADDRESS
from devtools.local_stack.webhook_sender import signed_headers
from tests.api.service import caller, running
from tests.deliveries import PATH, post, webhook
from tests.factories import WEBHOOK_KEY
from tests.tokens import TokenMint

TEST = f"{PATH}/test"
LOG = "/platform/deliveries"
BODY = b'{"type":"registration.confirmed"}'
SECRETS = ("otter.example", "Mary", "mary@")


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def platform(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(scope="platform")) as client:
        yield client


def signed(body: bytes, *, at: float = 0) -> dict[str, str]:
    return signed_headers(WEBHOOK_KEY, "msg_1", int(time.time() + at), body)


async def rows(database: Database) -> list[int]:
    async with database.system() as session:
        counts = [
            select(func.count()).select_from(each) for each in (Host, Delivery, Quarantined, UnknownBody)
        ]
        return [await session.scalar(count) or 0 for count in counts]


async def test_what_is_signed_well_is_said_to_be_and_nothing_is_kept(
    app: FastAPI, database: Database
) -> None:
    async with caller(app) as client:
        answer = await client.post(TEST, content=BODY, headers=signed(BODY))
    assert (answer.status_code, answer.json()["is_valid"], answer.json()["findings"]) == (200, True, [])
    assert await rows(database) == [0, 0, 0, 0]


async def test_a_clock_that_is_late_is_told_from_a_wrong_secret(app: FastAPI) -> None:
    async with caller(app) as client:
        late = await client.post(TEST, content=BODY, headers=signed(BODY, at=-400))
        other = await client.post(TEST, content=BODY + b" ", headers=signed(b"[]"))
    assert [[each["code"] for each in answer.json()["findings"]] for answer in (late, other)] == [
        ["clock_behind"],
        ["no_secret_fits"],
    ]


@pytest.mark.parametrize(
    ("size", "content_type", "status"),
    [(262_144, "application/json", 200), (262_145, "application/json", 413), (9, "text/plain", 415)],
)
async def test_its_bounds_are_those_of_a_webhook(
    app: FastAPI, size: int, content_type: str, status: int
) -> None:
    body = b'"' + b"," * (size - 2) + b'"'
    headers = signed(body) | {"content-type": content_type}
    async with caller(app) as client:
        answers = [await client.post(path, content=body, headers=headers) for path in (TEST, PATH)]
    assert answers[0].status_code == status
    assert answers[1].status_code == (400 if status == 200 else status)


async def test_checks_are_bounded_for_each_address(app: FastAPI) -> None:
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://a.test")
        for address in ("192.0.2.1", "192.0.2.2")
    ]
    first = [(await clients[0].post(TEST, content=BODY, headers=signed(BODY))) for _ in range(OF_ADDRESS + 1)]
    other = await clients[1].post(TEST, content=BODY, headers=signed(BODY))
    assert [answer.status_code for answer in first] == [200] * OF_ADDRESS + [429]
    assert (first[-1].json()["reason"], first[-1].headers["Retry-After"]) == ("signature_check", "1")
    assert other.status_code == 200


async def test_the_log_says_what_became_of_each_webhook_and_of_nobody(
    platform: httpx.AsyncClient, database: Database
) -> None:
    await post(platform, webhook(), "msg_1")
    await post(platform, webhook() | {"type": "registration.confirmd"}, "msg_2")
    broken = webhook()
    del broken["data"]["registration"]["attendee"]
    await post(platform, broken, "msg_3")
    answer = await platform.get(LOG)
    items = answer.json()["items"]
    assert [(each["id"], each["type"], each["outcome"], each["reason"]) for each in items] == [
        ("msg_3", None, "unusable", "shape"),
        ("msg_2", "registration.confirmd", "unknown_type", None),
        ("msg_1", "registration.confirmed", "accepted", None),
    ]
    assert [each["path"] for each in items[0]["errors"]] == ["data.registration.attendee"]
    assert {each["host_id"] for each in items} == {"host_a"}
    assert not [each for each in SECRETS if each in answer.text]


async def test_the_log_is_paged_across_both_kinds_and_each_row_comes_once(
    platform: httpx.AsyncClient,
) -> None:
    broken = webhook() | {"timestamp": "yesterday"}
    for number in range(7):
        await post(platform, webhook() if number % 2 else broken, f"msg_{number}")
    found, cursor = [], None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await platform.get(LOG, params=query)).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"msg_{number}" for number in reversed(range(7))]


async def test_the_log_is_searched_by_id_and_time(platform: httpx.AsyncClient) -> None:
    await post(platform, webhook(), "msg_1")
    await post(platform, webhook(), "msg_2")
    items = (await platform.get(LOG)).json()["items"]
    times = {each["id"]: each["received_at"] for each in items}
    latest = times["msg_2"]
    queries: list[dict[str, str]] = [
        {"id": "msg_1"},
        {"from": latest},
        {"to": latest},
        {"id": "msg_1", "from": latest},
    ]
    found = [[each["id"] for each in (await platform.get(LOG, params=q)).json()["items"]] for q in queries]
    assert found == [["msg_1"], ["msg_2"], ["msg_1"], []]


@pytest.mark.parametrize("query", [{"id": "a b"}, {"from": "yesterday"}, {"limit": "201"}, {"host": "x"}])
async def test_the_log_refuses_what_it_does_not_know(
    platform: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await platform.get(LOG, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_a_look_for_one_id_reads_no_table_through(database: Database, owner: AsyncEngine) -> None:
    fill = (
        "INSERT INTO deliveries (host_id, webhook_id, type, occurred_at, body_sha256, payload, outcome)"
        " SELECT 'host_' || n % 10, 'msg_' || n, 't', now(), sha256(''), '{}', 'accepted'"
        " FROM generate_series(1, 20000) n"
    )
    hosts = "INSERT INTO hosts (host_id) SELECT 'host_' || n FROM generate_series(0, 9) n"
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    page = delivery_page(DeliveryLogQuery(id="msg_5"))
    look = page.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with owner.begin() as connection:
        for statement in (hosts, fill, "ANALYZE hosts, deliveries"):
            await connection.execute(text(statement))
    async with database.system() as session:
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {look}")))
    assert "Seq Scan on deliveries" not in plan
    assert "pk_deliveries" in plan


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("registration.confirmd", "registration.confirmed"),
        ("Registration.Confirmed", "registration.confirmed"),
        ("registration.checkedin", "registration.checked_in"),
        ("registrations.canceled", "registration.cancelled"),
        ("event/updated", "event.updated"),
        ("registration.exploded", None),
        ("otter", None),
        ("", None),
        ("\0" * 64, None),
    ],
)
def test_a_typo_is_told_from_a_type_of_ones_own(sent: str, meant: str | None) -> None:
    assert nearest_type(sent) == meant
    assert {nearest_type(each) for each in TYPES} == set(TYPES)


async def test_an_unknown_type_is_answered_with_the_one_that_was_meant(app: FastAPI) -> None:
    async with caller(app) as client:
        answers = [
            (await post(client, webhook() | {"type": type_}, f"msg_{type_}")).json()
            for type_ in ("registration.confirmd", "otter.dived")
        ]
    assert answers == [
        {"outcome": "unknown_type", "nearest_type": "registration.confirmed"},
        {"outcome": "unknown_type"},
    ]
