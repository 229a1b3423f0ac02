"""Lost answers: no record is lost or doubled, whatever Salesforce did with the request."""

import asyncio

import pytest
from sqlalchemy import select, text

from app.models import CreateLock, SyncJob
from app.sync.jobs import leases
from app.sync.jobs.claim import orgs_with_work
from tests.integration.sync.conftest import HOST, Rig
from tests.waiting import until

QUIET = 780
LOOKS = 1
"""Calls before the first one that writes."""


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]


async def settle(rig: Rig, seconds: float = 60, rounds: int = 20) -> None:
    """Drain until no row moves by itself any more."""
    for _ in range(rounds):
        await rig.pass_time(seconds)
        await rig.drain()
        if set((await rig.states()).values()) <= {"synced", "failed", "skipped"}:
            return


@pytest.mark.parametrize("kind", ["reset_after_write", "truncate", "reset_before_write"])
@pytest.mark.parametrize("size", [1, 5], ids=["lone", "batch"])
async def test_lost_answer_to_a_person_create_makes_one_person(rig: Rig, kind: str, size: int) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(size):
        await rig.registered(number)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert set((await rig.states()).values()) == {"ambiguous"}
    await settle(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [size] * 3


@pytest.mark.parametrize("kind", ["reset_after_write", "truncate", "reset_before_write"])
async def test_lost_answer_to_tasks_and_members_makes_one_of_each(rig: Rig, kind: str) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    await settle(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [0, 1, 1]


async def test_write_that_lands_late_is_found_and_not_repeated(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.pass_time(QUIET * 0.5)
    await rig.drain()
    assert (await rig.states(), await counts(rig)) == ({reg: "ambiguous"}, [0, 0, 0])
    await rig.org.control.post("/settle")
    await settle(rig, QUIET)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 1])


async def test_without_quiet_time_a_late_write_is_doubled(rig: Rig) -> None:
    """The control: with the guard off the damage is there, so the guard is what prevents it."""
    unguarded = rig.with_settings(guards_off=frozenset({"quiet"}))
    await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain(engine=unguarded)
    await rig.pass_time(60)
    await rig.drain(engine=unguarded)
    await rig.org.control.post("/settle")
    assert len(await rig.records("Lead")) == 2


async def test_open_create_fences_the_email_for_another_event(rig: Rig) -> None:
    attendee = {"email": "otter1@example.com", "name": "Otter 1"}
    first = await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    second = await rig.registered(2, attendee=attendee, email_key="otter1@example.com")
    await rig.pass_time(20)
    await rig.drain()
    assert await rig.states() == {first: "ambiguous", second: "pending"}
    assert (await rig.job(second)).waiting_for == "person"
    await rig.org.control.post("/settle")
    await settle(rig, QUIET)
    assert len(await rig.records("Lead")) == 1
    async with rig.database.system() as session:
        assert (await session.scalars(select(CreateLock))).all() == []


async def test_lost_update_is_read_again_after_the_quiet_time_and_asserted(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    await rig.change(reg, checked_in_at=job.created_at)
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    await settle(rig, QUIET)
    [member] = await rig.records("CampaignMember")
    assert (member["Status"], len(await rig.records("Task"))) == ("Responded", 2)
    assert (await rig.job(reg)).is_attended


async def test_after_three_rounds_without_certainty_the_row_asks_for_a_person(rig: Rig) -> None:
    reg = await rig.registered(1)
    for _ in range(3):
        await rig.org.fault("reset_before_write", match={"is_write": True})
        await rig.drain()
        await rig.pass_time(QUIET + 60)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == ("failed", "other", "OUTCOME_UNKNOWN")


async def test_cancelled_drain_leaves_its_call_ambiguous_and_the_lease_free(rig: Rig) -> None:
    reg = await rig.registered(1)
    rig.org.transport.hold(after=LOOKS)
    task = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    assert (await rig.slots(reg))["person"].state
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rig.states() == {reg: "ambiguous"}
    rig.org.transport.let_go()
    await settle(rig, QUIET)
    assert (await rig.states(), len(await rig.records("Lead"))) == ({reg: "synced"}, 1)


async def test_taking_over_settles_what_the_dead_left_running(rig: Rig) -> None:
    regs = [await rig.registered(number) for number in (1, 2)]
    async with rig.database.system() as session:
        await session.execute(
            text("INSERT INTO org_leases (org_id, owner, fence, until) VALUES (:org, 'dead', 7, now())"),
            {"org": rig.org.org_id},
        )
        await session.execute(text("UPDATE sync_jobs SET state = 'running', fence = 7, running_version = 1"))
        await session.execute(
            text(
                "INSERT INTO written_records (host_id, org_id, registration_id, slot, state, action, sobject,"
                " attempt_started_at, first_attempt_at) VALUES (:host, :org, :reg, 'person', 'intended',"
                " 'create', 'Lead', now(), now())"
            ),
            {"host": HOST, "org": rig.org.org_id, "reg": regs[0]},
        )
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="heir", life=20, send_window=5)
    assert lease is not None
    assert lease.fence > 7
    assert await rig.states() == {regs[0]: "ambiguous", regs[1]: "pending"}


async def test_three_deaths_in_one_rows_call_fail_the_row(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        for _ in range(3):
            await session.execute(text("UPDATE sync_jobs SET state = 'running', running_version = 1"))
            await session.execute(text("UPDATE written_records SET state = 'intended'"))
            await leases.recover_running_jobs(session, rig.org.org_id, is_crash=True)
    job = await rig.job(reg)
    assert (job.state, job.worker_crashes, job.error_code) == ("failed", 3, "OUTCOME_UNKNOWN")


async def test_an_intent_that_is_committed_while_its_row_is_taken_over_is_in_doubt(rig: Rig) -> None:
    """Its owner lives, and sends: the row was pending again once, and written a second time."""
    reg = await rig.registered(1)
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET state = 'running', running_version = 1"))
        await session.execute(text("UPDATE written_records SET state = 'failed'"))

    async def take_over() -> None:
        async with rig.database.system() as session:
            await leases.recover_running_jobs(session, rig.org.org_id, is_crash=True)

    async def waits() -> bool:
        async with rig.database.system() as session:
            return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")))

    async with rig.database.system() as session:
        await session.execute(text("SELECT FROM sync_jobs FOR UPDATE"))
        await session.execute(text("UPDATE written_records SET state = 'intended'"))
        taking_over = asyncio.create_task(take_over())
        await until(waits)
    await taking_over
    assert (await rig.job(reg)).state == "ambiguous"


@pytest.mark.parametrize(("has_died", "limit"), [(True, 2), (False, None)], ids=["died", "stopped"])
async def test_rows_whose_worker_died_in_their_call_are_tried_in_halves(
    rig: Rig, *, has_died: bool, limit: int | None
) -> None:
    regs = [await rig.registered(number) for number in range(4)]
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET state = 'running', running_version = 1"))
        await session.execute(text("UPDATE written_records SET state = 'intended'"))
        await leases.recover_running_jobs(session, rig.org.org_id, is_crash=has_died)
    assert [(await rig.job(reg)).batch_limit for reg in regs] == [limit] * 4
    await settle(rig, QUIET)
    assert [(await rig.job(reg)).batch_limit for reg in regs] == [None] * 4
    assert (await rig.states(), len(await rig.records("Lead"))) == (dict.fromkeys(regs, "synced"), 4)


async def test_workers_that_die_while_an_uncertain_row_is_looked_up_do_not_count_against_it(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        for _ in range(3):
            await session.execute(text("UPDATE sync_jobs SET state = 'running', running_version = 1"))
            await leases.recover_running_jobs(session, rig.org.org_id, is_crash=True)
    assert ((await rig.job(reg)).state, (await rig.job(reg)).worker_crashes) == ("ambiguous", 0)
    await settle(rig)
    assert (await rig.states(), len(await rig.records("Lead"))) == ({reg: "synced"}, 1)


async def test_zombie_cannot_write_to_rows_of_a_new_owner(rig: Rig) -> None:
    """A worker that froze in its call wakes up after another took the org over."""
    reg = await rig.registered(1)
    rig.org.transport.hold(after=LOOKS)
    zombie = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    assert (await rig.slots(reg))["person"].state
    await rig.pass_time(30)
    heir = await leases.acquire(rig.database, rig.org.org_id, owner="heir", life=20, send_window=5)
    assert heir is not None
    rig.org.transport.let_go()
    await zombie
    assert await rig.states() == {reg: "ambiguous"}
    assert (await rig.slots(reg))["person"].state == "ambiguous"


async def test_only_one_of_two_workers_drains_an_org(rig: Rig) -> None:
    first = await leases.acquire(rig.database, rig.org.org_id, owner="one", life=20, send_window=5)
    second = await leases.acquire(rig.database, rig.org.org_id, owner="two", life=20, send_window=5)
    assert first is not None
    assert second is None


async def test_change_while_running_arms_once_more(rig: Rig) -> None:
    reg = await rig.registered(1)
    rig.org.transport.hold()
    task = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    await rig.requeue(reg)
    rig.org.transport.let_go()
    await task
    async with rig.database.system() as session:
        job = await session.get_one(SyncJob, (HOST, reg))
    assert (job.state, job.requested_version, job.written_version) == ("synced", 2, 2)
    assert len(await rig.records("Lead")) == 1


async def test_rows_left_running_without_a_lease_are_found_by_the_sweeper(rig: Rig) -> None:
    reg = await rig.registered(1)
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="gone", life=20, send_window=5)
    assert lease is not None
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET state = 'running', fence = 1, running_version = 1"))
    assert await orgs_with_work(rig.database, limit=10) == []
    await leases.release(rig.database, lease)
    assert [due.org_id for due in await orgs_with_work(rig.database, limit=10)] == [rig.org.org_id]
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_person_and_task_of_one_lost_answer_are_both_found_at_the_last_look(rig: Rig) -> None:
    """The person is resolved in the very look that must also find the Task: neither is written twice."""
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.org.control.post("/settle")
    await rig.pass_time(QUIET + 60)
    await rig.drain()
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 1])
