"""The next batch is claimed and loaded while the calls of the one before run; nothing depends on it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from app.models import Event
from app.sync.engine import prefetch
from app.sync.engine.drain import drain
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs import leases
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from app.sync.jobs.leases import Lease
from app.sync.model.record_key import NO_KEY_RULES
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.statements import statements_of
from tests.waiting import until

OTHER_ORG = "00D000000000009EAA"


@pytest.fixture
async def ahead(rig: Rig) -> Any:
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert isinstance(lease, Lease)
    ahead = BatchPrefetcher(rig.database, lease)
    yield ahead
    await ahead.stop()


async def begun(ahead: BatchPrefetcher, *, size: int) -> None:
    ahead.begin(HOST, size=size)
    await asyncio.wait(ahead._waiting.values())


async def test_batches_taken_ahead_are_written_once(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(5):
        await rig.registered(number)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [5, 5, 5]


async def test_a_batch_is_taken_while_the_one_before_is_under_way(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)

    async def are_two_taken() -> bool:
        return list((await rig.states()).values()).count("running") >= 2

    rig.org.transport.hold(after=1)
    task = asyncio.create_task(rig.drain(engine=rig.with_settings(batch_size_max=1)))
    await until(are_two_taken)
    rig.org.transport.let_go()
    await task
    assert set((await rig.states()).values()) == {"synced"}


@pytest.fixture
def heard(rig: Rig) -> Iterator[list[str]]:
    """The statements of tenants' sessions."""
    with statements_of(rig.database.engines[0]) as found:
        yield found


async def test_few_rows_are_read_by_two_statements_and_read_alike(
    rig: Rig, ahead: BatchPrefetcher, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(2)]
    read = []
    for most in (prefetch.FEW, 0):
        async with rig.database.system() as session:
            await session.execute(text("UPDATE sync_jobs SET state = 'pending'"))
        monkeypatch.setattr(prefetch, "FEW", most)
        heard.clear()
        taken = await ahead.take(HOST, size=9, key_rules=NO_KEY_RULES)
        assert taken is not None
        read.append((replace(taken.batch, now=NOW), taken.known, taken.connection, taken.is_full))
        assert len(heard) == (9 if most == 0 else 3), "\n".join(heard)
    assert read[0] == read[1]
    assert [job.registration_id for job in read[0][0].jobs] == regs


async def test_what_changed_since_it_was_taken_is_left_for_the_next_batch(
    rig: Rig, ahead: BatchPrefetcher
) -> None:
    same, changed = await rig.registered(1), await rig.registered(2)
    await begun(ahead, size=2)
    await rig.change(changed, checked_in_at=NOW)
    taken = await ahead.take(HOST, size=2)
    assert taken is not None
    assert ({job.registration_id for job in taken.batch.jobs}, taken.stale) == (
        {same, changed},
        frozenset({changed}),
    )


async def test_rows_of_an_event_that_was_paused_meanwhile_are_not_written(
    rig: Rig, ahead: BatchPrefetcher
) -> None:
    reg = await rig.registered(1)
    await begun(ahead, size=1)
    async with rig.database.system() as session:
        (await session.get_one(Event, (HOST, EVENT))).paused_at = NOW
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert taken.stale == {reg}


async def test_siblings_are_read_when_the_batch_before_has_ended(rig: Rig, ahead: BatchPrefetcher) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    await rig.registered(1)
    await begun(ahead, size=1)
    other = await rig.registered(2, email_key="otter1@example.com", checked_in_at=NOW)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    facts = taken.batch.siblings[campaign_id, "otter1@example.com"]
    assert (other, [each.checked_in_at for each in facts if each.checked_in_at]) == ("reg_00002", [NOW])


async def test_nothing_taken_ahead_hides_what_came_since(rig: Rig, ahead: BatchPrefetcher) -> None:
    await begun(ahead, size=1)
    reg = await rig.registered(1)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert [job.registration_id for job in taken.batch.jobs] == [reg]


