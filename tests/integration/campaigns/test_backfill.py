"""Backfills over the real database: which jobs are queued, in which order, and the progress."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.errors import BackfillRunning
from app.campaigns.backfill import (
    backfill_view,
    cancel_backfill,
    enqueue_backfill_chunk,
    estimate,
    finish_backfills,
    start_backfill,
    start_for_switched_on,
)
from app.campaigns.schemas import BackfillShown
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import BACKFILL, LIVE, Backfill, Connection, SyncJob
from app.models.base import Base
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.factories import NOW, ORG_ID, connection_for
from tests.factories_events import event_for, job_for, registration_for


async def save(database: Database, *rows: Base) -> None:
    async with database.system() as session:
        session.add_all(rows)


@pytest.fixture
async def connected(database: Database, vault: Encryptor) -> Database:
    """`host_a` is connected and has an event."""
    await save(database, connection_for(vault), event_for())
    return database


async def start(
    database: Database, *, reason: str = "link", event_id: str = "evt_otters", host_id: str = "host_a"
) -> Backfill | None:
    async with database.tenant(host_id) as session:
        return await start_backfill(
            session, host_id, event_id, org_id=ORG_ID, reason=reason, requested_by="user_17"
        )


async def shown(database: Database, host_id: str = "host_a") -> BackfillShown:
    async with database.tenant(host_id) as session:
        view = await backfill_view(session, host_id, "evt_otters")
    assert view is not None
    return view


async def jobs(database: Database) -> dict[str, SyncJob]:
    async with database.system() as session:
        found = await session.scalars(select(SyncJob).order_by(SyncJob.registration_id))
        return {job.registration_id: job for job in found}


async def settle(database: Database, *numbers: int, **values: Any) -> None:
    ids = [f"reg_{number:05}" for number in numbers]
    async with database.system() as session:
        await session.execute(update(SyncJob).where(SyncJob.registration_id.in_(ids)).values(**values))


async def test_registrations_from_before_the_connection_are_queued_below_live_work(
    connected: Database,
) -> None:
    await save(connected, *(registration_for(number) for number in range(3)))
    await start(connected)
    assert await enqueue_backfill_chunk(connected) == {ORG_ID}
    queued = await jobs(connected)
    assert list(queued) == ["reg_00000", "reg_00001", "reg_00002"]
    assert {(job.state, job.priority, job.reason, job.requested_by) for job in queued.values()} == {
        ("pending", BACKFILL, "link", "user_17")
    }


async def test_starting_arms_nothing_by_itself(connected: Database) -> None:
    await save(connected, registration_for(1))
    assert await start(connected) is not None
    assert await jobs(connected) == {}


async def test_an_event_without_registrations_needs_no_backfill(connected: Database) -> None:
    assert await start(connected) is None
    async with connected.tenant("host_a") as session:
        assert await backfill_view(session, "host_a", "evt_otters") is None
    assert await enqueue_backfill_chunk(connected) == set()


async def test_only_registrations_that_count_are_queued(connected: Database) -> None:
    await save(
        connected,
        event_for(event_id="evt_other"),
        registration_for(1),
        registration_for(2, confirmed_at=None, status="pending"),
        registration_for(3, confirmed_at=None, checked_in_at=NOW),
        registration_for(4, erased_at=NOW),
        registration_for(5, event_id="evt_other"),
        registration_for(6, host_id="host_b"),
        registration_for(7, cancelled_at=NOW, status="cancelled"),
    )
    await start(connected)
    await enqueue_backfill_chunk(connected)
    assert list(await jobs(connected)) == ["reg_00001", "reg_00003", "reg_00007"]
    assert (await shown(connected)).total == 3


async def test_chunks_follow_the_cursor_and_arm_each_registration_once(connected: Database) -> None:
    await save(connected, *(registration_for(number) for number in range(5)))
    await start(connected)
    sizes = []
    for _ in range(4):
        await enqueue_backfill_chunk(connected, chunk=2)
        sizes.append(len(await jobs(connected)))
    assert sizes == [2, 4, 5, 5]
    assert {job.requested_version for job in (await jobs(connected)).values()} == {1}


async def test_workers_at_once_arm_each_registration_once(connected: Database) -> None:
    await save(connected, *(registration_for(number) for number in range(20)))
    await start(connected)
    while not (await shown(connected)).done + len(await jobs(connected)) >= 20:
        await asyncio.gather(*(enqueue_backfill_chunk(connected, chunk=3) for _ in range(3)))
    assert {job.requested_version for job in (await jobs(connected)).values()} == {1}


async def test_the_backfill_that_queued_least_goes_first(connected: Database) -> None:
    await save(
        connected,
        event_for(event_id="evt_small"),
        *(registration_for(number) for number in range(6)),
        registration_for(100, event_id="evt_small"),
    )
    await start(connected)
    await enqueue_backfill_chunk(connected, chunk=2)
    await start(connected, event_id="evt_small")
    await enqueue_backfill_chunk(connected, chunk=2)
    assert "reg_00100" in await jobs(connected)


async def test_live_work_keeps_its_priority_and_is_written_again(connected: Database) -> None:
    await save(connected, registration_for(1), job_for(1, priority=LIVE, reason="live"))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    job = (await jobs(connected))["reg_00001"]
    assert (job.priority, job.requested_version) == (LIVE, 2)


async def test_live_work_that_waits_is_still_to_go(connected: Database) -> None:
    await save(connected, registration_for(1), job_for(1, priority=LIVE, reason="live"))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    assert (await shown(connected)).to_go == 1
    assert await finish_backfills(connected) == 0


async def test_failures_of_an_earlier_backfill_are_not_counted_again(connected: Database) -> None:
    for number in range(4):
        await save(connected, registration_for(number), job_for(number, state="failed", reason="link"))
    await start(connected)
    await enqueue_backfill_chunk(connected, chunk=1)
    await settle(connected, 0, state="synced")
    view = await shown(connected)
    assert (view.done, view.failed, view.to_go) == (1, 0, 3)


async def test_progress_adds_up_while_it_runs(connected: Database) -> None:
    await save(connected, *(registration_for(number) for number in range(8)))
    await start(connected)
    await enqueue_backfill_chunk(connected, chunk=6)
    await settle(connected, 0, 1, state="synced")
    await settle(connected, 2, state="failed")
    await settle(connected, 3, state="skipped", skipped_because="excluded")
    view = await shown(connected)
    assert (view.state, view.total) == ("running", 8)
    assert (view.done, view.failed, view.skipped, view.to_go) == (2, 1, 1, 4)
    assert view.estimated_end_at is not None
    assert view.finished_at is None


async def test_a_new_registration_does_not_enter_the_count(connected: Database) -> None:
    await save(connected, registration_for(5))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    await save(connected, registration_for(1), job_for(1, priority=LIVE, reason="live"))
    view = await shown(connected)
    assert (view.total, view.to_go) == (1, 1)


async def test_one_confirmed_before_the_cursor_came_by_is_counted_with_the_rest(connected: Database) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    await save(connected, registration_for(2))
    await enqueue_backfill_chunk(connected)
    view = await shown(connected)
    assert (view.total, view.to_go) == (2, 2)


@pytest.mark.parametrize("state", ["pending", "running", "ambiguous"])
async def test_it_is_not_done_while_a_job_moves(connected: Database, state: str) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    await settle(connected, 1, state=state)
    assert await finish_backfills(connected) == 0
    assert (await shown(connected)).state == "running"


async def test_it_is_not_done_before_all_is_queued(connected: Database) -> None:
    await save(connected, registration_for(1), registration_for(2))
    await start(connected)
    await enqueue_backfill_chunk(connected, chunk=1)
    await settle(connected, 1, state="synced")
    assert await finish_backfills(connected) == 0


async def test_done_when_all_came_to_rest_and_its_figures_stay(connected: Database) -> None:
    await save(connected, *(registration_for(number) for number in range(4)))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    await settle(connected, 0, 1, state="synced")
    await settle(connected, 2, state="failed")
    await settle(connected, 3, state="held", waiting_for="campaign")
    assert await finish_backfills(connected) == 1
    await settle(connected, 2, state="synced")
    view = await shown(connected)
    assert (view.state, view.done, view.failed, view.to_go) == ("done", 2, 1, 1)
    assert view.finished_at is not None
    assert view.estimated_end_at is None
    assert await finish_backfills(connected) == 0


async def test_live_change_of_one_does_not_hold_up_the_end(connected: Database) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    await settle(connected, 1, state="synced")
    async with connected.system() as session:
        await enqueue_jobs(session, [JobRequest("host_a", "reg_00001", "evt_otters", ORG_ID)])
    assert await finish_backfills(connected) == 1
    assert (await shown(connected)).done == 1


async def test_one_backfill_at_a_time(connected: Database) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    with pytest.raises(BackfillRunning):
        await start(connected)


async def test_cancelled_one_arms_nothing_more_and_lets_another_start(connected: Database) -> None:
    await save(connected, *(registration_for(number) for number in range(3)))
    await start(connected)
    await enqueue_backfill_chunk(connected, chunk=1)
    async with connected.tenant("host_a") as session:
        await cancel_backfill(session, "host_a", "evt_otters")
    assert await enqueue_backfill_chunk(connected) == set()
    view = await shown(connected)
    assert (view.state, view.to_go, view.total) == ("cancelled", 3, 3)
    assert await start(connected, reason="reapply") is not None
    assert (await shown(connected)).why == "reapply"


async def test_nothing_to_cancel_is_no_error(connected: Database) -> None:
    async with connected.tenant("host_a") as session:
        assert await cancel_backfill(session, "host_a", "evt_otters") is None


async def test_another_org_takes_no_backfill_over(connected: Database) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    async with connected.system() as session:
        await session.execute(update(Connection).values(org_id="00D000000000002EAA"))
    assert await enqueue_backfill_chunk(connected) == set()
    assert await jobs(connected) == {}
    assert (await shown(connected)).state == "cancelled"


async def test_backfill_of_another_host_is_not_seen(connected: Database) -> None:
    await save(connected, registration_for(1))
    await start(connected)
    async with connected.tenant("host_b") as session:
        assert await backfill_view(session, "host_a", "evt_otters") is None


async def test_unlinking_lets_go_of_held_jobs_only(connected: Database) -> None:
    await save(
        connected,
        *(registration_for(number) for number in range(4)),
        job_for(0, state="held", waiting_for="campaign"),
        job_for(1, state="running"),
        job_for(2, state="failed"),
    )
    await start(connected, reason="unlink")
    await enqueue_backfill_chunk(connected)
    after = await jobs(connected)
    assert {key: (job.state, job.requested_version) for key, job in after.items()} == {
        "reg_00000": ("pending", 2),
        "reg_00001": ("running", 2),
        "reg_00002": ("failed", 1),
    }


async def test_estimate_counts_check_ins_that_were_not_undone(connected: Database) -> None:
    later = NOW + timedelta(minutes=1)
    await save(
        connected,
        registration_for(1),
        registration_for(2, checked_in_at=NOW),
        registration_for(3, checked_in_at=NOW, check_in_reverted_at=later),
        registration_for(4, checked_in_at=later, check_in_reverted_at=NOW),
        registration_for(5, confirmed_at=None),
    )
    async with connected.tenant("host_a") as session:
        found = await estimate(session, "host_a", "evt_otters")
    assert (found.registrations, found.checked_in, found.estimated_api_calls) == (4, 2, 5)


async def test_arming_a_thousand_is_one_insert(connected: Database, owner: AsyncEngine) -> None:
    await save(connected, *(registration_for(number) for number in range(1001)))
    await start(connected)
    await enqueue_backfill_chunk(connected)
    assert len(await jobs(connected)) == 1000
    await enqueue_backfill_chunk(connected)
    assert len(await jobs(connected)) == 1001


async def switched_on(database: Database, *event_ids: str) -> None:
    async with database.tenant("host_a") as session:
        await start_for_switched_on(session, "host_a", event_ids, requested_by="user_17")


async def test_events_that_were_switched_on_go_ahead_together(connected: Database) -> None:
    skipped = {"state": "skipped", "skipped_because": "switched_off"}
    event_of = {number: "evt_otters" if number < 5 else "evt_beavers" for number in range(1, 9)}
    await save(
        connected,
        event_for(event_id="evt_beavers"),
        *(registration_for(number, event_id=event_id) for number, event_id in event_of.items()),
        *(job_for(number, event_id=event_id, **skipped) for number, event_id in event_of.items()),
    )
    await switched_on(connected, "evt_otters", "evt_beavers")
    for _ in range(5):
        await enqueue_backfill_chunk(connected, chunk=2, ahead=4)
    waiting = {id_: job.event_id for id_, job in (await jobs(connected)).items() if job.state == "pending"}
    assert sorted(waiting.values()) == ["evt_beavers"] * 2 + ["evt_otters"] * 2
    await settle(connected, 1, 2, state="synced")
    await enqueue_backfill_chunk(connected, chunk=2, ahead=4)
    pending = [job for job in (await jobs(connected)).values() if job.state == "pending"]
    assert (len(pending), {(job.reason, job.priority) for job in pending}) == (4, {("switched_on", BACKFILL)})


async def test_a_paused_event_does_not_keep_the_others_waiting(connected: Database) -> None:
    skipped = {"state": "skipped", "skipped_because": "switched_off"}
    await save(
        connected,
        event_for(event_id="evt_beavers", paused_at=NOW),
        registration_for(1, event_id="evt_beavers"),
        registration_for(2),
        job_for(1, event_id="evt_beavers", state="pending", reason="switched_on"),
        job_for(2, **skipped),
    )
    await switched_on(connected, "evt_otters")
    await enqueue_backfill_chunk(connected, ahead=1)
    assert (await jobs(connected))["reg_00002"].state == "pending"
