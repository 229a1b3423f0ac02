"""A disk that Postgres cannot write to: what changes something is 503, and goes through afterwards.

The errors are Postgres' own, raised in its triggers; that a disk is really full is not shown here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from tests.api.service import caller, running
from tests.deliveries import post, webhook
from tests.integration.registrations.sample_event import EVENT_ID, RULE, add, add_connected_host, simple
from tests.tokens import TokenMint

CODES = {"full": "53100", "init-file": "XX000", "io-error": "58030"}
RETRY = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce/registrations/r1/retry"
TABLES = ("deliveries", "registrations", "sync_jobs", "idempotency_keys", "quarantine")


@asynccontextmanager
async def full_disk(owner: AsyncEngine, code: str) -> AsyncIterator[None]:
    """Nothing can be written to these tables meanwhile."""
    async with owner.begin() as connection:
        tables = await connection.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname = ANY(:names)"),
            {"names": list(TABLES)},
        )
        await connection.execute(
            text(f"""
                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{code}'; END $$
            """)
        )
        for table in tables:
            await connection.execute(
                text(f"""
                    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table}
                    FOR EACH ROW EXECUTE FUNCTION full_disk()
                """)
            )
    try:
        yield
    finally:
        async with owner.begin() as connection:
            await connection.execute(text("DROP FUNCTION full_disk() CASCADE"))


@pytest.fixture
async def client(
    settings: Settings, database: Database, vault: Encryptor, mint: TokenMint
) -> AsyncIterator[httpx.AsyncClient]:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    async with running(settings) as app, caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "otter-1"}], ids=["plain", "with-key"])
@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
async def test_a_change_waits_for_room(
    client: httpx.AsyncClient, owner: AsyncEngine, code: str, key: dict[str, str]
) -> None:
    async with full_disk(owner, code):
        refused = await client.post(RETRY, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "DatabaseUnavailable")
    assert refused.headers["retry-after"] == "5"
    assert (await client.post(RETRY, headers=key)).status_code == 202


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
async def test_a_webhook_waits_for_room(client: httpx.AsyncClient, owner: AsyncEngine, code: str) -> None:
    async with full_disk(owner, code):
        refused = await post(client, webhook())
    assert (refused.status_code, refused.json()["code"]) == (503, "DatabaseUnavailable")
    assert refused.headers["retry-after"] == "5"
    assert (await post(client, webhook())).json() == {"outcome": "accepted"}
