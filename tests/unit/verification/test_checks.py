"""What is compared of each kind of record, also of those that no host has switched on yet."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from app.salesforce.ids import to18
from app.sync.field_values.builder import digest
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch import WriteToggles
from app.sync.model.record_kinds import RECORD_KINDS
from app.sync.model.records import ACCOUNT, LEAD, PERSON_OBJECTS, PersonRow
from app.verification.checks import MISSING, RECORD_CHECKS, OrgRecords, StoredRecord, differences_of

LEAD_ID, EVENT_ID = to18("00Q5g0000000001"), to18("00U5g0000000001")
START, END = datetime(2026, 11, 21, 10, tzinfo=UTC), datetime(2026, 11, 21, 11, tzinfo=UTC)
PERSON = StoredRecord("person", "", LEAD, LEAD_ID)
FIELD = "evs__Event_Status__c"
WRITTEN = {
    "StartDateTime": digest("2026-11-21T10:00:00Z"),
    "EndDateTime": digest("2026-11-21T11:00:00Z"),
    FIELD: digest("Scheduled"),
}
CALENDAR = StoredRecord(
    "calendar_event", "", "Event", EVENT_ID, label="Scheduled", digests=WRITTEN, planned=(START, END)
)
STANDING = {
    "Id": EVENT_ID,
    "IsDeleted": False,
    "WhoId": LEAD_ID,
    "StartDateTime": "2026-11-21T10:00:00.000+0000",
    "EndDateTime": "2026-11-21T11:00:00.000+0000",
    FIELD: "Scheduled",
}


def test_every_kind_of_record_is_checked_and_has_a_name_where_it_is_missing() -> None:
    assert {kind.sobject for kind in RECORD_KINDS} - {*PERSON_OBJECTS, ACCOUNT} <= RECORD_CHECKS.keys()
    assert MISSING.keys() == {each.name for each in fields(WriteToggles)}


def found(**changes: Any) -> list[tuple[str, str | None, str | None]]:
    people = PersonIndex.of([PersonRow(LEAD, LEAD_ID, None, "2026")], {LEAD_ID})
    row = {**STANDING, **changes}
    differences = differences_of([PERSON, CALENDAR], OrgRecords(people, {EVENT_ID: row}))
    return [(each.kind, each.ours, each.theirs) for each in differences]


def test_a_calendar_event_that_is_as_we_wrote_it_is_in_order() -> None:
    assert found() == []
    assert found(StartDateTime="2026-11-21T11:00:00.000+0100") == [], "the same moment in another zone"


def test_a_calendar_event_at_other_times_differs() -> None:
    planned = "2026-11-21T10:00:00Z – 2026-11-21T11:00:00Z"
    assert found(EndDateTime="2026-11-21T12:30:00.000+0000") == [
        ("times_differ", planned, "2026-11-21T10:00:00Z – 2026-11-21T12:30:00Z")
    ]


def test_a_calendar_event_of_another_status_differs() -> None:
    assert found(**{FIELD: "Completed"}) == [("status_differs", "Scheduled", "Completed")]


def test_what_the_user_may_not_read_is_not_compared() -> None:
    hidden = {"Id": EVENT_ID, "IsDeleted": False}
    people = PersonIndex.of([PersonRow(LEAD, LEAD_ID, None, "2026")], {LEAD_ID})
    assert differences_of([PERSON, CALENDAR], OrgRecords(people, {EVENT_ID: hidden})) == []


@pytest.mark.parametrize(
    ("slot", "sobject", "kind"),
    [
        ("task:registered", "Task", "missing_activity"),
        ("task:checked_in", "Task", "missing_activity"),
        ("member", "CampaignMember", "missing_member"),
        ("case", "Case", "missing_case"),
    ],
)
def test_a_record_in_the_recycle_bin_is_missing_under_the_name_of_its_kind(
    slot: str, sobject: str, kind: str
) -> None:
    record = StoredRecord(slot, "", sobject, EVENT_ID)
    people = PersonIndex.of([PersonRow(LEAD, LEAD_ID, None, "2026")], {LEAD_ID})
    rows = {EVENT_ID: {"Id": EVENT_ID, "IsDeleted": True}}
    [difference] = differences_of([PERSON, record], OrgRecords(people, rows))
    assert (difference.kind, difference.shown) == (kind, (LEAD, LEAD_ID))
