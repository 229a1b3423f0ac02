"""Health and metrics: what each checks, its answer when a dependency is away, and what it never contains."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api import health
from app.api.health import KEYS_NEVER_READ, has_working_keys, read_gauges
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import DecryptionFailed, Encryptor
from app.infrastructure.log_limit import LogLimit
from app.models import Connection, OrgLease, WorkerHeartbeat
from tests.api.service import caller, running
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    RULE,
    add,
    add_connected_host,
    hours_ago,
    in_hours,
    save,
    simple,
)
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


async def test_metrics_of_this_process_survive_a_database_that_is_away(cut_off: httpx.AsyncClient) -> None:
    body = (await cut_off.get("/metrics")).text
    assert "sync_wakeup_failures_total" in body
    assert "database_up 0.0" in body
    assert "sync_jobs{" not in body


async def test_gauges_show_the_backlog(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        simple("r1", "pending", due_at=hours_ago(1)),
        simple("r2", "pending", due_at=in_hours(1)),
        simple("r3", "failed", error=RULE),
    )
    await save(database, WorkerHeartbeat(worker_id="w1", hostname="box", pid=1))
    body = await _gauges(database)
    assert (body['sync_jobs{state="pending"}'], body['sync_jobs{state="failed"}']) == (2, 1)
    assert body['sync_jobs{state="running"}'] == 0
    assert 3590 < body["sync_oldest_ready_age_seconds"] < 3700
    assert (body["sync_orgs_with_backlog"], body["sync_workers"], body["database_up"]) == (1, 1, 1)
    assert body['oauth_connections{state="connected"}'] == 1


TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "needs reconnect": (
        {"state": "needs_reconnect", "reason_code": "access_revoked"},
        'connection_troubles{code="access_revoked",kind="needs_reconnect"}',
    ),
    "fault": (
        {"fault_code": "credentials_unreadable", "fault_count": 1},
        'connection_troubles{code="credentials_unreadable",kind="fault"}',
    ),
    "access": (
        {
            "problems": [
                {"code": "email_not_searchable", "sobject": "Lead", "field": "Email"},
                {"code": "email_not_searchable", "sobject": "Contact", "field": "Email"},
            ]
        },
        'connection_troubles{code="email_not_searchable",kind="access"}',
    ),
    "budget": (
        {"api_closed_until": datetime.now(UTC) + timedelta(hours=1)},
        'connection_troubles{code="api_budget",kind="budget"}',
    ),
}


@pytest.mark.parametrize(("values", "gauge"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_gauges_show_what_keeps_connections_from_moving(
    database: Database, vault: Encryptor, values: dict[str, Any], gauge: str
) -> None:
    await add_connected_host(database, vault)
    assert not [name for name in await _gauges(database) if name.startswith("connection_troubles")]
    async with database.system() as session:
        await session.execute(update(Connection).values(**values))
    found = {name: count for name, count in (await _gauges(database)).items() if "troubles" in name}
    assert found == {gauge: 1}


async def test_gauges_show_orgs_that_are_left_alone(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    later = datetime.now(UTC) + timedelta(minutes=5)
    await save(database, OrgLease(org_id=ORG_ID, not_before=later, not_before_reason="unavailable"))
    assert (await _gauges(database))['connection_troubles{code="unavailable",kind="org"}'] == 1
    async with database.system() as session:
        await session.execute(update(OrgLease).values(not_before_reason="SOME_CODE_OF_THE_ORG"))
    assert (await _gauges(database))['connection_troubles{code="other",kind="org"}'] == 1


async def test_backlog_behind_a_closed_gate_is_not_ready_work(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await save(database, OrgLease(org_id=ORG_ID, paused_at=NOW))
    await add(database, simple("r1", "pending", due_at=hours_ago(1)))
    body = await _gauges(database)
    assert (body["sync_oldest_ready_age_seconds"], body["sync_orgs_with_backlog"]) == (0, 0)


async def test_metrics_name_no_host_and_are_read_at_most_every_few_seconds(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "pending"))
    first = (await client.get("/metrics")).text
    assert 'sync_jobs{state="pending"} 1.0' in first
    assert not [name for name in ("host_a", "evt_", ORG_ID, "otter") if name in first]
    await add(database, simple("r2", "pending"))
    assert 'sync_jobs{state="pending"} 1.0' in (await client.get("/metrics")).text


def test_keys_that_do_not_open_what_they_sealed_are_not_ready() -> None:
    class Forgetful(Encryptor):
        def open(self, sealed: bytes, *, host_id: str, column: str) -> str:
            raise DecryptionFailed

    assert not has_working_keys(Forgetful([("k", bytes(32))]))


async def _gauges(database: Database) -> dict[str, float]:
    lines = (await read_gauges(database)).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
