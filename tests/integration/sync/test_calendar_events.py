"""The calendar Event of a registration through its life, against a simulated org."""

from datetime import timedelta
from typing import Any

import pytest

from app.privacy.erasure import ErasureRequest, erase
from app.sync_preview.dry_run import dry_run
from app.sync_preview.preview import preview
from tests.deliveries import PEPPER
from tests.factories import NOW
from tests.integration.sync.calendar_rig import (
    END,
    LATER,
    QUIET,
    START,
    STATUS_FIELDS,
    calls,
    change_event,
    meeting,
    settle,
    the_event,
    warnings,
)
from tests.integration.sync.conftest import EVENT, HOST, Rig

HOUR = timedelta(hours=1)
CHANGED_ANYWAY = ("LastModifiedDate", "SystemModstamp")


async def test_a_meeting_that_was_booked_stands_in_the_calendar(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1, ticket={"name": "Standard"})
    await rig.drain()
    [lead] = await rig.records("Lead")
    event = await the_event(rig)
    expected = {
        "Subject": "Otter Summit",
        "StartDateTime": "2026-11-24T09:00:00.000+0000",
        "EndDateTime": "2026-11-24T10:00:00.000+0000",
        "WhoId": lead["Id"],
        "WhatId": None,
        "Location": "Berlin",
        "ShowAs": "Busy",
        "IsReminderSet": False,
    }
    assert {name: event[name] for name in expected} == expected
    slot = (await rig.slots(reg))["calendar_event"]
    assert (slot.sf_id, slot.label, slot.details["subject"]) == (event["Id"], "Scheduled", "Otter Summit")
    lines = event["Description"].splitlines()
    assert (lines[0], lines[1], lines[-1]) == (
        "Event: Otter Summit", "Ticket: Standard", f"Ref: {slot.reference}",
    )  # fmt: skip
    assert await rig.states() == {reg: "synced"}


@pytest.mark.parametrize("is_known", [False, True], ids=["new person", "known person"])
async def test_a_lone_registration_with_task_member_and_calendar_event_takes_two_calls(
    rig: Rig, is_known: bool
) -> None:
    await meeting(rig, package=True)
    await rig.link(await rig.org.campaign())
    for number in (1, 2):
        before = await calls(rig)
        if is_known:
            await rig.org.seed("Contact", {"LastName": "Otter", "Email": f"otter{number}@example.com"})
        await rig.registered(number)
        await rig.drain()
        assert await calls(rig) - before == 2
    written = {name: await rig.records(name) for name in ("Task", "CampaignMember", "Event")}
    assert {name: len(rows) for name, rows in written.items()} == dict.fromkeys(written, 2)
    assert [each["evs__Event_Status__c"] for each in written["Event"]] == ["Scheduled"] * 2


ILL = {"status": "cancelled", "cancelled_at": NOW, "cancel_reason": "Ill"}
CLASH = {"starts_at": LATER, "rescheduled_at": NOW, "reschedule_reason": "Clash"}
HAPPENED: list[tuple[dict[str, Any], dict[str, Any], str, str | None]] = [
    (ILL, {}, "Canceled", "Ill"),
    ({"status": "declined", "cancelled_at": NOW}, {}, "Canceled", None),
    ({}, {"cancelled_at": NOW, "cancel_reason": "Storm"}, "Canceled", "Storm"),
    ({"no_show_at": END}, {}, "No-show", None),
    ({"completed_at": END}, {}, "Completed", None),
    ({"checked_in_at": START, "last_checked_in_at": START}, {}, "Completed", None),
    (CLASH, {}, "Rescheduled", "Clash"),
    ({}, {"starts_at": LATER, "ends_at": LATER + HOUR}, "Rescheduled", None),
]


