"""A registration has one calendar Event: created once, and brought up to date with what happened since."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.sync.field_values.builder import digest
from app.sync.model.batch import SlotKey, WriteToggles, WrittenSlot
from app.sync.model.decisions import NO_PLAN, Plan
from app.sync.model.records import EVENT
from app.sync.model.work_item import WorkItem
from app.sync.model.write_settings import CalendarEventSettings, WriteSettings
from app.sync.planning.calendar_events import plan_calendar_event, plan_calendar_events
from app.sync.planning.person_ref import NewPerson, PersonRef
from tests.unit.sync.builders import described, field
from tests.unit.sync.planning.builders import (
    CLOCK,
    CONTACT,
    JUST_NOW,
    LEAD,
    LEAD_ID,
    LONG_AGO,
    NOW,
    batch,
    error_codes,
    facts,
    item,
    lookup,
    slot,
    slots_set,
    unchanged,
    unfit,
)

KEY = SlotKey("calendar_event")
EVENT_ID = "00U5g000001AbCdEAK"
CASE_ID = "5005g000001AbCdEAK"
TAG = "otter-reference"
START = NOW + timedelta(days=3)
HOUR = timedelta(hours=1)
END = START + HOUR
MEETING = {"kind": "meeting", "starts_at": START, "ends_at": END, "location": "Berlin"}
TIMES = {"StartDateTime": "2026-11-24T10:00:00Z", "EndDateTime": "2026-11-24T11:00:00Z"}
AS_READ = {
    "Subject": "Autumn Summit", "ShowAs": "Busy", "Location": "Berlin",
    "StartDateTime": "2026-11-24T10:00:00.000+0000", "EndDateTime": "2026-11-24T11:00:00.000+0000",
}  # fmt: skip
ILL = {"status": "cancelled", "cancelled_at": NOW, "cancel_reason": "Ill"}
STATUS = field("evs__Event_Status__c", length=40)
REASON = field("evs__Cancel_Reschedule_Reason__c", length=10)
ON = WriteToggles(calendar_event=True)


def booked(
    *, event: dict[str, Any] | None = None, before: WrittenSlot | None = None, **changes: Any
) -> WorkItem:
    slots = {KEY: before} if before is not None else {}
    slots |= changes.pop("slots", {})
    return item(event=MEETING | (event or {}), slots=slots, writes=ON, **changes)


def written(**changes: Any) -> WrittenSlot:
    """The calendar Event as it was created."""
    sent = {**AS_READ, **TIMES}
    details = {
        "subject": "Autumn Summit",
        "created_as": {"title": "Autumn Summit", "starts_at": START.isoformat(), "ends_at": END.isoformat()},
        "written_digests": {},
        "pending_digests": {name: digest(value) for name, value in sent.items()},
    }
    values: dict[str, Any] = {"sf_id": EVENT_ID, "label": "Scheduled", "reference": TAG, "details": details}
    return slot("written", "Event", **(values | changes))


def planned(
    row: WorkItem, person: PersonRef = LEAD, *, chosen: CalendarEventSettings | None = None, **found: Any
) -> Plan:
    settings = WriteSettings(calendar_event=chosen or CalendarEventSettings())
    return unchanged(
        plan_calendar_event,
        row,
        item=row,
        person=person,
        lookup=lookup(**found),
        batch=batch(row, settings=settings),
        clock=CLOCK,
    )


def standing(**changes: Any) -> dict[str, Any]:
    """What a look finds of the calendar Event."""
    return {"events": {EVENT_ID: AS_READ | changes}, "queried_events": frozenset({EVENT_ID})}


def sent(plan: Plan) -> dict[str, Any]:
    [operation] = plan.operations
    return dict(operation.record.fields)


def warned(plan: Plan) -> list[tuple[str, str | None]]:
    return [(each.code, each.field) for decision in plan.decisions for each in decision.warnings]


def test_a_new_one_has_title_times_person_place_and_our_reference() -> None:
    plan = planned(booked())
    [operation] = plan.operations
    fields = sent(plan)
    reference = operation.reference_tag
    assert fields.pop("Description") == f"Event: Autumn Summit\n\nRef: {reference}"
    assert fields == {
        "WhoId": LEAD_ID, "Subject": "Autumn Summit", **TIMES, "Location": "Berlin", "ShowAs": "Busy",
        "IsReminderSet": False,
    }  # fmt: skip
    assert (operation.label, operation.is_create, operation.milestone) == (
        "Scheduled",
        True,
        "calendar_event",
    )
    assert operation.details.created_as == {
        "title": "Autumn Summit", "starts_at": START.isoformat(), "ends_at": END.isoformat(),
    }  # fmt: skip


def test_of_a_new_person_it_names_the_person_by_reference() -> None:
    assert sent(planned(booked(), NewPerson("Lead", "person3")))["WhoId"] == "@{person3.id}"


@pytest.mark.parametrize(("person", "what"), [(CONTACT, CASE_ID), (LEAD, None)], ids=["Contact", "Lead"])
def test_only_a_contacts_hangs_on_its_case(person: PersonRef, what: str | None) -> None:
    case = {SlotKey("case"): slot("written", "Case", sf_id=CASE_ID)}
    assert sent(planned(booked(slots=case), person)).get("WhatId") == what


@pytest.mark.parametrize(
    ("show_as", "expected"), [("busy", "Busy"), ("free", "Free"), ("out_of_office", "OutOfOffice")]
)
def test_the_host_chooses_how_busy_it_shows(show_as: Any, expected: str) -> None:
    assert sent(planned(booked(), chosen=CalendarEventSettings(show_as=show_as)))["ShowAs"] == expected


def test_the_organizer_owns_it_where_the_host_wants_that() -> None:
    user = "0055g000001AbCdEAK"
    row = booked(event={"organizer": {"email": "Olga@otter.example"}})
    chosen = CalendarEventSettings(owner="organizer")
    assert sent(planned(row, chosen=chosen, owners={"olga@otter.example": user}))["OwnerId"] == user
    nobody = planned(row, chosen=chosen)
    assert ("OwnerId" in sent(nobody), warned(nobody)) == (False, [("fallback_used", "OwnerId")])


@pytest.mark.parametrize(
    ("own", "event", "times", "codes"),
    [
        pytest.param({}, {"ends_at": None}, (0, 60), ["fallback_used"], id="no end"),
        pytest.param({}, {"ends_at": START}, (0, 60), ["fallback_used"], id="an end that is no end"),
        pytest.param(
            {}, {"ends_at": START - timedelta(hours=1)}, (0, 60), ["fallback_used"], id="an end before"
        ),
        pytest.param(
            {"starts_at": END, "ends_at": END + timedelta(minutes=30)}, {}, (60, 90), [], id="its own"
        ),
        pytest.param({"starts_at": END}, {}, (60, 120), ["fallback_used"], id="its own start"),
        pytest.param({}, {"ends_at": END + timedelta(seconds=59)}, (0, 60), [], id="whole minutes"),
        pytest.param({}, {"starts_at": None, "ends_at": None}, None, ["no_times"], id="on demand"),
    ],
)
def test_times(
    own: dict[str, Any], event: dict[str, Any], times: tuple[int, int] | None, codes: list[str]
) -> None:
    plan = planned(booked(event=event, facts=facts(**own)))
    if times is None:
        assert plan.operations == ()
    else:
        start, end = (START + timedelta(minutes=minutes) for minutes in times)
        found = [sent(plan)[name] for name in ("StartDateTime", "EndDateTime")]
        assert found == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (start, end)]
    assert [code for code, _ in warned(plan)] == codes


@pytest.mark.parametrize(
    ("ends", "first_day"),
    [
        pytest.param(timedelta(days=2, hours=8), timedelta(hours=8), id="until the hour of the last day"),
        pytest.param(timedelta(days=1, hours=20), timedelta(days=1), id="a night between"),
        pytest.param(timedelta(hours=20), timedelta(hours=20), id="no longer than a day"),
    ],
)
@pytest.mark.parametrize("how", ["refused", "remembered", "tried"])
def test_several_days_are_the_first_one_where_the_org_refused_more(
    ends: timedelta, first_day: timedelta, how: str
) -> None:
    refused = slot("failed", "Event", details={"is_first_day": True}) if how == "refused" else None
    row = booked(event={"ends_at": START + ends}, before=refused)
    plan = planned(row, has_day_events_only=how == "remembered")
    length = ends if how == "tried" else first_day
    assert sent(plan)["EndDateTime"] == f"{START + length:%Y-%m-%dT%H:%M:%SZ}"
    assert warned(plan) == ([("value_cut", "EndDateTime")] if length < ends else [])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (booked(facts=facts(**ILL)), "cancelled before it was written"),
        (booked(facts=facts(confirmed_at=None)), "never confirmed"),
    ],
)
def test_nothing_is_created_for_what_does_not_take_place(row: WorkItem, why: str) -> None:
    assert planned(row) == NO_PLAN, why


def test_of_an_event_that_is_cancelled_none_is_created_and_the_row_says_so() -> None:
    plan = planned(booked(event={"cancelled_at": NOW}))
    assert (plan.operations, warned(plan)) == ((), [("event_cancelled", None)])


def test_who_has_the_kind_off_is_not_planned() -> None:
    row = item(event=MEETING)
    plans = plan_calendar_events([row], {"reg_1": LEAD}, lookup(), batch=batch(row), clock=CLOCK)
    assert list(plans) == []


def test_the_fields_that_the_org_lacks_or_refused_are_left_out() -> None:
    describe = described(STATUS, name="Event")
    closed = replace(describe, fields={k: v for k, v in describe.fields.items() if k != "ShowAs"})
    before = slot("failed", "Event", details={"dropped": ["Location"]})
    fields = sent(planned(booked(before=before), describes={EVENT: closed}))
    assert {"ShowAs", "Location"}.isdisjoint(fields)
    assert fields["evs__Event_Status__c"] == "Scheduled"


def test_rules_that_do_not_fit_the_org_fail_the_item() -> None:
    rules, describes = unfit("Event")
    plan = planned(booked(rules=rules), describes=describes)
    assert plan.operations == ()
    assert error_codes(plan.decisions) == {"reg_1": "RECORD_TYPE_NOT_AVAILABLE"}


@pytest.mark.parametrize(
    ("changes", "event", "expected"),
    [
        pytest.param(ILL, {}, {"Subject": "Canceled: Autumn Summit", "ShowAs": "Free"}, id="cancelled"),
        pytest.param({"no_show_at": END}, {}, {"Subject": "No-show: Autumn Summit"}, id="no-show"),
        pytest.param({"completed_at": END}, {}, None, id="completed: nothing shows it"),
        pytest.param({}, {"location": "Paris"}, {"Location": "Paris"}, id="another place"),
        pytest.param({}, {"location": None}, {"Location": None}, id="no place any more"),
        pytest.param({}, {"title": "Winter Summit"}, None, id="the title stays as created"),
        pytest.param({}, {}, None, id="nothing"),
    ],
)
def test_what_happens_is_written_with_both_times(
    changes: dict[str, Any], event: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    plan = planned(booked(before=written(), facts=facts(**changes), event=event), **standing())
    assert [each.record.fields for each in plan.operations] == ([TIMES | expected] if expected else [])


def test_a_move_sends_both_times() -> None:
    later = {"starts_at": START + timedelta(days=1), "ends_at": END}
    plan = planned(booked(before=written(), event={"ends_at": END + timedelta(hours=1)}), **standing())
    assert sent(plan) == TIMES | {"EndDateTime": "2026-11-24T12:00:00Z"}
    moved = planned(booked(before=written(), event=later), **standing())
    assert sent(moved)["StartDateTime"] == "2026-11-25T10:00:00Z"
    assert [operation.label for operation in moved.operations] == ["Rescheduled"]


def test_times_that_a_person_changed_are_put_back() -> None:
    plan = planned(booked(before=written()), **standing(StartDateTime="2026-11-24T08:00:00.000+0000"))
    assert sent(plan) == TIMES


def test_what_a_person_changed_stays_with_a_warning() -> None:
    found = standing(Subject="Call Ada", ShowAs="OutOfOffice")
    plan = planned(booked(before=written(), facts=facts(**ILL)), **found)
    assert plan.operations == ()
    assert warned(plan) == [("changed_in_salesforce", "Subject"), ("changed_in_salesforce", "ShowAs")]


def test_an_owner_whom_a_person_chose_stays_with_a_warning() -> None:
    before = written()
    digests = {**(before.details.pending_digests or {}), "OwnerId": digest("0055g000001AbCdEAK")}
    before = before._replace(details=before.details._replace(pending_digests=digests))
    plan = planned(booked(before=before), **standing(OwnerId="0055g000002AbCdEAK"))
    assert (plan.operations, warned(plan)) == ((), [("changed_in_salesforce", "OwnerId")])


def test_status_and_reason_go_to_the_packages_fields() -> None:
    describes = {EVENT: described(STATUS, REASON, name="Event")}
    reason = "Ill, and in bed"
    row = booked(before=written(), facts=facts(**ILL | {"cancel_reason": reason}))
    fields = sent(
        planned(row, describes=describes, **standing(**{STATUS.name: "Scheduled", REASON.name: None}))
    )
    assert fields == TIMES | {
        "ShowAs": "Free",
        STATUS.name: "Canceled",
        REASON.name: "Ill, and in"[:10].rstrip(),
    }


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [(None, {"evs__Event_Status__c"}), ("evs", {"evs__Event_Status__c"}), ("otter", set[str]())],
)
def test_a_status_field_of_another_package_is_not_filled(namespace: str | None, expected: set[str]) -> None:
    describes = {EVENT: described(STATUS, name="Event")}
    fields = sent(planned(booked(), describes=describes, package_namespace=namespace))
    assert {name for name in fields if name.endswith("__c")} == expected


def test_a_deleted_one_is_left_but_for_a_retry() -> None:
    gone: dict[str, Any] = {"queried_events": frozenset({EVENT_ID})}
    live = planned(booked(before=written(), facts=facts(no_show_at=END)), **gone)
    assert (live.operations, warned(live)) == ((), [("deleted_in_salesforce", None)])
    row = booked(before=written(), facts=facts(no_show_at=END), reason="retry")
    assert planned(row, **gone).operations == (), "it may only be hidden"
    again = planned(row, **gone, deleted_events=frozenset({EVENT_ID}))
    assert (again.operations[0].is_create, sent(again)["Subject"]) == (True, "No-show: Autumn Summit")


@pytest.mark.parametrize("started_at", [JUST_NOW, LONG_AGO], ids=["at once", "later"])
def test_a_lost_create_that_turned_up_is_taken_and_changed(started_at: Any) -> None:
    before = written(sf_id=None, label=None, attempt_started_at=started_at)._replace(state="ambiguous")
    same = planned(booked(before=before), recovered={TAG: EVENT_ID})
    assert same.operations == ()
    found = slots_set(same)["reg_1"][KEY]
    assert found is not None
    assert (found.state, found.sf_id, found.label) == ("written", EVENT_ID, "Scheduled")
    changed = planned(booked(before=before, facts=facts(**ILL)), recovered={TAG: EVENT_ID})
    assert (changed.operations[0].record.id, sent(changed)["ShowAs"]) == (EVENT_ID, "Free")


def test_a_lost_create_that_may_still_be_applied_waits() -> None:
    before = slot("ambiguous", "Event", reference=TAG, attempt_started_at=JUST_NOW)
    plan = planned(booked(before=before))
    assert (plan.operations, [each.recheck_at for each in plan.decisions]) == (
        (),
        [CLOCK.next_recheck(before)],
    )


@pytest.mark.parametrize(
    ("started_at", "read", "sends"),
    [
        pytest.param(JUST_NOW, {}, None, id="it may still be applied"),
        pytest.param(LONG_AGO, {}, True, id="it was not applied"),
        pytest.param(LONG_AGO, {"Subject": "Canceled: Autumn Summit", "ShowAs": "Free"}, False, id="it was"),
    ],
)
def test_a_lost_change_is_settled_by_what_is_read(
    started_at: Any, read: dict[str, Any], sends: bool | None
) -> None:
    before = written(attempt_started_at=started_at, label="Scheduled")
    known = before.details.pending_digests or {}
    on_its_way = {**known, "Subject": digest("Canceled: Autumn Summit"), "ShowAs": digest("Free")}
    details = before.details._replace(written_digests=known, pending_digests=on_its_way)
    before = before._replace(state="ambiguous", action="update", details=details)
    plan = planned(booked(before=before, facts=facts(**ILL)), **standing(**read))
    if sends is None:
        assert [each.recheck_at for each in plan.decisions] == [CLOCK.next_recheck(before)]
    elif sends:
        assert sent(plan) == TIMES | {"Subject": "Canceled: Autumn Summit", "ShowAs": "Free"}
    else:
        found = slots_set(plan)["reg_1"][KEY]
        assert found is not None
        assert (plan.operations, found.state, found.label) == ((), "written", "Canceled")
