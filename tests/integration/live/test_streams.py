"""Live streams match the database: through late commits, absences, slow readers, restarts."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.api.auth import Role
from app.api.dependencies import Resources
from app.api.errors import TooManyRequests
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.live import host_feed
from app.live.changes import Changed, read_changed, resume_position
from app.live.host_feed import Feed
from app.live.registry import STREAMS_PER_HOST, Feeds
from app.live.snapshots import Snapshots
from app.live.subscriber import WAITING_MAX, StreamMessage, Subscriber, number_in
from app.models import CampaignLink, Connection, Event, OrgLease, Registration, SyncJob
from app.registrations.stats import event_stats
from tests.factories import NOW, ORG_ID, connection_for
from tests.integration.live.streams import Reader, reading, set_state
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    add,
    event,
    job,
    link,
    registration,
    save,
    simple,
)


async def stored_counts(database: Database) -> dict[str, int]:
    async with database.tenant("host_a") as session:
        return (await event_stats(session, "host_a", EVENT_ID)).counts.model_dump()


async def test_stream_begins_with_the_present(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
    assert [each.kind for each in reader.seen] == ["card", "link", "stats"]
    card, linked, stats = (each.data for each in reader.seen)
    assert (card["state"], linked, stats["counts"]) == ("connected", None, await stored_counts(database))


async def test_change_is_sent_as_row_and_stats_with_the_hosts_number(
    feeds: Feeds, database: Database
) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        await set_state(database, "r2", "synced")
        row = await reader.next("row", registration_id="r2")
        stats = await reader.next("stats")
    async with database.system() as session:
        number = (await session.get_one(SyncJob, ("host_a", "r2"))).change_no
    assert (row.data["state"], row.number, row.data["version"], stats.number) == (
        "synced", number, number, number,
    )  # fmt: skip
    assert stats.data["counts"] == await stored_counts(database)


async def test_number_that_commits_late_is_not_missed(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        async with database.system() as late:
            changed = update(SyncJob).where(SyncJob.registration_id == "r1").values(state="failed")
            await late.execute(changed)
            await set_state(database, "r2", "synced")
            sent = await reader.next("row", registration_id="r2")
        first = await reader.next("row", registration_id="r1")
        await reader.next("stats")
    assert first.number < sent.number
    assert reader.seen[-1].data["counts"] == await stored_counts(database)


async def test_number_that_commits_as_the_first_stream_begins_is_not_missed(
    feeds: Feeds, database: Database
) -> None:
    """The feed finds a higher number already, and would sleep with what it showed."""
    async with database.system() as late:
        changed = update(SyncJob).where(SyncJob.registration_id == "r1").values(state="failed")
        await late.execute(changed)
        await set_state(database, "r2", "synced")
        reading_on = reading(feeds, EVENT_ID)
        reader = await reading_on.__aenter__()
        await reader.present()
    await reader.next("row", registration_id="r1")
    await reader.next("stats")
    assert reader.seen[-1].data["counts"] == await stored_counts(database)
    await reading_on.__aexit__(None, None, None)


async def test_reader_that_was_away_receives_what_it_missed(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        await set_state(database, "r2", "synced")
        seen = (await reader.next("row", registration_id="r2")).number
    await set_state(database, "r1", "failed")
    async with reading(feeds, EVENT_ID, after=seen) as again:
        row = await again.next("row", registration_id="r1")
    assert (row.data["state"], again.seen[2].data["counts"]) == ("failed", await stored_counts(database))


async def test_resuming_reads_ten_seconds_before_the_last_number_again(
    feeds: Feeds, database: Database, resources: Resources
) -> None:
    async with database.system() as late:
        changed = update(SyncJob).where(SyncJob.registration_id == "r1").values(state="failed")
        await late.execute(changed)
        await set_state(database, "r2", "synced")
        async with database.system() as session:
            seen = (await session.get_one(SyncJob, ("host_a", "r2"))).change_no
    async with reading(feeds, EVENT_ID, after=seen) as reader:
        row = await reader.next("row", registration_id="r1")
    assert row.number < seen


async def test_what_is_older_than_the_overlap_is_not_read_again(database: Database, feeds: Feeds) -> None:
    async with database.system() as session:
        await session.execute(update(SyncJob).values(priority=1))
        numbers = [(await session.get_one(SyncJob, ("host_a", each))).change_no for each in ("r1", "r2")]
        floor = await resume_position(session, "host_a", max(numbers))
        nothing = await resume_position(session, "nobody", 7)
    assert floor < min(numbers)
    assert nothing == 0


async def test_two_processes_tell_the_same_through_a_restart_of_one(
    resources: Resources, database: Database, settings: Settings
) -> None:
    one, other = Feeds(resources), Feeds(resources)
    async with reading(one, EVENT_ID) as first, reading(other, EVENT_ID) as second:
        await first.present()
        await second.present()
        await set_state(database, "r2", "synced")
        seen = (await first.next("stats")).number
        await second.next("stats")
        await one.stop()
        await first.rest()
        await set_state(database, "r1", "failed")
        sent = await second.next("stats")
    restarted = Feeds(resources)
    async with reading(restarted, EVENT_ID, after=seen) as first:
        again = await first.next("stats")
        await first.next("row", registration_id="r1")
    assert sent.data["counts"] == again.data["counts"] == await stored_counts(database)
    for each in (one, other, restarted):
        await each.stop()


async def test_hosts_stream_tells_card_and_stats_of_every_event_and_no_rows(
    feeds: Feeds, database: Database
) -> None:
    await save(database, event(event_id="evt_other"))
    await add(
        database, (registration("o1", event_id="evt_other"), job("o1", "pending", event_id="evt_other"))
    )
    async with reading(feeds, None, role=Role.OWNER) as reader:
        shown = await _shown(database, "evt_other")
        for _ in range(2):
            await reader.next("stats")
        await set_state(database, "o1", "synced")
        stats = await reader.next("stats", event=shown)
    assert (stats.data["event"]["id"], stats.data["counts"]["synced"]) == ("evt_other", 1)
    assert {each.kind for each in reader.seen} == {"card", "stats"}
    assert {each.data["event"]["id"] for each in reader.seen if each.kind == "stats"} == {
        EVENT_ID, "evt_other",
    }  # fmt: skip


async def _shown(database: Database, event_id: str) -> dict[str, Any]:
    async with database.tenant("host_a") as session:
        return (await event_stats(session, "host_a", event_id)).event.model_dump(mode="json")


async def test_event_hears_nothing_of_another_events_people(feeds: Feeds, database: Database) -> None:
    await save(database, event(event_id="evt_other"))
    await add(
        database, (registration("o1", event_id="evt_other"), job("o1", "pending", event_id="evt_other"))
    )
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        await set_state(database, "o1", "synced")
        await set_state(database, "r2", "synced")
        await reader.next("row", registration_id="r2")
        await reader.next("stats")
    assert [each.data["registration_id"] for each in reader.seen if each.kind == "row"] == ["r2"]


async def test_link_is_sent_when_it_comes_and_when_it_goes(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        await save(database, link())
        linked = await reader.next("link")
        assert (await reader.next("stats")).data["is_linked"] is True
        async with database.system() as session:
            await session.delete(await session.get_one(CampaignLink, ("host_a", EVENT_ID)))
        gone = await reader.next("link")
    assert (linked.data["campaign"]["name"], gone.data) == ("Autumn Summit", None)


async def test_lost_connection_and_pause_are_reported(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        async with database.system() as session:
            await session.execute(
                update(Connection).values(state="needs_reconnect", reason_code="access_revoked")
            )
        stats = await reader.next("stats")
        card = await reader.next("card")
        assert (stats.data["connection_state"], stats.data["pending_because"]["connection"]) == (
            "needs_reconnect", 1,
        )  # fmt: skip
        assert card.data["state"] == "needs_reconnect"
        async with database.system() as session:
            await session.execute(update(Event).values(paused_at=NOW))
        assert (await reader.next("stats")).data["event"]["is_paused"] is True


async def test_card_is_made_for_the_role_of_the_reader(feeds: Feeds) -> None:
    async with (
        reading(feeds, EVENT_ID, role=Role.MEMBER) as member,
        reading(feeds, EVENT_ID, role=Role.OWNER) as owner,
    ):
        cards = [(await each.next("card")).data["actions"]["disconnect"] for each in (member, owner)]
    assert [each["is_allowed"] for each in cards] == [False, True]


async def test_card_follows_the_last_change_of_a_flurry(
    feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.host_feed.CARD_SECONDS", 2.0)
    async with reading(feeds, EVENT_ID) as reader:
        assert (await reader.next("card")).data["work"]["pending"] == 1
        await reader.present()
        await set_state(database, "r2", "failed")
        sent = await reader.next("card")
    assert (sent.data["work"]["pending"], sent.data["work"]["failed"]) == (0, 1)


async def test_card_is_sent_again_when_the_backoff_of_an_org_ends(feeds: Feeds, database: Database) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    await save(database, OrgLease(org_id=ORG_ID, not_before=soon, not_before_reason="concurrency"))
    async with reading(feeds, EVENT_ID) as reader:
        assert (await reader.next("card")).data["backoff"]["code"] == "concurrency"
        await reader.next("card", backoff=None)


async def test_card_tells_of_other_hosts_of_the_org_to_those_who_manage_them(
    feeds: Feeds, database: Database, vault: Encryptor
) -> None:
    await save(database, connection_for(vault, "host_z"))
    async with (
        reading(feeds, EVENT_ID, hosts=frozenset({"host_a"})) as one,
        reading(feeds, EVENT_ID, hosts=frozenset({"host_a", "host_z"})) as both,
    ):
        flags = [(await each.next("card")).data["connection"]["other_hosts_on_org"] for each in (one, both)]
        assert flags == [False, True]
        async with database.system() as session:
            await session.execute(update(Connection).values(version=Connection.version + 1))
        flags = [(await each.next("card")).data["connection"]["other_hosts_on_org"] for each in (one, both)]
        assert flags == [False, True]


async def test_hint_makes_the_feed_look_at_once(feeds: Feeds, resources: Resources) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        [feed] = feeds._feeds.values()
        assert feed.org_id is not None
        before = feed.polls
        for _ in range(5):
            feeds.hint([feed.org_id])
            while feed._hinted.is_set():
                await asyncio.sleep(0.01)
        feeds.hint(["00D000000000009AAA"])
        assert feed.polls >= before + 4
        assert not feed._hinted.is_set()


async def test_newer_snapshot_takes_the_place_of_one_that_waits() -> None:
    subscriber = Subscriber(Role.MEMBER, EVENT_ID)
    for number in range(3):
        subscriber.put(StreamMessage("row", number, "{}", EVENT_ID, "r1"))
    subscriber.put(StreamMessage("stats", 3, "{}", "evt_other"))
    subscriber.put(StreamMessage("card", 3, "{}", role=Role.OWNER))
    assert [each.number for each in await subscriber.get(within=1)] == [2]


async def test_slow_reader_is_sent_away_and_hurts_nobody_else() -> None:
    slow, quick = Subscriber(Role.MEMBER, EVENT_ID), Subscriber(Role.MEMBER, EVENT_ID)
    for number in range(WAITING_MAX + 1):
        for subscriber in (slow, quick):
            subscriber.put(StreamMessage("row", number, "{}", EVENT_ID, f"r{number}"))
        if number == WAITING_MAX // 2:
            assert len(await quick.get(within=1)) == number + 1
    assert (slow.is_over, quick.is_over) == (True, False)
    assert await slow.get(within=1) == []


async def test_streams_are_bounded_for_each_host(feeds: Feeds) -> None:
    readers = [Subscriber(Role.MEMBER, EVENT_ID) for _ in range(STREAMS_PER_HOST)]
    feed = feeds._feeds["host_a"] = Feed(Snapshots(feeds._resources, "host_a"))
    feed.subscribers.update(readers)
    with pytest.raises(TooManyRequests):
        feeds.check_capacity("host_a")
    feeds.check_capacity("host_b")


async def test_stop_ends_every_stream(feeds: Feeds) -> None:
    async with reading(feeds, EVENT_ID) as reader, reading(feeds, None) as other:
        await reader.present()
        await other.present()
        feeds.close()
        await asyncio.gather(reader.rest(), other.rest())
    assert feeds.streams == 0
    with pytest.raises(TooManyRequests):
        feeds.check_capacity("host_a")


async def test_feed_ends_with_its_last_listener(feeds: Feeds) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        assert feeds.streams == 1
    assert (feeds.streams, feeds._feeds, feeds._tasks) == (0, {}, {})


async def test_backlog_is_sent_completely_and_in_order(feeds: Feeds, database: Database) -> None:
    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        await add(database, *(simple(f"b{number:04}", "pending") for number in range(600)))
        async with database.system() as session:
            await session.execute(update(Registration).values(status="confirmed"))
        await _read_rows(reader, 602)
    assert len({each.data["registration_id"] for each in reader.seen if each.kind == "row"}) == 602


async def test_a_backlog_is_read_once_and_sent_in_portions(
    feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks are as far apart as they are, however long that takes here."""
    monkeypatch.setattr(host_feed, "POLL_SECONDS", 60.0)
    looks: list[int] = []

    async def read(*args: Any, **values: Any) -> Sequence[Changed]:
        changed = await read_changed(*args, **values)
        looks.append(len(changed))
        return changed

    async with reading(feeds, EVENT_ID) as reader:
        await reader.present()
        monkeypatch.setattr(host_feed, "read_changed", read)
        await add(database, *(simple(f"b{number:04}", "pending") for number in range(600)))
        await _read_rows(reader, 600)
    assert max(looks) >= 600
    assert len(looks) < 600 / host_feed.ROWS_PER_POLL


async def _read_rows(reader: Reader, count: int) -> None:
    read: set[str] = set()
    while len(read) < count:
        read.add((await reader.next("row")).data["registration_id"])


@pytest.mark.parametrize(
    ("given", "number"),
    [("17", 17), (None, None), ("", None), ("-1", None), ("x", None), ("9" * 40, None)],
    ids=str,
)
def test_last_event_id_of_another_kind_means_nothing_was_seen(given: str | None, number: int | None) -> None:
    assert number_in(given) == number
