"""The webhook's door over ASGI: what is taken, what is refused, and that it is on disk when we say so."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.database import Database
from app.intake.signature import signed_headers
from app.main import create_app
from app.models import Delivery, Registration
from app.settings import Settings
from tests.deliveries import post, webhook
from tests.factories import WEBHOOK_KEY

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
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
