"""Where nothing changes, Postgres is asked once a second for all hosts together, and feeds sleep."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import event as sqlalchemy_event

from app.api.dependencies import Resources
from app.infrastructure.database import Database
from app.live import host_feed
from app.live.host_feed import POLL_SECONDS
from app.live.registry import Feeds
from app.models import Host
from tests.integration.live.streams import reading, set_state
from tests.integration.registrations.sample_event import EVENT_ID, event, save


async def test_idle_streams_of_all_hosts_share_one_statement_a_look(
    feeds: Feeds, resources: Resources, database: Database
) -> None:
    await save(database, Host(host_id="host_b", name="Badgers"), event(host_id="host_b"))
    statements: list[str] = []

    def listen(*args: Any) -> None:
        statements.append(args[2])

    async with (
        reading(feeds, EVENT_ID) as one,
        reading(feeds, EVENT_ID) as two,
        reading(feeds, EVENT_ID, host_id="host_b") as three,
    ):
        for each in (one, two, three):
            await each.present()
        engines = [each.sync_engine for each in resources.database.engines]
        for engine in engines:
            sqlalchemy_event.listen(engine, "before_cursor_execute", listen)
        await asyncio.sleep(2.5 * POLL_SECONDS)
        for engine in engines:
            sqlalchemy_event.remove(engine, "before_cursor_execute", listen)
    assert 1 <= len(statements) <= 3
    assert all("watched (host_id)" in each for each in statements)


async def test_only_stats_that_time_may_change_age(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        [feed] = feeds._feeds.values()
        assert feed.snapshots.aging == {EVENT_ID}  # one of its rows is pending
        await set_state(database, "r2", "synced")
        while (await reader.next("stats")).data["counts"]["pending"]:
            pass
        assert feed.snapshots.aging == set()


async def test_stats_are_made_anew_after_a_look_that_failed(
    feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        [feed] = feeds._feeds.values()
        await set_state(database, "r2", "synced")
        while (await reader.next("stats")).data["counts"]["pending"]:
            pass
        with monkeypatch.context() as broken:
            broken.setattr(host_feed, "read_markers", AsyncMock(side_effect=OSError))
            feed.hint()
            while not feed.snapshots.aging:
                await asyncio.sleep(0.01)
        assert feed.snapshots.aging == {EVENT_ID}