async def test_rows_taken_ahead_go_back_when_the_org_rests(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)
    await rig.org.fault(kind="error", status=503)
    await rig.drain(engine=rig.with_settings(batch_size_max=1))
    assert set((await rig.states()).values()) == {"pending"}
    assert {(await rig.job(reg)).attempts for reg in await rig.states()} == {0}


async def test_rows_taken_ahead_go_back_when_the_worker_stops(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)
    stop = asyncio.Event()

    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        stop.set()
        return await rig.engine.open_client(host_id, before_send=before_send, **read)

    engine = replace(rig.with_settings(batch_size_max=1), open_client=opener)
    assert await drain(engine, rig.org.org_id, stop=stop)
    assert sorted((await rig.states()).values()) == ["pending", "pending", "synced"]


async def test_a_host_paused_meanwhile_keeps_what_was_taken_ahead(rig: Rig) -> None:
    for number in range(2):
        await rig.registered(number)

    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        async with rig.database.system() as session:
            await session.execute(text("UPDATE hosts SET paused_at = now()"))
        return await rig.engine.open_client(host_id, before_send=before_send, **read)

    engine = replace(rig.with_settings(batch_size_max=1), open_client=opener)
    await drain(engine, rig.org.org_id, stop=asyncio.Event())
    assert sorted((await rig.states()).values()) == ["pending", "synced"]


async def test_live_rows_that_came_since_go_before_a_backfill_taken_ahead(
    rig: Rig, ahead: BatchPrefetcher
) -> None:
    old = [await rig.registered(number) for number in (1, 2)]
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET reason = 'link', priority = 10"))
    await begun(ahead, size=2)
    live = await rig.registered(3)
    turns = [await ahead.take(HOST, size=1), await ahead.take(HOST, size=1)]
    assert [[job.registration_id for job in taken.batch.jobs] for taken in turns if taken] == [[live], old]


async def test_live_rows_taken_ahead_keep_their_turn(rig: Rig, ahead: BatchPrefetcher) -> None:
    first = await rig.registered(1)
    await begun(ahead, size=1)
    await rig.registered(2)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert [job.registration_id for job in taken.batch.jobs] == [first]


async def unlinked(rig: Rig) -> None:
    async with rig.database.system() as session:
        await session.execute(text("DELETE FROM campaign_links"))


async def excluded(rig: Rig) -> None:
    chosen = '{"exclusions": {"addresses": ["otter1@example.com"]}}'
    async with rig.database.system() as session:
        await session.execute(text(f"UPDATE hosts SET settings = '{chosen}'"))


async def mapped(rig: Rig) -> None:
    await rig.choose(people={"create": "nobody"})


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        pytest.param(unlinked, lambda job: job.link is None, id="unlinked"),
        pytest.param(excluded, lambda job: job.is_excluded, id="excluded"),
        pytest.param(mapped, lambda job: job.rules.creates == "nobody", id="mapped"),
    ],
)
async def test_what_the_host_changed_since_counts_for_a_batch_taken_ahead(
    rig: Rig, ahead: BatchPrefetcher, change: Any, is_seen: Any
) -> None:
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await begun(ahead, size=1)
    await change(rig)
    taken = await ahead.take(HOST, size=1)
    assert taken is not None
    assert is_seen(taken.batch.jobs[0])


async def test_a_row_given_back_follows_its_host_to_another_org(rig: Rig, ahead: BatchPrefetcher) -> None:
    reg = await rig.registered(1)
    await begun(ahead, size=1)
    async with rig.database.system() as session:
        await session.execute(text("UPDATE connections SET org_id = :org"), {"org": OTHER_ORG})
        await enqueue_jobs(session, [JobRequest(HOST, reg, EVENT, OTHER_ORG)])
    async with rig.database.system() as session:
        await leases.recover_running_jobs(session, rig.org.org_id, is_crash=False, guards_off=frozenset())
    job = await rig.job(reg)
    assert (job.state, job.org_id) == ("pending", OTHER_ORG)