@pytest.mark.parametrize(("facts", "event", "status", "reason"), HAPPENED)
@pytest.mark.parametrize("package", [True, False], ids=["package", "no package"])
async def test_what_happens_is_shown_in_two_calls(
    rig: Rig,
    *,
    package: bool,
    facts: dict[str, Any],
    event: dict[str, Any],
    status: str,
    reason: str | None,
) -> None:
    await meeting(rig, package=package)
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    before = await calls(rig)
    await change_event(rig, **event)
    await rig.change(reg, **facts)
    await rig.drain()
    assert await calls(rig) - before <= 2
    found = await the_event(rig)
    if package:
        assert (found["evs__Event_Status__c"], found["evs__Cancel_Reschedule_Reason__c"]) == (status, reason)
        assert found["Subject"] == "Otter Summit"
    else:
        prefix = f"{status}: " if status in ("Canceled", "No-show") else ""
        assert found["Subject"] == f"{prefix}Otter Summit"
    moved = "2026-11-25T09:00:00.000+0000" if status == "Rescheduled" else "2026-11-24T09:00:00.000+0000"
    assert found["ShowAs"] == ("Free" if status == "Canceled" else "Busy")
    assert found["StartDateTime"] == moved
    assert (await rig.slots(reg))["calendar_event"].label == status
    assert await rig.states() == {reg: "synced"}


@pytest.mark.parametrize("package", [True, False], ids=["package", "no package"])
async def test_a_cancellation_that_is_undone_leaves_no_trace(rig: Rig, package: bool) -> None:
    await meeting(rig, package=package)
    reg = await rig.registered(1)
    await rig.drain()
    before = await the_event(rig)
    await rig.change(reg, status="cancelled", cancelled_at=NOW, cancel_reason="Ill")
    await rig.drain()
    assert await the_event(rig) != before
    await rig.change(reg, status="confirmed", cancelled_at=None, cancel_reason=None)
    await rig.drain()
    after = await the_event(rig)
    ignored = {"LastModifiedDate", "SystemModstamp", "evs__Event_Status__c"}
    assert {k: v for k, v in after.items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }
    if package:
        assert after["evs__Event_Status__c"] == "Scheduled"


def _apart_from_times_of_change(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in record.items() if name not in ("LastModifiedDate", "SystemModstamp")
    }


async def test_a_no_show_who_checks_in_later_has_come(rig: Rig) -> None:
    await meeting(rig, package=True)
    reg = await rig.registered(1, no_show_at=START)
    await rig.drain()
    assert (await the_event(rig))["evs__Event_Status__c"] == "No-show"
    await rig.change(reg, checked_in_at=START + HOUR, last_checked_in_at=START + HOUR)
    await rig.drain()
    assert (await the_event(rig))["evs__Event_Status__c"] == "Completed"


@pytest.mark.parametrize(
    "facts", [{"status": "cancelled", "cancelled_at": NOW}, {"confirmed_at": None, "status": "pending"}]
)
async def test_what_was_cancelled_before_it_was_written_is_not_written(
    rig: Rig, facts: dict[str, Any]
) -> None:
    await meeting(rig)
    await rig.registered(1, **facts)
    await rig.drain()
    assert await rig.records("Event") == []


async def test_an_event_that_was_cancelled_before_writes_no_calendar_event(rig: Rig) -> None:
    await meeting(rig)
    await change_event(rig, cancelled_at=NOW)
    await rig.registered(1)
    await rig.drain()
    assert (await rig.records("Event"), len(await rig.records("Task"))) == ([], 1)


@pytest.mark.parametrize("package", [True, False])
async def test_a_ticket_that_is_handed_on_cancels_the_calendar_event_of_who_held_it(
    rig: Rig, package: bool
) -> None:
    await meeting(rig, package=package)
    reg = await rig.registered(1, attendee={"id": "per_1", "email": "ada@example.com", "last_name": "Ada"})
    await rig.drain()
    eve = {"id": "per_2", "email": "eve@example.com", "last_name": "Eve"}
    await rig.change(reg, attendee=eve, email_key="eve@example.com")
    await rig.drain()
    first, second = await rig.records("Event")
    assert (first["ShowAs"], second["ShowAs"]) == ("Free", "Busy")
    assert first["Subject"] == ("Otter Summit" if package else "Canceled: Otter Summit")
    assert not package or first["evs__Event_Status__c"] == "Canceled"
    assert first["StartDateTime"] == "2026-11-24T09:00:00.000+0000"
    assert first["WhoId"] != second["WhoId"]
    before = await calls(rig)
    await rig.change(reg, checked_in_at=START, last_checked_in_at=START)
    await rig.drain()
    first, second = await rig.records("Event")
    assert (first["ShowAs"], second["ShowAs"]) == ("Free", "Busy")
    assert (await calls(rig)) - before == 2
    labels = {each.slot: each.label for each in (await rig.slots(reg)).values()}
    assert (labels["calendar_event"], labels["former:calendar_event"]) == ("Completed", "Canceled")


