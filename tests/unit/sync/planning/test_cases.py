"""A registration for a meeting has one Case: made, taken from the link, or closed once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.ids import to18
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import SlotKey, WriteToggles
from app.sync.model.cases import SETTLED, CaseRow, CaseStatuses
from app.sync.model.decisions import NO_PLAN, Plan
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.work_item import WorkItem
from app.sync.model.write_settings import CaseSettings, WriteSettings
from app.sync.planning.cases import plan_case
from app.sync.planning.person_ref import NewPerson, PersonRef
from tests.unit.sync.builders import described, recorded
from tests.unit.sync.planning.builders import (
    CLOCK,
    CONTACT,
    CONTACT_ID,
    JUST_NOW,
    LEAD,
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
)

KEY = SlotKey("case")
TAG = "EVS-ABCDEFGHIJKLMNOP"
CASE_ID = to18("5005g000001AbCd")
ON = WriteToggles(case=True)
CLOSING = WriteSettings(case=CaseSettings(close_when_completed=True))
STATUSES = CaseStatuses(("Erledigt", "Doppelt"), ("Neu",))
DONE = facts(completed_at=NOW)


def meeting(registration_id: str = "reg_1", *, before: Any = None, **changes: Any) -> WorkItem:
    slots = {} if before is None else {KEY: before}
    return item(registration_id, slots=slots, **({"writes": ON} | changes))


def seen(case: CaseRow | None = None, **changes: Any) -> LookupResult:
    """An org that has Cases."""
    values: dict[str, Any] = {"describes": {"Case": recorded("Case")}, "case_statuses": STATUSES}
    return lookup(**(values | ({"cases": {case.id: case}} if case else {}) | changes))


def planned(
    row: WorkItem,
    found: LookupResult | None = None,
    *,
    person: PersonRef = LEAD,
    settings: WriteSettings = WriteSettings(),
) -> Plan:
    return unchanged(
        plan_case,
        row,
        item=row,
        person=person,
        lookup=found or seen(),
        batch=batch(row, settings=settings),
        clock=CLOCK,
    )


def ours(**changes: Any) -> Any:
    details = {"subject": "Meeting: Autumn Summit", "found_by": "created", "is_created_by_us": True}
    return slot(sobject="Case", sf_id=CASE_ID, **({"details": details, "reference": TAG} | changes))


def case(status: str = "Neu", **changes: Any) -> CaseRow:
    return CaseRow(CASE_ID, status, **changes)


def warned(plan: Plan) -> list[tuple[str, str | None]]:
    return [(each.code, each.field) for decision in plan.decisions for each in decision.warnings]


def fields_of(row: WorkItem, found: LookupResult | None = None, **changes: Any) -> Mapping[str, Any]:
    [operation] = planned(row, found, **changes).operations
    return operation.record.fields


def test_missing_case_is_created_with_who_is_met() -> None:
    attendee = {"first_name": "Ada", "phone": " +49 30 1 ", "company": "River GmbH"}
    row = meeting(attendee=attendee)
    [operation] = planned(row).operations
    assert (operation.key, operation.jobs, operation.is_create) == (KEY, (row.job,), True)
    description = operation.record.fields["Description"]
    assert operation.record.fields == {
        "Subject": "Meeting: Autumn Summit",
        "Origin": "Web",
        "SuppliedEmail": "ada@river.example",
        "SuppliedName": "Ada Otter",
        "SuppliedPhone": "+49 30 1",
        "SuppliedCompany": "River GmbH",
        "Description": description,
    }
    assert description.endswith(f"\n\nRef: {operation.reference_tag}")
    assert (operation.headers, operation.milestone) == ((), "case")
    assert (operation.details.subject, operation.details.is_created_by_us) == ("Meeting: Autumn Summit", True)


@pytest.mark.parametrize(
    ("person", "contact"),
    [
        pytest.param(LEAD, None, id="a Lead is nobody's Contact"),
        pytest.param(CONTACT, CONTACT_ID, id="a Contact"),
        pytest.param(NewPerson("Contact", "person0"), "@{person0.id}", id="a new Contact, by reference"),
        pytest.param(NewPerson("Lead", "person0"), None, id="a new Lead"),
    ],
)
def test_a_case_names_its_contact(person: PersonRef, contact: str | None) -> None:
    assert fields_of(meeting(), person=person).get("ContactId") == contact


@pytest.mark.parametrize(
    ("attendee", "field", "value", "warning"),
    [
        ({"email": "ada@@x"}, "SuppliedEmail", None, ("field_dropped", "SuppliedEmail")),
        ({"email": "a" * 70 + "@otters.example"}, "SuppliedEmail", None, ("field_dropped", "SuppliedEmail")),
        ({"email": None, "email_key": None}, "SuppliedEmail", None, None),
        ({"last_name": "O" * 90}, "SuppliedName", "O" * 80, ("value_cut", "SuppliedName")),
        ({"last_name": None, "name": "Mary Jane Otter"}, "SuppliedName", "Mary Jane Otter", None),
        ({"phone": "1" * 50}, "SuppliedPhone", "1" * 40, ("value_cut", "SuppliedPhone")),
        ({"company": "C" * 81}, "SuppliedCompany", "C" * 80, ("value_cut", "SuppliedCompany")),
        ({"company": " "}, "SuppliedCompany", None, None),
    ],
)
def test_what_does_not_fit_is_cut_or_left_out_with_a_warning(
    attendee: dict[str, Any], field: str, value: str | None, warning: tuple[str, str] | None
) -> None:
    plan = planned(meeting(attendee=attendee))
    assert plan.operations[0].record.fields.get(field) == value
    assert warned(plan) == ([warning] if warning else [])


def test_a_long_title_is_cut_and_the_prefix_kept() -> None:
    subject = fields_of(meeting(event={"title": "x" * 300}))["Subject"]
    assert (subject[:12], len(subject)) == ("Meeting: xxx", 255)
    assert fields_of(meeting(event={"title": " "}))["Subject"] == "Meeting: event"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"writes": WriteToggles()}, id="switched off"),
        pytest.param({"facts": facts(confirmed_at=None)}, id="never confirmed"),
        pytest.param({"facts": facts(status="cancelled", cancelled_at=NOW)}, id="cancelled"),
        pytest.param({"facts": facts(status="declined")}, id="declined"),
    ],
)
def test_no_case_is_made(changes: dict[str, Any]) -> None:
    assert planned(meeting(**changes)) == NO_PLAN


def test_of_an_event_that_is_cancelled_none_is_made_and_the_row_says_so() -> None:
    plan = planned(meeting(event={"cancelled_at": NOW}))
    told = [(each.code, each.sobject) for decision in plan.decisions for each in decision.warnings]
    assert (plan.operations, told) == ((), [("event_cancelled", "Case")])


def test_a_check_in_without_confirmation_counts() -> None:
    assert planned(meeting(facts=facts(confirmed_at=None, checked_in_at=NOW))).operations


def test_a_case_that_stands_is_left() -> None:
    assert planned(meeting(before=ours())) == NO_PLAN
    assert planned(meeting(before=ours(), facts=facts(status="cancelled"))) == NO_PLAN


@pytest.mark.parametrize(
    "describes",
    [
        pytest.param({}, id="hidden"),
        pytest.param({"Case": replace(recorded("Case"), is_createable=False)}, id="read only"),
    ],
)
def test_an_org_without_cases_is_told(describes: dict[str, SObjectDescribe]) -> None:
    plan = planned(meeting(), seen(describes=describes))
    assert (plan.operations, warned(plan)) == ((), [("record_left_out", None)])


def test_what_the_org_lacks_is_left_out() -> None:
    known = {name: each for name, each in recorded("Case").fields.items() if name != "SuppliedPhone"}
    closed = replace(known["SuppliedCompany"], is_createable=False)
    org = replace(recorded("Case"), fields=known | {"SuppliedCompany": closed})
    attendee = {"phone": "1", "company": "River"}
    names = set(fields_of(meeting(attendee=attendee), seen(describes={"Case": org})))
    assert names == {"Subject", "Origin", "SuppliedEmail", "SuppliedName", "Description"}


def test_what_salesforce_refused_is_left_out() -> None:
    refused = slot("failed", "Case", details={"dropped": ["Origin", "ContactId"]})
    names = set(fields_of(meeting(before=refused), person=CONTACT))
    assert names == {"Subject", "SuppliedEmail", "SuppliedName", "Description"}


def test_the_mapping_fills_what_is_not_ours() -> None:
    rules = MappingRules.of(
        {
            "fields": [
                {"object": "Case", "field": "Origin", "constant": "Phone"},
                {"object": "Case", "field": "Priority", "constant": "High"},
                {"object": "Case", "field": "SuppliedName", "constant": "Nobody"},
            ]
        }
    )
    fields = fields_of(meeting(rules=rules), settings=WriteSettings(case=CaseSettings(origin="Event")))
    assert (fields["Origin"], fields["Priority"], fields["SuppliedName"]) == ("Phone", "High", "Otter")


def test_a_record_type_that_the_org_lacks_fails_the_case_alone() -> None:
    type_id = Field("RecordTypeId", "Record Type", "reference", 18, True, True, True, False, False)
    org = described(type_id, name="Case")
    rules = MappingRules.of({"record_types": {"Case": "Webinar"}})
    plan = planned(meeting(rules=rules), seen(describes={"Case": org}))
    assert plan.operations == ()
    assert error_codes(plan.decisions) == {"reg_1": "RECORD_TYPE_NOT_AVAILABLE"}


@pytest.mark.parametrize(
    ("owner", "expected", "headers"),
    [
        ({"how": "leave"}, None, False),
        ({"how": "leave", "run_assignment_rules": False}, None, True),
        ({"how": "fixed", "id": "00G5g000001AbCdEAM"}, "00G5g000001AbCdEAM", True),
        ({"how": "organizer"}, "0055g000001AbCdEAM", True),
    ],
)
def test_assignment_rules_run_unless_the_mapping_says_whose_it_is(
    owner: dict[str, Any], expected: str | None, headers: bool
) -> None:
    row = meeting(rules=MappingRules.of({"owner": owner}), event={"organizer": {"email": "olga@x.example"}})
    [operation] = planned(row, seen(owners={"olga@x.example": "0055g000001AbCdEAM"})).operations
    assert operation.record.fields.get("OwnerId") == expected
    assert bool(operation.headers) is headers


def test_lost_create_is_recovered_awaited_and_repeated() -> None:
    lost = slot("ambiguous", "Case", reference=TAG, attempt_started_at=JUST_NOW)
    found = planned(meeting(before=lost), seen(recovered={TAG: CASE_ID}))
    assert slots_set(found)["reg_1"] == {KEY: lost._replace(state="written", sf_id=CASE_ID)}
    waiting = planned(meeting(before=lost))
    assert (waiting.operations, waiting.decisions[0].recheck_at is not None) == ((), True)
    [again] = planned(meeting(before=lost._replace(attempt_started_at=LONG_AGO))).operations
    assert again.is_create


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param(ON, id="Cases are on"),
        pytest.param(WriteToggles(calendar_event=True), id="a calendar Event may hang on it"),
    ],
)
def test_the_case_that_the_link_names_is_taken_and_none_is_made(writes: WriteToggles) -> None:
    plan = planned(meeting(salesforce_id=CASE_ID[:15], writes=writes), seen(case()))
    assert plan.operations == ()
    [taken] = [slots[KEY] for slots in slots_set(plan).values()]
    assert taken is not None
    assert (taken.state, taken.sf_id, taken.details.is_created_by_us) == ("written", CASE_ID, False)


@pytest.mark.parametrize("found", [seen(), seen(case(is_deleted=True))], ids=["hidden", "deleted"])
def test_a_case_that_is_not_to_be_seen_is_not_taken(found: LookupResult) -> None:
    assert planned(meeting(salesforce_id=CASE_ID), found).operations[0].is_create


@pytest.mark.parametrize("done", [facts(completed_at=NOW), facts(checked_in_at=NOW)])
def test_our_case_is_closed_by_the_orgs_first_closed_status(done: Any) -> None:
    [operation] = planned(meeting(before=ours(), facts=done), seen(case()), settings=CLOSING).operations
    assert (operation.record.id, operation.record.fields) == (CASE_ID, {"Status": "Erledigt"})
    assert (operation.meaning, operation.label, operation.reference_tag) == (SETTLED, "Erledigt", TAG)


@pytest.mark.parametrize(
    ("before", "current", "changes"),
    [
        pytest.param(ours(), case(), {"settings": WriteSettings()}, id="not chosen"),
        pytest.param(ours(), None, {}, id="hidden"),
        pytest.param(ours(), case(is_deleted=True), {}, id="deleted"),
        pytest.param(ours(meaning=SETTLED), case(), {}, id="closed once before"),
        pytest.param(ours(details={"is_created_by_us": False}), case(), {}, id="somebody else's"),
    ],
)
def test_a_case_is_not_closed(before: Any, current: CaseRow | None, changes: dict[str, Any]) -> None:
    chosen = {"settings": CLOSING} | changes
    assert planned(meeting(before=before, facts=DONE), seen(current), **chosen) == NO_PLAN


@pytest.mark.parametrize(
    ("current", "before", "is_closed_by_us"),
    [
        pytest.param(case("Neu"), ours(), True, id="as new ones are"),
        pytest.param(case("Offen"), ours(label="Offen"), True, id="as the mapping made it"),
        pytest.param(case("Eskaliert", is_untouched=True), ours(), True, id="as automations made it"),
        pytest.param(case("Neu"), ours(label="Offen"), False, id="not as the mapping made it"),
        pytest.param(case("Eskaliert"), ours(), False, id="set since"),
        pytest.param(case("Doppelt", is_closed=True), ours(), False, id="closed since"),
    ],
)
def test_a_status_that_was_set_since_stays_for_good(
    current: CaseRow, before: Any, is_closed_by_us: bool
) -> None:
    plan = planned(meeting(before=before, facts=DONE), seen(current), settings=CLOSING)
    assert bool(plan.operations) is is_closed_by_us
    if not is_closed_by_us:
        settled = slots_set(plan)["reg_1"][KEY]
        assert settled is not None
        assert (settled.meaning, settled.label) == (SETTLED, current.status)


def test_a_meeting_that_is_over_gets_a_closed_case_at_once() -> None:
    rules = MappingRules.of({"fields": [{"object": "Case", "field": "Status", "constant": "Neu"}]})
    for chosen in (None, rules):
        [operation] = planned(meeting(facts=DONE, rules=chosen), settings=CLOSING).operations
        assert (operation.record.fields["Status"], operation.meaning) == ("Erledigt", SETTLED)


@pytest.mark.parametrize("before", [None, ours()], ids=["new", "stands"])
def test_without_a_closed_status_it_stays_open(before: Any) -> None:
    found = seen(case(), case_statuses=CaseStatuses((), ("Neu",)))
    plan = planned(meeting(facts=DONE, before=before), found, settings=CLOSING)
    assert warned(plan) == [("picklist_dropped", "Status")]
    assert [operation.meaning for operation in plan.operations] == ([None] if before is None else [])


@pytest.mark.parametrize(
    "org",
    [
        pytest.param(replace(recorded("Case"), is_updateable=False), id="the user may not change Cases"),
        pytest.param(
            replace(
                recorded("Case"),
                fields={
                    **recorded("Case").fields,
                    "Status": replace(recorded("Case").fields["Status"], is_updateable=False),
                },
            ),
            id="nor their status",
        ),
    ],
)
def test_what_may_not_be_closed_stays_open_with_a_warning(org: SObjectDescribe) -> None:
    found = seen(case(), describes={"Case": org})
    plan = planned(meeting(before=ours(), facts=DONE), found, settings=CLOSING)
    assert (plan.operations, warned(plan)) == ((), [("picklist_dropped", "Status")])


def test_a_lost_answer_to_closing_is_awaited_and_read() -> None:
    lost = ours(state="ambiguous", action="update", attempt_started_at=JUST_NOW)
    waiting = planned(meeting(before=lost, facts=DONE), seen(case()), settings=CLOSING)
    assert (waiting.operations, waiting.decisions[0].recheck_at is not None) == ((), True)
    settled = lost._replace(attempt_started_at=LONG_AGO)
    again = planned(meeting(before=settled, facts=DONE), seen(case()), settings=CLOSING)
    assert again.operations[0].record.fields == {"Status": "Erledigt"}
    closed = planned(
        meeting(before=settled, facts=DONE), seen(case("Erledigt", is_closed=True)), settings=CLOSING
    )
    noted = slots_set(closed)["reg_1"][KEY]
    assert noted is not None
    assert (noted.state, noted.meaning) == ("written", SETTLED)
