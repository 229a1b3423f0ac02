"""Repair: what is missing comes back once, and nothing else changes."""

import pytest
from sqlalchemy import delete, update

from app.api.errors import FilterEmpty, NeverVerified
from app.models import DescribeCache, Event, Host, VerificationDifference
from app.verification.schemas import RepairToStart
from tests.factories import NOW
from tests.integration.sync.calendar_rig import meeting
from tests.integration.sync.conftest import HOST
from tests.integration.sync.test_cases import with_cases
from tests.integration.verification.conftest import Verifier

ANY_KIND = {"calendar_event": {"kinds": ["webinar"]}}


async def live(verifier: Verifier, sobject: str) -> int:
    return len(await verifier.rig.records(sobject))


async def test_a_dry_run_counts_and_changes_nothing(verifier: Verifier) -> None:
    regs = await verifier.written(3)
    for reg in regs[:2]:
        await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    outcome = await verifier.repair(dry_run=True)
    assert (outcome.dry_run, outcome.matched, outcome.queued, outcome.not_queued) == (True, 2, 2, [])
    assert set((await verifier.rig.states()).values()) == {"synced"}
    slots = await verifier.rig.slots(regs[0])
    assert "reported_missing" not in slots["task:registered"].details
    assert RepairToStart.model_validate({"all": True}).dry_run is True


@pytest.mark.parametrize("bin_is_emptied", [False, True])
async def test_a_deleted_task_comes_back_once(verifier: Verifier, *, bin_is_emptied: bool) -> None:
    regs = await verifier.written(2)
    await verifier.may_view_all("Lead", "Contact")
    gone = await verifier.record(regs[0], "task:registered")
    delete = verifier.purge if bin_is_emptied else verifier.rig.delete
    await delete("Task", gone)
    await verifier.verify()
    outcome = await verifier.repair()
    assert (outcome.matched, outcome.queued) == (1, 1)
    await verifier.rig.drain()
    new = await verifier.record(regs[0], "task:registered")
    assert (new != gone, await live(verifier, "Task")) == (True, 2)
    shown = await verifier.verify()
    assert (shown.items, shown.in_order) == ([], 2)
    again = await verifier.repair()
    assert (again.matched, await live(verifier, "Task")) == (0, 2)


async def test_a_task_that_is_back_by_then_is_not_made_a_second_time(verifier: Verifier) -> None:
    """As it is when somebody takes it out of the recycle bin between verification and repair."""
    [reg] = await verifier.written()
    task = await verifier.record(reg, "task:registered")
    await verifier.verify()
    async with verifier.rig.database.system() as session:
        session.add(
            VerificationDifference(
                host_id=HOST,
                verification_id=(await verifier.run()).verification_id,
                registration_id=reg,
                slot="task:registered",
                instance_key="",
                kind="missing_activity",
                sf_id=task,
            )
        )
    await verifier.repair()
    assert (await verifier.rig.slots(reg))["task:registered"].details["reported_missing"] is True
    await verifier.rig.drain()
    slot = (await verifier.rig.slots(reg))["task:registered"]
    assert (await live(verifier, "Task"), slot.sf_id) == (1, task)
    assert "reported_missing" not in slot.details


async def test_what_is_hidden_by_then_is_not_made_a_second_time(verifier: Verifier) -> None:
    first, second = await verifier.written(2)
    task = await verifier.record(first, "task:registered")
    await verifier.rig.delete("Task", task)
    await verifier.verify()
    await verifier.repair()
    await verifier.rig.change(second, checked_in_at=NOW)
    await verifier.rig.org.configure(hidden_objects=["Task"])
    await verifier.rig.drain()
    assert (await verifier.rig.states())[first] == "synced"
    assert await verifier.record(first, "task:registered") == task


async def test_a_removed_member_comes_back(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("CampaignMember", await verifier.record(reg, "member"))
    await verifier.rig.requeue(reg)
    await verifier.rig.drain()
    assert await live(verifier, "CampaignMember") == 0, "news alone do not bring it back"
    await verifier.verify()
    await verifier.repair(reg)
    await verifier.rig.drain()
    assert [row["Status"] for row in await verifier.rig.records("CampaignMember")] == ["Registered"]
    assert (await verifier.verify()).items == []


async def test_a_deleted_person_comes_back_with_everything(verifier: Verifier) -> None:
    first, _ = await verifier.written(2, checked_in_at=NOW)
    await verifier.rig.delete("Lead", await verifier.record(first, "person"))
    for slot in ("task:registered", "task:checked_in"):
        task = await verifier.record(first, slot)
        if any(row["Id"] == task for row in await verifier.rig.records("Task")):
            await verifier.rig.delete("Task", task)
    await verifier.verify()
    await verifier.repair()
    await verifier.rig.drain()
    assert (await live(verifier, "Lead"), await live(verifier, "Task")) == (2, 4)
    assert [row["Status"] for row in await verifier.rig.records("CampaignMember")] == ["Attended"] * 2
    shown = await verifier.verify()
    assert (shown.items, shown.in_order) == ([], 2)


@pytest.mark.parametrize("status", ["Attended", "Sent"], ids=["raised by hand", "of no meaning of ours"])
async def test_a_status_that_a_person_set_stays(verifier: Verifier, status: str) -> None:
    [reg] = await verifier.written()
    await verifier.rig.edit("CampaignMember", await verifier.record(reg, "member"), Status=status)
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "status_differs")]
    await verifier.repair()
    await verifier.rig.drain()
    assert [row["Status"] for row in await verifier.rig.records("CampaignMember")] == [status]
    assert (await verifier.verify()).items == [], "it is known from then on as a person's choice"