@pytest.mark.parametrize("kind", ["reset_before_write", "reset_after_write"])
async def test_a_lost_answer_about_a_ticket_that_is_handed_on_is_settled(rig: Rig, kind: str) -> None:
    await meeting(rig)
    reg = await rig.registered(1, attendee={"id": "per_1", "email": "ada@example.com", "last_name": "Ada"})
    await rig.drain()
    eve = {"id": "per_2", "email": "eve@example.com", "last_name": "Eve"}
    await rig.org.seed("Contact", {"LastName": "Eve", "Email": "eve@example.com"})
    await rig.change(reg, attendee=eve, email_key="eve@example.com")
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    await settle(rig, QUIET)
    found = await rig.records("Event")
    assert [each["ShowAs"] for each in found] == ["Free", "Busy"]


async def test_an_event_on_demand_has_no_calendar_event_and_says_so(rig: Rig) -> None:
    await meeting(rig)
    await change_event(rig, starts_at=None, ends_at=None)
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.states(), await warnings(rig, reg)) == ({reg: "synced"}, {None: "no_times"})
    assert await rig.records("Event") == []
    await rig.change(reg, starts_at=START, ends_at=END)
    await rig.drain()
    assert (await the_event(rig))["StartDateTime"] == "2026-11-24T09:00:00.000+0000"


async def test_without_an_end_it_takes_the_hosts_minutes_and_says_so(rig: Rig) -> None:
    await meeting(rig, default_minutes=45, show_as="out_of_office")
    await change_event(rig, ends_at=None)
    reg = await rig.registered(1)
    await rig.drain()
    event = await the_event(rig)
    assert (event["EndDateTime"], event["ShowAs"]) == ("2026-11-24T09:45:00.000+0000", "OutOfOffice")
    assert await warnings(rig, reg) == {"EndDateTime": "fallback_used"}


async def test_three_days_are_written_whole_where_the_org_takes_them(rig: Rig) -> None:
    await meeting(rig)
    await change_event(rig, ends_at=START + timedelta(days=2, hours=8))
    await rig.org.configure(has_multiday_events=True)
    await rig.registered(1)
    await rig.drain()
    assert (await the_event(rig))["EndDateTime"] == "2026-11-26T17:00:00.000+0000"


@pytest.mark.parametrize("code", ["FIELD_INTEGRITY_EXCEPTION", "REQUIRED_FIELD_MISSING"])
async def test_three_days_are_the_first_day_where_the_org_refuses_them_and_it_remembers(
    rig: Rig, code: str
) -> None:
    await meeting(rig)
    await change_event(rig, ends_at=START + timedelta(days=2, hours=8))
    await rig.org.configure(has_multiday_events=False, event_times_code=code)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.drain()
    event = await the_event(rig)
    times = (event["StartDateTime"], event["EndDateTime"])
    assert times == ("2026-11-24T09:00:00.000+0000", "2026-11-24T17:00:00.000+0000")
    assert (await rig.states(), await warnings(rig, reg)) == ({reg: "synced"}, {"EndDateTime": "value_cut"})
    before = await calls(rig)
    await rig.registered(2)
    await rig.drain()
    assert await calls(rig) - before == 2
    assert [each["EndDateTime"] for each in await rig.records("Event")] == [times[1]] * 2


