"""Updates of existing people and members that a host chose."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig

EMAIL = "otter1@example.com"
UPDATING = {"update_existing": True}
DIETS = {"extra_fields": {"Contact": ["Diet__c | multipicklist(100) | CUN | Diet | vegan; nuts; fish"]}}


def rule(sobject: str, field: str, **how: Any) -> dict[str, Any]:
    return {"object": sobject, "field": field, **how}


def attendee(**given: Any) -> dict[str, Any]:
    return {"email": EMAIL, "name": "Otter One", **given}


async def contact(rig: Rig, **fields: Any) -> str:
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL, **fields})
    return contact_id


async def test_known_people_are_not_touched_unless_the_host_chose_so(rig: Rig) -> None:
    await contact(rig)
    await rig.choose(rule("Contact", "Title", **{"from": "attendee.job_title"}, mode="overwrite"))
    await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    [found] = await rig.records("Contact")
    assert found["Title"] is None


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        pytest.param("create", None, None, id="only on create"),
        pytest.param("empty", None, "CTO", id="empty and it is"),
        pytest.param("empty", "Chief", "Chief", id="empty and it is not"),
        pytest.param("overwrite", "Chief", "CTO", id="overwrite"),
    ],
)
async def test_modes_decide_what_changes_of_a_known_person(
    rig: Rig, mode: str, before: str | None, after: str | None
) -> None:
    await contact(rig, Title=before)
    how = {"from": "attendee.job_title", "mode": mode}
    await rig.choose(rule("Contact", "Title", **how), people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    [found] = await rig.records("Contact")
    assert (found["Title"], (await rig.job(reg)).state) == (after, "synced")


async def test_updates_cost_no_call_of_their_own(rig: Rig) -> None:
    await contact(rig)
    await rig.choose(people=UPDATING)
    await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.registered(2, attendee={"email": "otter2@example.com", "name": "O"})
    await rig.drain()
    await rig.org.control.delete("/calls")
    await rig.registered(3, attendee=attendee(job_title="CEO"), email_key=EMAIL)
    await rig.drain()
    assert (await rig.org.calls())["total"] == 2


async def test_a_multi_select_is_added_to(rig: Rig) -> None:
    await rig.org.configure(**DIETS)
    await contact(rig, Diet__c="vegan")
    how = {"from": "answers.diet", "mode": "append"}
    await rig.choose(rule("Contact", "Diet__c", **how), people=UPDATING)
    await rig.registered(1, answers=[{"key": "diet", "value": ["nuts", "vegan"]}])
    await rig.drain()
    [found] = await rig.records("Contact")
    assert found["Diet__c"] == "vegan;nuts"


async def test_a_check_in_does_not_fight_a_salespersons_correction(rig: Rig) -> None:
    contact_id = await contact(rig)
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule("Contact", "Title", **how), people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    await rig.edit("Contact", contact_id, Title="Chief Otter")
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Contact")] == ["Chief Otter"]
    await rig.change(reg, attendee=attendee(job_title="CEO"))
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Contact")] == ["CEO"]


async def test_a_phone_that_is_taken_back_is_cleared(rig: Rig) -> None:
    contact_id = await contact(rig, Phone="+49 30 0")
    await rig.choose(
        rule("Contact", "Phone", **{"from": "attendee.phone"}, mode="overwrite"), people=UPDATING
    )
    reg = await rig.registered(1, attendee=attendee())
    await rig.drain()
    assert [each["Phone"] for each in await rig.records("Contact")] == ["+49 30 0"]
    await rig.change(reg, attendee=attendee(phone=None))
    await rig.drain()
    assert [each["Phone"] for each in await rig.records("Contact")] == [None]
    await rig.edit("Contact", contact_id, Phone="+49 30 1")
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert [each["Phone"] for each in await rig.records("Contact")] == ["+49 30 1"]


async def test_a_created_persons_overwritten_field_is_corrected_once_by_a_newer_answer(rig: Rig) -> None:
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule("Lead", "Title", **how), people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.edit("Lead", lead["Id"], Title="Chief Otter")
    await rig.requeue(reg)
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Lead")] == ["Chief Otter"]


async def test_what_a_deleted_lead_had_is_written_to_the_contact_in_its_place(rig: Rig) -> None:
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    fields = [rule(sobject, "Title", **how) for sobject in ("Lead", "Contact")]
    await rig.choose(*fields, people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    [lead] = await rig.records("Lead")
    await contact(rig, Title="CFO")
    await rig.delete("Lead", lead["Id"])
    await rig.requeue(reg)
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Contact")] == ["CTO"]
    assert (await rig.slots(reg))["person"].details["is_created_by_us"] is False


async def test_a_changed_email_follows_the_person(rig: Rig) -> None:
    await rig.choose(people=UPDATING)
    reg = await rig.registered(1, attendee=attendee())
    await rig.drain()
    await rig.change(reg, attendee=attendee(email="new@example.com"), email_key="new@example.com")
    await rig.drain()
    assert [each["Email"] for each in await rig.records("Lead")] == ["new@example.com"]


async def test_a_changed_email_stays_where_updating_is_off(rig: Rig) -> None:
    reg = await rig.registered(1, attendee=attendee())
    await rig.drain()
    await rig.change(reg, attendee=attendee(email="new@example.com"), email_key="new@example.com")
    await rig.drain()
    assert [each["Email"] for each in await rig.records("Lead")] == [EMAIL]


async def test_a_passed_on_link_changes_nothing_of_the_record_and_says_so(rig: Rig) -> None:
    contact_id = await contact(rig, Title="Chief")
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule("Contact", "Title", **how), people=UPDATING)
    reg = await rig.registered(
        1,
        attendee={"email": "guest@example.com", "name": "Guest", "job_title": "CTO"},
        email_key="guest@example.com",
        salesforce_id=contact_id,
    )
    await rig.drain()
    [found] = await rig.records("Contact")
    assert (found["Title"], found["Email"]) == ("Chief", EMAIL)
    assert [each["code"] for each in (await rig.job(reg)).warnings] == ["id_ignored"]


async def test_an_opt_out_is_a_duty_even_where_updating_is_off(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Contact": ["OptOut__c | boolean | CUD | Opt Out"]})
    await contact(rig)
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    await rig.registered(1, attendee=attendee(consent={"marketing": False}, job_title="CTO"))
    await rig.drain()
    [found] = await rig.records("Contact")
    assert (found["OptOut__c"], found["Title"]) == (True, None)


async def test_an_opt_out_that_cannot_be_written_is_reported_and_attendance_recorded(rig: Rig) -> None:
    await contact(rig)
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    reg = await rig.registered(1, attendee=attendee(consent={"marketing": False}))
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, [each["code"] for each in job.warnings]) == ("synced", ["opted_out"])
    assert len(await rig.records("Task")) == 1


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_a_lost_answer_to_an_update_is_looked_at_and_ends_once(rig: Rig, kind: str) -> None:
    await contact(rig, Title="Chief")
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule("Contact", "Title", **how), people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert (await rig.job(reg)).state == "ambiguous"
    for seconds in (2, 60, 300, 900):
        await rig.pass_time(seconds)
        await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert [each["Title"] for each in await rig.records("Contact")] == ["CTO"]
    assert [len(await rig.records(each)) for each in ("Task", "Lead")] == [1, 0]


async def test_of_two_tickets_the_later_one_says_and_the_earlier_does_not_fight_it(rig: Rig) -> None:
    await contact(rig)
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule("Contact", "Title", **how), people=UPDATING)
    earlier = await rig.registered(1, attendee=attendee(job_title="CTO"), email_key=EMAIL)
    later = {"registered_at": NOW + timedelta(hours=1), "email_key": EMAIL}
    await rig.registered(2, attendee=attendee(job_title="CEO"), **later)
    await rig.drain()
    await rig.change(earlier, checked_in_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Contact")] == ["CEO"]


async def test_a_replay_reaches_its_field_of_the_member(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"CampaignMember": ["Replay__c | string(20) | CUN | Replay"]})
    await rig.choose(rule("CampaignMember", "Replay__c", **{"from": "replay.status"}, mode="overwrite"))
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    assert [each["Replay__c"] for each in await rig.records("CampaignMember")] == [None]
    await rig.change(reg, replay={"watched_at": "2026-12-01T19:00:00Z", "seconds": 1840})
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    assert (member["Replay__c"], member["Status"]) == ("watched", "Sent")
    await rig.edit("CampaignMember", member["Id"], Replay__c="by hand")
    await rig.requeue(reg)
    await rig.drain()
    assert [each["Replay__c"] for each in await rig.records("CampaignMember")] == ["by hand"]


async def test_an_update_that_is_refused_fails_the_row_and_nothing_else_is_lost(rig: Rig) -> None:
    await contact(rig)
    await rig.org.configure(validation_rules=[{"sobject": "Contact", "when": "Title = 'CTO'"}])
    await rig.choose(people=UPDATING)
    reg = await rig.registered(1, attendee=attendee(job_title="CTO"))
    await rig.drain()
    assert (await rig.job(reg)).error_code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert len(await rig.records("Task")) == 1
    await rig.org.configure(validation_rules=[])
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Contact")] == ["CTO"]
    assert len(await rig.records("Task")) == 1
