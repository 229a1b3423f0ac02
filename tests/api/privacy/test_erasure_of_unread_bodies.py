"""An erasure covers unparsed bodies, before it and after: tables, decrypted values, Valkey, logs."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.connections.key_rotation import sealed_columns
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Base, Delivery, Quarantined, Registration, UnknownBody
from tests.api.service import caller, running
from tests.deliveries import VAULT, post, registration, webhook
from tests.factories import connection_for
from tests.tokens import TokenMint

ERASE = "/v1/hosts/host_a/attendees/erase"
EMAIL = "Canary@Otter.example"
BY_BOTH = {"attendee": {"id": "per_canary", "email": EMAIL}}
BY_EMAIL = {"attendee": {"email": EMAIL}}
WHO = {
    "id": "per_canary", "email": EMAIL, "first_name": "Canary", "last_name": "Yellow",
    "company": "Canary Ltd", "phone": "+49 canary",
}  # fmt: skip
DIET = {"name": "Canary Yellow", "diet": "canary seed"}
FRIEND = {"id": "per_2", "email": "friend@otter.example"}


def whole(**changes: Any) -> dict[str, Any]:
    return webhook(registration=registration(id="reg_7", attendee=WHO, **changes))


def unknown(**data: Any) -> dict[str, Any]:
    return webhook("survey.answered", event=None, **({"registration": None} | data))


def bought(**data: Any) -> dict[str, Any]:
    buyer = {"name": "Canary Yellow", "email": EMAIL}
    return webhook(registration=registration(id="reg_2", attendee=FRIEND, buyer=buyer), **data)


HOST = {"id": "host_a", "name": "Otters Inc"}
LINES: dict[str, Any] = {
    "unusable": whole(status="weird"),
    "unusable-without-time": whole() | {"timestamp": "yesterday"},
    "unusable-by-id-alone": webhook(registration={"id": "reg_7", "name": "Canary Yellow"}),
    "broken-json": json.dumps(whole())[:-1].encode(),
    "erasure-with-a-bad-id": webhook(
        "attendee.erased", event=None, registration=None, attendee=WHO, registration_ids=["reg_7", "b d"]
    ),
    "unknown-by-registration-id": unknown(registration={"id": "reg_7"}, answers=DIET),
    "unknown-by-attendee-id": unknown(attendee={"id": "per_canary"}, answers=DIET),
    "unknown-in-its-usual-place": unknown(
        registration={"id": "r", "attendee": {"email": EMAIL}}, answers=DIET
    ),
    "unknown-elsewhere": unknown(respondent={"mail": EMAIL.upper()}, answers=DIET),
    "unknown-in-a-text": unknown(note=f"Ask <mailto:{EMAIL}?subject=canary>.", answers=DIET),
    "unknown-in-a-link": unknown(url="https://x.example/?who=canary%40otter.example", answers=DIET),
    "member-of-the-host": bought(host=HOST | {"contact": {"name": "Canary Yellow", "mail": EMAIL}}),
    "member-of-the-data": bought(invoice={"to": "Canary Yellow"}),
}


@pytest.fixture
async def app(settings: Settings, database: Database, vault: Encryptor) -> AsyncIterator[FastAPI]:
    async with database.system() as session:
        session.add(connection_for(vault))
    async with running(settings) as app:
        yield app


@pytest.fixture
async def platform(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app) as client:
        yield client


@pytest.fixture
async def dashboard(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


async def places(owner: AsyncEngine, redis_url: str) -> set[str]:
    """The tables (decrypted) and Valkey keys that contain the canary."""
    found = set()
    async with owner.connect() as connection:
        for table in Base.metadata.sorted_tables:
            hits = await connection.scalar(
                text(f"SELECT count(*) FROM {table.name} AS t WHERE t::text ~* :word OR t::text ~* :hex"),
                {"word": "canary|yellow", "hex": f"{b'Canary'.hex()}|{b'canary'.hex()}"},
            )
            found |= {table.name} if hits else set()
        for sealed in sealed_columns():
            rows = await connection.execute(select(sealed.table.host_id, sealed.column))
            for host_id, value in rows:
                if value and VAULT.kids >= {kid(value)}:
                    opened = VAULT.open(value, host_id=host_id, column=sealed.bound_to)
                    found |= {sealed.bound_to} if "canary" in opened.lower() else set()
    async with Redis.from_url(redis_url) as valkey:
        async for key in valkey.scan_iter("*"):
            value = await valkey.dump(key)
            found |= {"valkey"} if b"canary" in (key + (value or b"")).lower() else set()
    return found


def kid(value: bytes) -> str:
    return value[2 : 2 + value[1]].decode()


async def send(platform: httpx.AsyncClient, payload: Any, webhook_id: str) -> None:
    answer = await post(platform, payload, webhook_id)
    assert answer.status_code in {202, 400}
    assert "canary" not in answer.text.lower()


@pytest.mark.parametrize("who", [BY_BOTH, BY_EMAIL], ids=["by-both", "by-email"])
@pytest.mark.parametrize("payload", LINES.values(), ids=LINES)
async def test_nothing_is_left_or_comes_back(
    platform: httpx.AsyncClient,
    dashboard: httpx.AsyncClient,
    owner: AsyncEngine,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    payload: Any,
    who: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    await send(platform, whole(), "msg_1")
    await send(platform, payload, "msg_2")
    assert "registrations" in await places(owner, settings.redis_url)
    assert (await dashboard.post(ERASE, json=who)).status_code == 202
    assert await places(owner, settings.redis_url) == set()
    await send(platform, payload, "msg_3")
    await send(platform, whole(), "msg_4")
    assert await places(owner, settings.redis_url) == set()
    logged = " ".join(str(vars(each)) for each in caplog.records if each.name.startswith(("app", "uvicorn")))
    assert "yellow" not in logged.lower()
    assert EMAIL.lower() not in logged.lower()


@pytest.mark.parametrize("payload", LINES.values(), ids=LINES)
async def test_what_is_about_somebody_else_stays(
    platform: httpx.AsyncClient, dashboard: httpx.AsyncClient, database: Database, payload: Any
) -> None:
    await send(platform, payload, "msg_2")
    async with database.system() as session:
        before = [
            await _count(session, table) for table in (UnknownBody, Quarantined, Registration, Delivery)
        ]
    await dashboard.post(ERASE, json={"attendee": {"id": "per_9", "email": "anary@otter.example"}})
    async with database.system() as session:
        after = [await _count(session, table) for table in (UnknownBody, Quarantined, Registration, Delivery)]
        emptied = await session.scalar(select(func.count()).where(Delivery.payload.has_key("is_erased")))
    assert (after, emptied) == (before, 0)


async def _count(session: Any, table: Any) -> int:
    kept = table.sealed.is_not(None) if table is Quarantined else text("true")
    return await session.scalar(select(func.count()).select_from(table).where(kept)) or 0


KEPT_SEALED = {
    "unusable": 1, "unusable-without-time": 1, "unusable-by-id-alone": 1, "broken-json": 1,
    "erasure-with-a-bad-id": 0,
}  # fmt: skip


@pytest.mark.parametrize(("line", "kept"), KEPT_SEALED.items(), ids=KEPT_SEALED)
async def test_of_an_unusable_body_host_and_faults_are_kept(
    platform: httpx.AsyncClient, database: Database, line: str, kept: int
) -> None:
    await send(platform, LINES[line], "msg_2")
    async with database.system() as session:
        row = (await session.scalars(select(Quarantined))).one()
    assert (row.host_id, row.sealed is not None) == ("host_a", bool(kept))
    assert bool(row.faults) is (line != "broken-json")
    if row.sealed:
        opened = VAULT.open(row.sealed, host_id="host_a", column="quarantine.sealed")
        assert "canary" in opened.lower()


async def test_a_later_registration_is_a_new_person_also_in_bodies_that_nobody_reads(
    platform: httpx.AsyncClient, dashboard: httpx.AsyncClient, database: Database
) -> None:
    await dashboard.post(ERASE, json=BY_BOTH)
    later = unknown(respondent={"mail": EMAIL}) | {"timestamp": "2999-01-01T00:00:00Z"}
    await send(platform, later, "msg_2")
    async with database.system() as session:
        assert await _count(session, UnknownBody) == 1


async def test_body_with_more_texts_than_are_searched_is_not_kept(
    platform: httpx.AsyncClient, database: Database
) -> None:
    await send(platform, unknown(answers=[f"text {number}" for number in range(2001)]), "msg_2")
    async with database.system() as session:
        assert [await _count(session, table) for table in (UnknownBody, Delivery)] == [0, 1]
