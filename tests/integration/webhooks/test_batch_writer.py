"""Group commit on the real database: answers follow the commit, and a bad delivery fails alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.api.errors import DatabaseUnavailable
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.models import Delivery, Quarantined, Registration, SyncJob
from app.webhooks.batch_writer import GroupCommitWriter, running_writer
from app.webhooks.ingest import ingest
from app.webhooks.parse import Outcome, ParsedDelivery
from tests.deliveries import PEPPER, delivery, registration, unusable, webhook
from tests.integration.webhooks.test_ingest import connect

QUEUE = "arq:queue"
NOBODY_LISTENS = "postgresql+asyncpg://owner@127.0.0.1:1/postgres"


@asynccontextmanager
async def writer_on(
    database: Database, redis_url: str = "redis://127.0.0.1:1/0", **limits: Any
) -> AsyncIterator[GroupCommitWriter]:
    """A running writer; without a Redis unless one is named."""
    wakeups = DrainQueue(redis_url)
    try:
        async with running_writer(GroupCommitWriter(database, wakeups, pepper=PEPPER, **limits)) as writer:
            yield writer
    finally:
        await wakeups.close()


@pytest.fixture
async def away() -> AsyncIterator[Database]:
    database = Database.connect(NOBODY_LISTENS)
    yield database
    await database.close()


async def count(database: Database, table: Any) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def of(number: int) -> ParsedDelivery:
    return delivery(webhook(registration=registration(id=f"reg_{number}")), f"msg_{number}")


async def test_hundred_times_the_same_id_over_two_writers_is_one_delivery_and_one_job(
    database: Database,
) -> None:
    await connect(database)
    async with writer_on(database) as one, writer_on(database) as other:
        outcomes = await asyncio.gather(*(w.submit(delivery()) for _ in range(50) for w in (one, other)))
    assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 99
    assert (await count(database, Delivery), await count(database, SyncJob)) == (1, 1)


async def test_those_that_wait_share_a_transaction(database: Database) -> None:
    async with writer_on(database) as writer:
        outcomes = await asyncio.gather(*(writer.submit(of(number)) for number in range(150)))
    assert outcomes == [Outcome.ACCEPTED] * 150
    async with database.system() as session:
        transactions = await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM deliveries"))
    assert transactions == 1


async def test_bad_delivery_hurts_only_itself(database: Database) -> None:
    """A NUL cannot be stored; the endpoint refuses it, so the test bypasses the endpoint."""
    bad = replace(of(7), payload='{"otter": "\\u0000"}')
    async with writer_on(database) as writer:
        outcomes = await asyncio.gather(
            *(writer.submit(bad if number == 7 else of(number)) for number in range(10)),
            return_exceptions=True,
        )
    assert isinstance(outcomes.pop(7), asyncpg.PostgresError)
    assert outcomes == [Outcome.ACCEPTED] * 9
    assert await count(database, Registration) == 9


async def test_database_that_is_away_is_reported_at_once(away: Database) -> None:
    async with asyncio.timeout(5), writer_on(away) as writer:
        refused = await asyncio.gather(*(writer.submit(of(n)) for n in range(3)), return_exceptions=True)
        with pytest.raises(DatabaseUnavailable):
            await writer.keep_unusable(unusable(b"[]"))
    assert [type(error) for error in refused] == [DatabaseUnavailable] * 3
    assert all(getattr(error, "headers", None) == {"Retry-After": "5"} for error in refused)


async def test_answer_that_takes_too_long_is_given_up_and_can_be_sent_again(database: Database) -> None:
    async with writer_on(database, answer_seconds=0.3) as writer:
        async with database.system() as session:
            await ingest(session, [delivery()], pepper=PEPPER)
            with pytest.raises(DatabaseUnavailable):
                await writer.submit(delivery())
        assert await writer.submit(delivery()) is Outcome.DUPLICATE


async def test_full_queue_sheds(database: Database) -> None:
    writer = GroupCommitWriter(database, DrainQueue("redis://127.0.0.1:1/0"), pepper=PEPPER, waiting_max=1)
    first = asyncio.create_task(writer.submit(of(1)))
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable):
        await writer.submit(of(2))
    async with running_writer(writer):
        assert await first is Outcome.ACCEPTED


async def test_sender_that_gave_up_is_not_written(database: Database) -> None:
    writer = GroupCommitWriter(database, DrainQueue("redis://127.0.0.1:1/0"), pepper=PEPPER)
    gone = asyncio.create_task(writer.submit(of(1)))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    async with running_writer(writer):
        assert await writer.submit(of(2)) is Outcome.ACCEPTED
    assert await count(database, Delivery) == 1


async def test_orgs_are_woken_after_the_commit(database: Database, settings: Settings) -> None:
    await connect(database)
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.delete(QUEUE)
        async with writer_on(database, settings.redis_url) as writer:
            await asyncio.gather(*(writer.submit(of(number)) for number in range(30)))
        woken = await redis.zcard(QUEUE)
        await redis.delete(QUEUE)
    assert 1 <= woken <= 3


async def test_redis_that_is_away_keeps_nobody_from_being_recorded(database: Database) -> None:
    await connect(database)
    async with writer_on(database) as writer:
        assert await writer.submit(delivery()) is Outcome.ACCEPTED
    assert await count(database, SyncJob) == 1


async def test_unusable_body_is_quarantined(database: Database) -> None:
    async with writer_on(database) as writer:
        await writer.keep_unusable(unusable(b"[]"))
    assert await count(database, Quarantined) == 1


async def test_fault_of_a_single_statement_is_no_absence_of_the_database(database: Database) -> None:
    async with writer_on(database) as writer:
        with pytest.raises(DBAPIError):
            await writer.keep_unusable(unusable(b"[]", "msg\x00"))