async def test_rows_in_order_and_what_a_person_moved_are_left_alone(verifier: Verifier) -> None:
    first, second = await verifier.written(2)
    [other] = await verifier.rig.org.seed("Lead", {"LastName": "Heron", "Company": "Sky"})
    await verifier.rig.edit("Task", await verifier.record(first, "task:registered"), WhoId=other)
    await verifier.verify()
    outcome = await verifier.repair(first, second)
    assert (outcome.matched, outcome.queued) == (2, 0)
    assert [(each.why, each.count) for each in outcome.not_queued] == [("already_synced", 1), ("skipped", 1)]


async def test_what_is_switched_off_is_not_made_again(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    async with verifier.rig.database.system() as session:
        await session.execute(update(Event).values(writes={"task": False}))
    outcome = await verifier.repair()
    assert [(each.why, each.count) for each in outcome.not_queued] == [("skipped", 1)]


async def test_repairs_go_below_live_work(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    await verifier.repair()
    job = await verifier.rig.job(reg)
    assert (job.state, job.reason, job.priority, job.requested_by) == ("pending", "retry", 10, "user_17")


async def test_without_a_verification_of_this_org_nothing_is_repaired(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    with pytest.raises(NeverVerified):
        await verifier.repair(reg)
    await verifier.verify()
    await verifier.connection(org_id="00Dxx")
    with pytest.raises(NeverVerified):
        await verifier.repair(reg)


@pytest.mark.parametrize(
    "body", [{}, {"all": True, "registration_ids": ["reg_00001"]}, {"registration_ids": []}]
)
async def test_it_must_be_said_which_rows(verifier: Verifier, body: dict[str, object]) -> None:
    with pytest.raises(FilterEmpty):
        RepairToStart.model_validate(body).chosen_ids()


async def test_a_deleted_case_comes_back_once(verifier: Verifier) -> None:
    await with_cases(verifier.rig)
    [reg] = await verifier.written()
    gone = await verifier.record(reg, "case")
    await verifier.rig.delete("Case", gone)
    assert [each.kind for each in (await verifier.verify()).items] == ["missing_case"]
    assert (await verifier.repair()).queued == 1
    await verifier.rig.drain()
    assert (await verifier.record(reg, "case") != gone, await live(verifier, "Case")) == (True, 1)
    assert (await verifier.verify()).items == []


async def test_a_case_of_a_link_is_whose_it_is(verifier: Verifier) -> None:
    rig = verifier.rig
    await with_cases(rig, kind="webinar")
    async with rig.database.system() as session:
        await session.execute(update(Host).values(settings={"writes": {"calendar_event": True}, **ANY_KIND}))
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    [other] = await rig.org.seed("Contact", {"LastName": "Eve", "Email": "eve@example.com"})
    [case] = await rig.org.seed("Case", {"Subject": "Broken badge", "ContactId": other})
    [reg] = await verifier.written(salesforce_id=case)
    assert (await verifier.record(reg, "person"), await verifier.record(reg, "case")) == (contact, case)
    assert (await verifier.verify()).items == []


async def test_what_was_made_before_the_package_gets_its_key(verifier: Verifier) -> None:
    rig = verifier.rig
    await meeting(rig)
    [reg] = await verifier.written()
    assert (await verifier.verify()).in_order == 1
    await rig.org.configure(package={"namespace": "evs"})
    async with rig.database.system() as session:
        await session.execute(delete(DescribeCache).where(DescribeCache.sobject.in_(("Task", "Event"))))
    await rig.requeue(reg)
    await rig.drain()
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "without_key"), (reg, "without_key")]
    await verifier.repair()
    await rig.drain()
    slots = await rig.slots(reg)
    for sobject, slot in (("Task", "task:registered"), ("Event", "calendar_event")):
        [record] = await rig.records(sobject)
        assert record["evs__Eventship_Key__c"] == slots[slot].reference
    assert (await rig.job(reg)).state == "synced"
    assert (await verifier.verify()).in_order == 1


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_a_lost_answer_to_a_key_makes_no_second_record(verifier: Verifier, kind: str) -> None:
    rig = verifier.rig
    [reg] = await verifier.written()
    await rig.org.configure(package={"namespace": "evs"})
    await rig.org.fault(kind, match={"is_write": True})
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    for _ in range(4):
        await rig.pass_time(800)
        await rig.drain()
    assert len(await rig.records("Task")) == 1
    assert (await rig.job(reg)).state == "synced"


async def test_a_record_that_takes_no_key_is_as_good_as_before(verifier: Verifier) -> None:
    rig = verifier.rig
    [reg] = await verifier.written()
    await rig.org.configure(package={"namespace": "evs"})
    await rig.org.configure(locked_records=[await verifier.record(reg, "task:registered")])
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code) == ("synced", None)
