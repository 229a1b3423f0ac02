"""Health and metrics: what each checks, its answer when a dependency is away, and what it never contains."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api import health
from app.api.health import KEYS_NEVER_READ, has_working_keys
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import DecryptionFailed, Encryptor
from app.infrastructure.log_limit import LogLimit
from tests.api.service import caller, running
from tests.tokens import TokenMint

NOBODY_THERE = "postgresql+asyncpg://owner@127.0.0.1:1/postgres"

CHECKS = ("process", "database", "roles", "migrations", "clock", "keys", "token_keys")
STAMPED = text("UPDATE alembic_version SET version_num = :revision, min_code = :min_code")


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app) as client:
        yield client


@pytest.fixture
async def cut_off(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The service without its database."""
    async with (
        running(settings.model_copy(update={"database_url": NOBODY_THERE})) as app,
        caller(app) as client,
    ):
        yield client


async def test_ready_when_postgres_migrations_and_keys_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": dict.fromkeys(CHECKS, "ok"),
    }


async def test_shows_that_no_token_can_be_checked_and_is_ready_for_webhooks(
    settings: Settings, database: Database, tmp_path: Path, mint: TokenMint
) -> None:
    without = settings.model_copy(update={"jwks_file": tmp_path / "none"})
    async with running(without) as app, caller(app, mint.headers(scope="ops")) as client:
        answer, refused = await client.get("/readyz"), await client.post("/ops/jobs/retry")
    assert (answer.status_code, answer.json()["checks"]["token_keys"]) == (200, KEYS_NEVER_READ)
    assert (refused.status_code, refused.json()["code"]) == (503, "KeysUnavailable")
    assert refused.headers["retry-after"] == "5"


async def test_ready_without_redis(settings: Settings, database: Database) -> None:
    without = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with running(without) as app, caller(app) as client:
        assert (await client.get("/readyz")).status_code == 200


async def test_not_ready_without_postgres_but_alive(cut_off: httpx.AsyncClient) -> None:
    answer = await cut_off.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "does not answer")
    assert (await cut_off.get("/livez")).json() == {"status": "alive"}


async def test_looks_of_a_balancer_cost_a_line_a_minute(
    cut_off: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "limit", LogLimit(health.log))
    for _ in range(3):
        assert (await cut_off.get("/readyz")).status_code == 503
    assert [line.message for line in caplog.records if line.name == health.log.name] == ["not_ready"]


async def test_not_ready_behind_the_newest_migration(client: httpx.AsyncClient, owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        head = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        answer = await client.get("/readyz")
    finally:
        async with owner.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"].startswith(f"at 0000, this release needs {head}: run ")


@pytest.mark.parametrize(("min_code", "status"), [("0000", 200), ("9998", 503)])
async def test_ready_ahead_of_its_own_migrations_down_to_the_oldest_release_that_may(
    client: httpx.AsyncClient, owner: AsyncEngine, min_code: str, status: int
) -> None:
    """`migrate` of the next release must not take the running one out of rotation."""
    async with owner.begin() as connection:
        before = (await connection.execute(text("SELECT version_num, min_code FROM alembic_version"))).one()
        await connection.execute(STAMPED, {"revision": "9999", "min_code": min_code})
    try:
        answer = await client.get("/readyz")
    finally:
        async with owner.begin() as connection:
            await connection.execute(STAMPED, {"revision": before[0], "min_code": before[1]})
    assert answer.status_code == status
    assert (await client.get("/readyz")).status_code == 200


async def test_not_ready_when_a_role_sees_more_than_its_host(
    client: httpx.AsyncClient, owner: AsyncEngine
) -> None:
    async with owner.begin() as connection:
        await connection.execute(text("ALTER ROLE eventship_app BYPASSRLS"))
    try:
        answer = await client.get("/readyz")
    finally:
        async with owner.begin() as connection:
            await connection.execute(text("ALTER ROLE eventship_app NOBYPASSRLS"))
    assert answer.status_code == 503
    assert "role_unsafe" in answer.json()["checks"]["roles"]
    assert (await client.get("/readyz")).status_code == 200


def test_keys_that_do_not_open_what_they_sealed_are_not_ready() -> None:
    class Forgetful(Encryptor):
        def open(self, sealed: bytes, *, host_id: str, column: str) -> str:
            raise DecryptionFailed

    assert not has_working_keys(Forgetful([("k", bytes(32))]))
