"""The next batch's people are looked up while the previous batch, already written, is completed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Connection
from app.sync.engine.drain import drain
from app.sync.engine.pipeline import Lookup
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs import leases
from app.sync.jobs.leases import Lease
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.requirements import LookupRequirements
from app.sync.model.batch import Batch
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig, opened_rig

LOOK_AND_WRITE = 2
LOCK = text("SELECT 1 FROM sync_jobs WHERE state = 'running' FOR UPDATE")
FOUND = (LookupRequirements(), LookupResult())


@pytest.fixture
async def ahead(rig: Rig) -> AsyncIterator[BatchPrefetcher]:
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert isinstance(lease, Lease)
    ahead = BatchPrefetcher(rig.database, lease)
    yield ahead
    await ahead.stop()


async def found(batch: Batch) -> Lookup:
    return FOUND


async def calls(rig: Rig) -> int:
    return int((await rig.org.calls())["total"])


class SettlesLate(httpx.AsyncBaseTransport):
    """From the first write on nothing can be settled, until the next look comes by or for a moment."""

    def __init__(self, transport: httpx.AsyncBaseTransport, database: Database, *, most: float) -> None:
        self._transport = transport
        self._database = database
        self._most = most
        self._has_looked = asyncio.Event()
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += "/composite" in request.url.path
        answer = await self._transport.handle_async_request(request)
        if self.sent == LOOK_AND_WRITE:
            self._lock = asyncio.create_task(self._hold())
            await asyncio.sleep(0.1)
        elif self.sent > LOOK_AND_WRITE:
            self._has_looked.set()
        return answer

    async def _hold(self) -> None:
        async with self._database.system() as session:
            await session.execute(LOCK)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._most):
                    await self._has_looked.wait()


@contextlib.asynccontextmanager
async def late_rig(
    database: Database, settings: Settings, *, most: float
) -> AsyncIterator[tuple[Rig, SettlesLate]]:
    transports: list[SettlesLate] = []

    def wrap(org: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        transports.append(SettlesLate(org, database, most=most))
        return transports[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield rig, transports[0]


async def test_the_next_look_goes_out_while_a_batch_is_settled(
    database: Database, settings: Settings
) -> None:
    async with late_rig(database, settings, most=30) as (rig, _):
        for number in range(2):
            await rig.registered(number)
        async with asyncio.timeout(10):
            await rig.drain(engine=rig.with_settings(batch_size_max=1))
        assert set((await rig.states()).values()) == {"synced"}


async def test_a_person_of_two_batches_in_a_row_is_created_once(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    same = {"email_key": "otter@example.com", "attendee": {"email": "otter@example.com", "name": "Otter"}}
    for number in range(4):
        await rig.registered(number, **same)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [1, 4, 1]


async def test_every_call_is_counted_and_none_is_made_in_vain(rig: Rig) -> None:
    for number in range(4):
        await rig.registered(number)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    async with rig.database.system() as session:
        connection = await session.get_one(Connection, HOST)
    assert (await calls(rig), connection.calls_today) == (4 * LOOK_AND_WRITE, 4 * LOOK_AND_WRITE)


async def test_a_look_that_fails_leaves_its_own_batch_alone_untouched(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)
    await rig.org.fault("error", status=503, skip=LOOK_AND_WRITE)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert sorted((await rig.states()).values()) == ["pending", "pending", "synced"]
    assert sorted([(await rig.job(reg)).attempts for reg in await rig.states()]) == [0, 0, 1]


async def test_a_host_that_paused_meanwhile_is_not_asked_for(rig: Rig) -> None:
    for number in range(2):
        await rig.registered(number)

    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        async with rig.database.system() as session:
            await session.execute(text("UPDATE hosts SET paused_at = now()"))
        return await rig.engine.open_client(host_id, before_send=before_send, **read)

    engine = replace(rig.with_settings(batch_size_max=1), open_client=opener)
    await drain(engine, rig.org.org_id, stop=asyncio.Event())
    assert await calls(rig) == LOOK_AND_WRITE


async def test_a_share_that_is_used_up_pays_for_no_look_ahead(rig: Rig) -> None:
    for number in range(2):
        await rig.registered(number)
    await rig.org.configure(api_limit={"max": 10_000, "used": 8_000 - LOOK_AND_WRITE})
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert await calls(rig) == LOOK_AND_WRITE


async def test_a_worker_that_stops_asks_for_nobody(rig: Rig) -> None:
    for number in range(2):
        await rig.registered(number)
    stop = asyncio.Event()

    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        stop.set()
        return await rig.engine.open_client(host_id, before_send=before_send, **read)

    engine = replace(rig.with_settings(batch_size_max=1), open_client=opener)
    await drain(engine, rig.org.org_id, stop=stop)
    assert await calls(rig) == LOOK_AND_WRITE


async def test_a_look_counts_for_the_rows_that_it_was_about(rig: Rig, ahead: BatchPrefetcher) -> None:
    await rig.registered(1)
    ahead.begin(HOST, size=1)
    ahead.look_up(HOST, found)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert taken.lookup is not None
    assert await taken.lookup == FOUND


async def changed(rig: Rig, reg: str) -> None:
    await rig.change(reg, checked_in_at=NOW)


async def mapped(rig: Rig, reg: str) -> None:
    await rig.choose(people={"create": "nobody"})


@pytest.mark.parametrize("change", [changed, mapped])
async def test_a_look_at_what_is_no_longer_so_is_forgotten(
    rig: Rig, ahead: BatchPrefetcher, change: Any
) -> None:
    reg = await rig.registered(1)
    ahead.begin(HOST, size=1)
    ahead.look_up(HOST, found)
    await asyncio.wait(ahead._lookups.values())
    await change(rig, reg)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert taken.lookup is None


async def make_backfill(rig: Rig) -> None:
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET reason = 'link', priority = 10"))


async def overtaken(rig: Rig, reg: str) -> None:
    await rig.registered(2)


@pytest.mark.parametrize("change", [changed, mapped, overtaken])
async def test_nobody_is_asked_for_who_changed_or_has_to_wait(
    rig: Rig, ahead: BatchPrefetcher, change: Any
) -> None:
    asked: list[Batch] = []

    async def look(batch: Batch) -> Lookup:
        asked.append(batch)
        return FOUND

    reg = await rig.registered(1)
    if change is overtaken:
        await make_backfill(rig)
    ahead.begin(HOST, size=1)
    await asyncio.wait(ahead._waiting.values())
    await change(rig, reg)
    ahead.look_up(HOST, look)
    await asyncio.wait(ahead._lookups.values())
    assert asked == []


async def test_a_look_is_too_old_once_another_batch_went_first(rig: Rig, ahead: BatchPrefetcher) -> None:
    old = await rig.registered(1)
    await make_backfill(rig)
    ahead.begin(HOST, size=1)
    ahead.look_up(HOST, found)
    await asyncio.wait(ahead._lookups.values())
    live = await rig.registered(2)
    turns = [await ahead.take(HOST, size=1), await ahead.take(HOST, size=1)]
    assert [(each.batch.jobs[0].registration_id, each.lookup) for each in turns if each] == [
        (live, None),
        (old, None),
    ]


async def test_a_look_is_too_old_once_another_host_had_its_turn(rig: Rig, ahead: BatchPrefetcher) -> None:
    await rig.registered(1)
    ahead.begin(HOST, size=1)
    ahead.look_up(HOST, found)
    assert await ahead.take("host_other", size=1) is None
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert taken.lookup is None


async def test_a_transferred_ticket_is_looked_up_for_its_new_holder(rig: Rig) -> None:
    was, now = "old@example.com", "new@example.com"
    second = await rig.registered(2, attendee={"id": "per_1", "email": was, "name": "A B"}, email_key=was)
    await rig.drain()
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Diver", "Email": "elsewhere@example.com"})
    lead = {"LastName": "Diver", "Company": "Otters", "Email": now, "IsConverted": True}
    await rig.org.seed("Lead", lead | {"ConvertedContactId": contact_id})
    await rig.registered(1)
    await rig.change(second, attendee={"id": "per_2", "email": now, "name": "C D"}, email_key=now)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert (await rig.slots(second))["person"].sf_id == contact_id


async def test_nothing_is_asked_ahead_of_a_describe_that_turned_out_old(
    database: Database, settings: Settings
) -> None:
    async with late_rig(database, settings, most=0.5) as (rig, transport):
        await rig.org.configure(extra_fields={"Lead": ["Diet__c | string(40) | CUN | Diet"]})
        await rig.choose({"object": "Lead", "field": "Diet__c", "constant": "any"})
        await rig.registered(0)
        transport.sent = -10
        await rig.drain()
        await rig.pass_time(60)
        await rig.org.configure(extra_fields={"Lead": []})
        first, second = await rig.registered(1), await rig.registered(2)
        transport.sent = 0
        await rig.drain(engine=rig.with_settings(batch_size_max=1))
        async with rig.database.system() as session:
            runs = await session.execute(
                text("SELECT registration_id, count(*) FROM sync_attempts GROUP BY 1")
            )
            assert dict(map(tuple, runs)) == {"reg_00000": 1, first: 2, second: 1}
