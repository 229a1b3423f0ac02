"""Where nothing changes, Postgres is asked once a second for all hosts together, and feeds sleep."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest
from asyncpg import InternalClientError
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import update

from app.api.dependencies import Resources
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.live import host_feed, registry
from app.live.changes import read_digests, read_markers
from app.live.registry import Feeds
from app.live.snapshots import Snapshots
from app.models import Backfill, Event, Host
from tests.factories import NOW, ORG_ID
from tests.integration.live.streams import SOON, reading, set_state
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    add,
    add_connected_host,
    event,
    hours_ago,
    save,
    simple,
)
from tests.waiting import until


async def test_idle_streams_of_all_hosts_share_one_statement_a_look(
    feeds: Feeds, resources: Resources, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.changes.OVERLAP_SECONDS", 0.0)  # nothing changed for long
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
        looking = AsyncMock(side_effect=read_digests)
        monkeypatch.setattr(registry, "read_digests", looking)
        await until(lambda: looking.await_count == 2)
        for engine in engines:
            sqlalchemy_event.remove(engine, "before_cursor_execute", listen)
    assert len(statements) == 2
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


async def test_a_feed_that_sleeps_learns_what_ages_from_a_new_stream(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        [feed] = feeds._feeds.values()
        monkeypatch.setattr(host_feed, "REFRESH_SECONDS", 0.1)
        await reader.next("stats")
        assert feed.snapshots.aging == {EVENT_ID}


@pytest.mark.parametrize("kind", ["rows", "stats"])
@pytest.mark.parametrize("error", [OSError, InternalClientError])
async def test_what_could_not_be_read_is_sent_by_the_next_poll(
    feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch, kind: str, error: type[Exception]
) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        read, failing = getattr(Snapshots, kind), AsyncMock(side_effect=error)
        monkeypatch.setattr(Snapshots, kind, failing)
        await set_state(database, "r2", "synced")
        async with asyncio.timeout(SOON):
            while not failing.called:
                await asyncio.sleep(0.01)
        monkeypatch.setattr(Snapshots, kind, read)
        await reader.next("row", registration_id="r2", state="synced")
        while (await reader.next("stats")).data["counts"]["pending"]:
            pass


async def test_the_look_at_all_hosts_outlives_what_it_meets(
    feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        with monkeypatch.context() as broken:
            failing = AsyncMock(side_effect=InternalClientError)
            broken.setattr(registry, "read_digests", failing)
            async with asyncio.timeout(SOON):
                while not failing.called:
                    await asyncio.sleep(0.01)
        await set_state(database, "r2", "synced")
        await reader.next("row", registration_id="r2")


async def test_a_look_has_one_number_for_a_hosts_markers(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await save(database, Host(host_id="host_b", name="Badgers"), event(host_id="host_b"))
    await add(database, simple("r1", "pending"))
    seen = set[int]()
    for paused_at in (None, NOW, None):
        async with database.system() as session:
            paused = update(Event).where(Event.host_id == "host_b").values(paused_at=paused_at)
            await session.execute(paused)
            markers = await read_markers(session, ["host_a", "host_b", "host_c"])
            digests = await read_digests(session, ["host_a", "host_b", "host_c"])
        assert digests == {host_id: of_host.digest for host_id, of_host in markers.items()}
        seen.add(digests["host_b"])
    assert len(seen) == 2


@pytest.mark.parametrize("ids", [("bf_1", "bf_2"), ("bf_2", "bf_1")])
async def test_a_backfill_is_followed_beside_one_that_ended_just_now(
    database: Database, vault: Encryptor, ids: tuple[str, str]
) -> None:
    await add_connected_host(database, vault)
    ended, running = ids
    whose: dict[str, Any] = {"host_id": "host_a", "event_id": EVENT_ID, "org_id": ORG_ID}
    values = whose | {"reason": "link", "total": 200, "requested_by": "user_17"}
    await save(
        database,
        Backfill(backfill_id=ended, state="cancelled", finished_at=hours_ago(0), **values),
        Backfill(backfill_id=running, **values),
    )
    seen = set[str]()
    for enqueued in (0, 100):
        async with database.system() as session:
            of_running = Backfill.backfill_id == running
            await session.execute(update(Backfill).where(of_running).values(enqueued=enqueued))
            markers = await read_markers(session, ["host_a"])
            digests = await read_digests(session, ["host_a"])
        assert digests["host_a"] == markers["host_a"].digest
        seen.add(markers["host_a"]["backfill", EVENT_ID])
    assert len(seen) == 2
