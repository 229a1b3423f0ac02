"""A registration becomes a person, a Task and a member, once, in as few calls as promised."""

from datetime import timedelta

from tests.factories import NOW
from tests.integration.sync.conftest import Rig


async def test_a_lone_new_attendee_costs_two_calls(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    reg = await rig.registered(1)
    await rig.drain()
    [lead], [task], [member] = [await rig.records(each) for each in ("Lead", "Task", "CampaignMember")]
    assert (await rig.job(reg)).state == "synced"
    assert (lead["Email"], lead["LeadSource"]) == ("otter1@example.com", "Eventship")
    assert (task["Subject"], task["WhoId"], task["Status"]) == (
        "Registered: Otter Summit",
        lead["Id"],
        "Completed",
    )
    assert (member["LeadId"], member["Status"]) == (lead["Id"], "Sent")
    assert (await rig.org.calls())["total"] == 2


async def test_eight_new_attendees_at_once_cost_two_calls(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(8):
        await rig.registered(number)
    await rig.drain()
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [8, 8, 8]
    assert (await rig.org.calls())["total"] == 2


async def test_a_known_attendee_costs_two_calls(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "OTTER1@example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    [task], [member] = await rig.records("Task"), await rig.records("CampaignMember")
    assert (task["WhoId"], member["ContactId"]) == (contact_id, contact_id)
    assert (await rig.slots(reg))["person"].details["found_by"] == "email"
    assert await rig.records("Lead") == []
    assert (await rig.org.calls())["total"] == 2


async def test_a_backlog_of_two_hundred_costs_three_calls(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(200):
        await rig.registered(number)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [200, 200, 200]
    assert (await rig.org.calls())["total"] == 3


async def test_a_check_in_adds_its_task_and_promotes_the_member(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    subjects = sorted(task["Subject"] for task in await rig.records("Task"))
    assert subjects == ["Checked-in: Otter Summit", "Registered: Otter Summit"]
    [member] = await rig.records("CampaignMember")
    assert member["Status"] == "Responded"
    assert (await rig.job(reg)).is_attended


async def test_draining_again_writes_nothing_more(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.requeue(reg)
    await rig.drain()
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [1, 1, 1]
    assert (await rig.job(reg)).state == "synced"
