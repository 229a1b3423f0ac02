"""Values that Postgres always refuses: only the delivery that contains them is set aside."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Quarantined, Registration
from tests.api.imports.test_imports import PATH as IMPORTS
from tests.api.imports.test_imports import line
from tests.api.service import caller, running
from tests.deliveries import post, registration, webhook
from tests.tokens import TokenMint

BAD = "reg_bad"
LONG = "l" * 9_000


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def refusing(owner: AsyncEngine) -> AsyncIterator[None]:
    """A database that refuses one registration, whatever the reason."""
    async with owner.begin() as connection:
        await connection.execute(
            text(f"ALTER TABLE registrations ADD CONSTRAINT refused CHECK (registration_id <> '{BAD}')")
        )
    yield
    async with owner.begin() as connection:
        await connection.execute(text("ALTER TABLE registrations DROP CONSTRAINT refused"))


async def registered(database: Database) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(Registration)) or 0


async def insisting(client: httpx.AsyncClient, registration_id: str) -> httpx.Response:
    """Sent again while it is answered 503, as senders do: on a busy machine a group may take too long."""
    payload = webhook(registration=registration(id=registration_id))
    while (answer := await post(client, payload, f"msg_{registration_id}")).status_code == 503:
        pass
    return answer


@pytest.mark.usefixtures("refusing")
async def test_delivery_that_cannot_be_stored_is_quarantined_alone(app: FastAPI, database: Database) -> None:
    async with caller(app) as client:
        answers = await asyncio.gather(*(insisting(client, each) for each in ("reg_1", BAD, "reg_2")))
        again = await insisting(client, BAD)
    assert [answer.status_code for answer in answers] == [202, 400, 202]
    assert (again.json()["code"], again.json()["reason"]) == ("PayloadUnusable", "not_storable")
    async with database.system() as session:
        kept = (await session.scalars(select(Quarantined))).one()
    assert (kept.reason, kept.host_id, kept.sealed is None) == ("not_storable", "host_a", False)
    assert await registered(database) == 2


@pytest.mark.usefixtures("refusing")
async def test_import_line_that_cannot_be_stored_is_rejected_alone(
    app: FastAPI, database: Database, mint: TokenMint
) -> None:
    lines = "\n".join(json.dumps(line(id=each)) for each in ("reg_1", BAD, "reg_2"))
    async with caller(app, mint.headers(scope="import")) as client:
        answer = await client.post(IMPORTS, content=lines, headers={"Content-Type": "application/x-ndjson"})
    found = [json.loads(each) for each in answer.text.splitlines()]
    assert [each["outcome"] for each in found] == ["accepted", "rejected", "accepted"]
    assert found[1]["registration_id"] == BAD
    assert await registered(database) == 2


@pytest.mark.parametrize(
    "attendee",
    [{"email": LONG}, {"id": LONG}, {"email": {"a": 1}}, {"id": {"a": LONG}}],
    ids=["email", "id", "object", "long-object"],
)
async def test_unknown_type_is_taken_however_long_its_values(app: FastAPI, attendee: object) -> None:
    payload = webhook("survey.answered", registration={"id": LONG, "attendee": attendee})
    async with caller(app) as client:
        answer: httpx.Response = await post(client, payload)
    assert (answer.status_code, answer.json()) == (202, {"outcome": "unknown_type"})
