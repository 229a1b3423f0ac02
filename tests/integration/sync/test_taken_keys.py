"""Who has the unique key of a create that was lost: a hidden record, another object's, one that changed."""

from datetime import timedelta

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_duplicates import ANN, BERTA, PHONE, rule_on_phone
from tests.integration.sync.test_external_ids import keyed, member
from tests.integration.sync.test_unique_keys import EVS_KEY, PACKAGED, drain_soon, forget, with_pepper


@PACKAGED
@pytest.mark.parametrize("sobject", ["Task", "Lead"])
async def test_a_lost_record_that_is_hidden_is_tried_later_and_then_told(rig: Rig, sobject: str) -> None:
    rig = with_pepper(rig)
    if sobject == "Task":
        await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    [record] = await rig.records(sobject)
    await rig.org.configure(hidden_records=[record["Id"]])
    before = int((await rig.org.calls())["total"])
    await rig.pass_time(2)
    await rig.drain()
    assert (await rig.job(reg)).state == "pending"
    assert int((await rig.org.calls())["total"]) - before <= 5
    for _ in range(8):
        await rig.pass_time(9000)
        await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code) == ("failed", "RECORD_NOT_VISIBLE")
    await rig.org.configure(hidden_records=[])
    await rig.requeue(reg, reason="retry")
    await drain_soon(rig)
    assert (await rig.job(reg)).state == "synced"
    assert [each["Id"] for each in await rig.records(sobject)] == [record["Id"]]


@PACKAGED
async def test_a_lost_lead_is_waited_for_where_contacts_are_made_by_now(rig: Rig) -> None:
    """Each object has keys of its own, so a Contact is no second try of a Lead."""
    rig = with_pepper(rig)
    await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.choose(people={"create": "contact"})
    await drain_soon(rig, 2)
    await rig.org.control.post("/settle")
    for _ in range(3):
        await rig.pass_time(600)
        await rig.drain()
    assert (len(await rig.records("Lead")), len(await rig.records("Contact"))) == (1, 0)
    assert set((await rig.states()).values()) == {"synced"}


@PACKAGED
async def test_a_lost_lead_whose_address_the_org_changed_is_taken(rig: Rig) -> None:
    """As automations of sandboxes do."""
    rig = with_pepper(rig)
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.edit("Lead", lead["Id"], Email="otter1@example.com.invalid")
    await drain_soon(rig)
    assert [each["Id"] for each in await rig.records("Lead")] == [lead["Id"]]
    assert (await rig.slots(reg))["person"].details["is_created_by_us"]
    assert set((await rig.states()).values()) == {"synced"}


UNKNOWN = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"


@PACKAGED
@pytest.mark.parametrize("sobject", ["Task", "Lead"])
async def test_a_key_that_only_a_deleted_record_has_is_left_out(rig: Rig, sobject: str) -> None:
    """Be it of a person, or of a Task that goes out in one composite with its new person."""
    rig = with_pepper(rig)
    reg = await rig.registered(1)
    await rig.drain()
    [lead], [task] = await rig.records("Lead"), await rig.records("Task")
    for name, record in (("Task", task), ("Lead", lead)):
        await rig.delete(name, record["Id"])
    await forget(rig, reg, "task:registered")
    await forget(rig, reg, "person")
    await rig.org.fault(
        "row_error",
        error_code="DUPLICATE_VALUE",
        message=UNKNOWN,
        count=1,
        match={"sobject": sobject, "is_write": True},
    )
    await rig.requeue(reg)
    await drain_soon(rig)
    assert (await rig.job(reg)).state == "synced"
    [lead], [task] = await rig.records("Lead"), await rig.records("Task")
    assert task["WhoId"] == lead["Id"]
    assert (bool(lead[EVS_KEY]), bool(task[EVS_KEY])) == (sobject != "Lead", sobject != "Task")


@PACKAGED
async def test_a_lost_lead_and_another_address_of_one_external_id_are_one_person(rig: Rig) -> None:
    rig = with_pepper(rig)
    await keyed(rig)
    await rig.registered(1, attendee=member(email="a@example.com"), email_key="a@example.com")
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    before = NOW - timedelta(days=30)
    await rig.registered(2, attendee=member(), email_key="new@example.com", registered_at=before)
    await drain_soon(rig, 2)
    await rig.org.control.post("/settle")
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == 1


@PACKAGED
async def test_a_key_that_is_met_beside_an_alert_is_settled_in_the_same_run(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rule_on_phone(rig, "alert")
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    reg = await rig.registered(1, attendee=ANN)
    await rig.org.fault("reset_after_write", skip=1, match={"sobject": "Lead", "is_write": True})
    await rig.drain()
    [lead] = [each for each in await rig.records("Lead") if each["FirstName"] == "Ann"]
    await rig.org.configure(hidden_records=[lead["Id"]])
    before = int((await rig.org.calls())["total"])
    await rig.pass_time(2)
    await rig.drain()
    assert (await rig.job(reg)).state == "pending"
    assert int((await rig.org.calls())["total"]) - before <= 8
    assert len(await rig.records("Lead")) == 2
