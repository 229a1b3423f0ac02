"""Rules of people, timeline and members that no other test names, each against a simulated org."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import CampaignLink, Connection
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig, opened_rig
from tests.integration.sync.recording import Recorder


async def link_state(rig: Rig) -> str:
    async with rig.database.system() as session:
        return (await session.get_one(CampaignLink, (HOST, EVENT))).state


NO_CAMPAIGNS = [
    {"hidden_objects": ["Campaign", "CampaignMember", "CampaignMemberStatus"]},
    {"hidden_objects": ["CampaignMember"]},
    {"is_marketing_user": False},
]


@pytest.mark.parametrize("lacking", NO_CAMPAIGNS, ids=["campaigns hidden", "members hidden", "not ticked"])
@pytest.mark.parametrize("number", [1, 30], ids=["alone", "among others"])
async def test_who_may_not_work_with_campaigns_is_one_problem_and_links_wait(
    rig: Rig, *, lacking: dict[str, Any], number: int
) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.configure(**lacking)
    regs = [await rig.registered(each) for each in range(1, number + 1)]
    await rig.drain()
    for reg in regs:
        job = await rig.job(reg)
        assert (job.state, job.waiting_for, job.attempts) == ("pending", "salesforce_access", 0)
    assert await link_state(rig) == "linked"
    assert [len(await rig.records(each)) for each in ("Lead", "Task")] == [number, number]
    async with rig.database.system() as session:
        [problem] = (await session.get_one(Connection, HOST)).problems
    assert (problem["code"], problem["sobject"]) == ("marketing_user_missing", "CampaignMember")
    await rig.org.configure(hidden_objects=[], is_marketing_user=True)
    await rig.pass_time(3700)
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [number] * 3
    async with rig.database.system() as session:
        assert (await session.get_one(Connection, HOST)).problems == []


async def test_who_may_not_work_with_campaigns_is_not_asked_again_within_the_hour(
    database: Database, settings: Settings
) -> None:
    seen: list[Recorder] = []

    def wrap(transport: Any) -> Recorder:
        seen.append(Recorder(transport))
        return seen[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        await rig.link(await rig.org.campaign())
        await rig.org.configure(is_marketing_user=False)
        await rig.registered(1)
        await rig.drain()
        assert "CampaignMember" in str(seen[0].requests)
        seen[0].requests.clear()
        await rig.registered(2)
        await rig.drain()
        assert (await rig.states())["reg_00002"] == "pending"
        assert seen[0].requests
        assert "CampaignMember" not in str(seen[0].requests)


async def test_an_answer_that_was_lost_stays_in_doubt_while_members_cannot_be_seen(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"sobject": "CampaignMember"})
    await rig.drain()
    await rig.org.configure(hidden_objects=["CampaignMember"])
    for _ in range(6):
        await rig.pass_time(120)
        await rig.drain()
    await rig.org.configure(hidden_objects=[])
    await rig.pass_time(3700)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert len(await rig.records("CampaignMember")) == 1


async def test_check_in_without_registration_writes_its_task_and_the_late_registration_its_own(
    rig: Rig,
) -> None:
    await rig.link(await rig.org.campaign())
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    reg = await rig.registered(1, status="pending", confirmed_at=None, checked_in_at=at, registered_at=at)
    await rig.drain()
    [task] = await rig.records("Task")
    assert (task["Subject"], task["ActivityDate"]) == ("Checked-in: Otter Summit", "2026-11-20")
    await rig.change(reg, status="confirmed", confirmed_at=at - timedelta(days=9))
    await rig.drain()
    tasks = {task["Subject"]: task["ActivityDate"] for task in await rig.records("Task")}
    assert tasks == {"Checked-in: Otter Summit": "2026-11-20", "Registered: Otter Summit": "2026-11-11"}
    [member] = await rig.records("CampaignMember")
    assert member["Status"] == "Responded"


async def test_cancelled_before_written_writes_nothing(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1, status="cancelled", cancelled_at=NOW)
    await rig.drain()
    assert await rig.states() == {reg: "skipped"}
    written = [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]
    assert written == [0, 0, 0]


async def test_cancelled_after_check_in_stays_attended(rig: Rig) -> None:
    await rig.link(await rig.org.campaign(labels=("Cancelled",)), cancelled="Cancelled")
    reg = await rig.registered(1, checked_in_at=NOW)
    await rig.drain()
    await rig.change(reg, status="cancelled", cancelled_at=NOW + timedelta(hours=1))
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    assert (member["Status"], len(await rig.records("Task"))) == ("Responded", 2)


async def test_checked_in_twice_is_one_task(rig: Rig) -> None:
    reg = await rig.registered(1, checked_in_at=NOW)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(days=1))
    await rig.drain()
    subjects = sorted(task["Subject"] for task in await rig.records("Task"))
    assert subjects == ["Checked-in: Otter Summit", "Registered: Otter Summit"]


@pytest.mark.parametrize("reason", ["live", "retry"])
async def test_invisible_record_is_never_created_a_second_time_but_a_retry_matches_again(
    rig: Rig, reason: str
) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.org.configure(hidden_records=[lead["Id"]])
    await rig.requeue(reg)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, len(await rig.records("Lead"))) == ("failed", "access", 1)
    assert job.error is not None
    assert job.error["advice_code"] == "record_not_visible"
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.requeue(reg, reason=reason)
    await rig.drain()
    expected = {"live": ("failed", lead["Id"]), "retry": ("synced", contact)}
    assert ((await rig.job(reg)).state, (await rig.slots(reg))["person"].sf_id) == expected[reason]


async def test_plus_addresses_and_dots_are_different_people(rig: Rig) -> None:
    for number, email in enumerate(("a.b@example.com", "ab@example.com", "ab+1@example.com")):
        await rig.registered(number, attendee={"email": email, "name": "Otter"}, email_key=email)
    await rig.drain()
    assert len(await rig.records("Lead")) == 3


async def test_five_tickets_with_different_names_are_one_person_whose_name_stays(rig: Rig) -> None:
    for number in range(5):
        attendee = {"email": "Otter@example.com ", "name": f"Otter Number{number}"}
        await rig.registered(number, attendee=attendee, email_key="otter@example.com")
        await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["LastName"], len(await rig.records("Task"))) == ("Number0", 5)
