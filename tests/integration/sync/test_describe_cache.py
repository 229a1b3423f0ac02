"""Two requests for an object overlap: what was sent later counts, in whatever order the answers come."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.infrastructure.database import Database, database_now
from app.sync.lookup.describe_cache import cached_bodies, expire_describes, store_describes

ORG = "00D000000000001AAA"
OLD, NEW = {"name": "Lead", "of": "before"}, {"name": "Lead", "of": "after"}


@pytest.fixture
async def cache(database: Database) -> "Cache":
    return Cache(database)


class Cache:
    """The describes of one org."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def now(self) -> datetime:
        async with self.database.tenant("host_fox") as session:
            return await database_now(session)

    async def store(self, body: Mapping[str, Any], asked_at: datetime) -> None:
        async with self.database.tenant("host_fox") as session:
            await store_describes(session, {"Lead": body}, host_id="host_fox", org_id=ORG, asked_at=asked_at)

    async def forget(self) -> None:
        async with self.database.tenant("host_fox") as session:
            await expire_describes(session, host_id="host_fox", sobjects=["Lead"])

    async def read(self, max_age: timedelta = timedelta(hours=1)) -> dict[str, Any] | None:
        async with self.database.tenant("host_fox") as session:
            bodies = await cached_bodies(
                session, host_id="host_fox", org_id=ORG, sobjects=["Lead"], max_age=max_age
            )
        return bodies.get("Lead")


async def test_a_slow_answer_does_not_replace_the_answer_to_a_later_request(cache: Cache) -> None:
    early, late = await cache.now(), await cache.now()
    await cache.store(NEW, late)
    await cache.store(OLD, early)
    assert await cache.read() == NEW


async def test_an_answer_to_a_request_from_before_forgetting_does_not_count(cache: Cache) -> None:
    await cache.store(OLD, await cache.now())
    early = await cache.now()
    await cache.forget()
    assert await cache.read() is None
    await cache.store(OLD, early)
    assert await cache.read() is None
    await cache.store(NEW, await cache.now())
    assert await cache.read() == NEW


async def test_nothing_kept_is_young_enough_where_salesforce_is_to_be_asked_now(cache: Cache) -> None:
    await cache.store(OLD, await cache.now())
    assert await cache.read(max_age=timedelta(0)) is None