async def test_what_a_person_changed_stays_but_for_the_times(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    event = await the_event(rig)
    await rig.edit(
        "Event", event["Id"], Subject="Call Ada", ShowAs="OutOfOffice",
        StartDateTime="2026-11-24T07:00:00Z", EndDateTime="2026-11-24T08:00:00Z",
    )  # fmt: skip
    await rig.change(reg, status="cancelled", cancelled_at=NOW)
    await rig.drain()
    after = await the_event(rig)
    assert (after["Subject"], after["ShowAs"]) == ("Call Ada", "OutOfOffice")
    assert after["StartDateTime"] == "2026-11-24T09:00:00.000+0000"
    changed = {"Subject": "changed_in_salesforce", "ShowAs": "changed_in_salesforce"}
    assert await warnings(rig, reg) == changed


async def test_what_a_person_deleted_is_made_again_by_a_retry_only(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.delete("Event", (await the_event(rig))["Id"])
    await rig.change(reg, no_show_at=END)
    await rig.drain()
    assert (await rig.records("Event"), await rig.states()) == ([], {reg: "synced"})
    assert await warnings(rig, reg) == {None: "deleted_in_salesforce"}
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert (await the_event(rig))["Subject"] == "No-show: Otter Summit"


@pytest.mark.parametrize("kind", ["reset_after_write", "truncate", "reset_before_write"])
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
async def test_a_lost_answer_to_a_create_makes_one_calendar_event(
    rig: Rig, kind: str, is_known: bool
) -> None:
    await meeting(rig)
    if is_known:
        await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert (await rig.states())[reg] == "ambiguous"
    await settle(rig)
    assert (await rig.states())[reg] == "synced"
    assert (await the_event(rig))["Id"] == (await rig.slots(reg))["calendar_event"].sf_id


async def test_a_lost_create_that_is_found_shows_what_happened_meanwhile(rig: Rig) -> None:
    await meeting(rig, package=True)
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    await rig.change(reg, starts_at=LATER, ends_at=LATER + HOUR)
    await settle(rig)
    event = await the_event(rig)
    assert event["StartDateTime"] == "2026-11-25T09:00:00.000+0000"
    assert event["evs__Event_Status__c"] == "Rescheduled"


@pytest.mark.parametrize("kind", ["reset_after_write", "truncate", "reset_before_write"])
async def test_a_lost_answer_to_a_change_is_settled_by_reading_again(rig: Rig, kind: str) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, status="cancelled", cancelled_at=NOW)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert (await rig.states())[reg] == "ambiguous"
    await settle(rig, QUIET)
    event = await the_event(rig)
    assert (event["Subject"], event["ShowAs"]) == ("Canceled: Otter Summit", "Free")
    slot = (await rig.slots(reg))["calendar_event"]
    assert (slot.state, slot.label, (await rig.states())[reg]) == ("written", "Canceled", "synced")


async def test_a_status_whose_field_is_gone_goes_before_the_subject(rig: Rig) -> None:
    await meeting(rig, package=True)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(extra_fields={"Activity": []})
    await rig.change(reg, no_show_at=END)
    await rig.drain()
    await rig.drain()
    assert (await the_event(rig))["Subject"] == "No-show: Otter Summit"
    assert (await rig.states())[reg] == "synced"


@pytest.mark.parametrize("is_known", [True, False], ids=["by the describe", "since the describe"])
async def test_a_status_that_the_org_does_not_list_goes_before_the_subject(rig: Rig, is_known: bool) -> None:
    fewer = [each.replace("No-show; ", "") for each in STATUS_FIELDS]
    await meeting(rig, package=True)
    if is_known:
        await rig.org.configure(extra_fields={"Activity": fewer})
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(extra_fields={"Activity": fewer})
    await rig.change(reg, no_show_at=END)
    await rig.drain()
    await rig.drain()
    event = await the_event(rig)
    assert (event["Subject"], event["evs__Event_Status__c"]) == ("No-show: Otter Summit", "Scheduled")
    assert (await rig.states())[reg] == "synced"


async def test_fields_that_the_host_mapped_show_status_and_reason(rig: Rig) -> None:
    await meeting(rig)
    await rig.org.configure(
        extra_fields={"Event": ("State__c | string(80) | CUN", "Why__c | string(80) | CUN")}
    )
    await rig.choose(
        {"object": "Event", "field": "State__c", "from": "calendar.status"},
        {"object": "Event", "field": "Why__c", "from": "calendar.reason"},
        {"object": "Event", "field": "Type", "constant": "Meeting"},
    )
    reg = await rig.registered(1)
    await rig.drain()
    event = await the_event(rig)
    assert (event["State__c"], event["Why__c"], event["Type"]) == ("Scheduled", None, "Meeting")
    await rig.change(reg, status="cancelled", cancelled_at=NOW, cancel_reason="Ill")
    await rig.drain()
    event = await the_event(rig)
    assert (event["State__c"], event["Why__c"], event["Subject"]) == ("Canceled", "Ill", "Otter Summit")
    await rig.change(reg, status="confirmed", cancelled_at=None)
    await rig.drain()
    event = await the_event(rig)
    assert (event["State__c"], event["Why__c"]) == ("Scheduled", None)


async def test_another_packages_status_field_stays_empty(rig: Rig) -> None:
    await meeting(rig, package=True)
    await rig.registered(1)
    await rig.drain(engine=rig.with_settings(salesforce_package_namespace="otter"))
    assert (await the_event(rig))["evs__Event_Status__c"] is None


async def test_five_meetings_of_one_organiser_are_five_calendar_events(rig: Rig) -> None:
    await meeting(rig)
    email = {"attendee": {"email": "otter@example.com", "name": "Otter"}, "email_key": "otter@example.com"}
    for number in range(5):
        at = START + timedelta(days=number)
        await rig.registered(number, starts_at=at, ends_at=at + HOUR, **email)
    await rig.drain()
    events = await rig.records("Event")
    assert len({each["StartDateTime"] for each in events}) == len(events) == 5
    assert len({each["WhoId"] for each in events}) == 1


async def test_off_writes_nothing_and_asks_nothing(rig: Rig) -> None:
    await change_event(rig, kind="meeting", starts_at=START, ends_at=END)
    await rig.registered(1)
    await rig.drain()
    assert (await rig.records("Event"), len(await rig.records("Task"))) == ([], 1)


async def test_a_dry_run_and_a_preview_foretell_the_create_and_the_change(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    foretold = await dry_run(rig.resources, HOST, EVENT, registration_id=reg)
    [plan] = [each for each in foretold.activities if each.kind == "calendar_event"]
    assert (plan.action, (plan.fields or {})["StartDateTime"]) == ("create", "2026-11-24T09:00:00Z")
    await rig.drain()
    event = await the_event(rig)
    await rig.change(reg, **ILL)
    foretold = await dry_run(rig.resources, HOST, EVENT, registration_id=reg)
    [plan] = [each for each in foretold.activities if each.kind == "calendar_event"]
    assert plan.activity is not None
    assert (plan.action, plan.activity.id, (plan.fields or {})["ShowAs"]) == ("update", event["Id"], "Free")
    shown = await preview(rig.resources, HOST, EVENT, registration_id=reg)
    [record] = [each for each in shown.records if each.part == "calendar_event"]
    busy = next(each for each in record.fields if each.field == "ShowAs")
    assert (record.object, record.action, busy.now, busy.then) == ("Event", "update", "Busy", "Free")
    assert await the_event(rig) == event


async def test_a_ticket_that_was_handed_on_is_a_calendar_event_of_its_new_holder(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1, attendee={"id": "a", "email": "otter1@example.com", "name": "Otter 1"})
    await rig.drain()
    heir = {"id": "b", "email": "heir@example.com", "name": "Heir"}
    await rig.change(reg, attendee=heir, email_key="heir@example.com")
    await rig.drain()
    people = {each["Id"]: each["Email"] for each in await rig.records("Lead")}
    assert [people[each["WhoId"]] for each in await rig.records("Event")] == [
        "otter1@example.com", "heir@example.com",
    ]  # fmt: skip


async def test_of_an_erased_attendee_the_ids_remain_and_nothing_is_written(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    event = await the_event(rig)
    wish = ErasureRequest(HOST, NOW + timedelta(days=1), None, "otter1@example.com")
    async with rig.database.system() as session:
        await erase(session, wish, pepper=PEPPER, by="user_17")
    slot = (await rig.slots(reg))["calendar_event"]
    assert (slot.sf_id, slot.details) == (event["Id"], {})
    await change_event(rig, cancelled_at=NOW)
    await rig.requeue(reg)
    await rig.drain()
    assert await the_event(rig) == event
