"""A kind of record brings its planner."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from app.salesforce.composite import Record
from app.salesforce.ids import to18
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch, SlotKey, WriteToggles
from app.sync.model.cases import CaseRow
from app.sync.model.decisions import Plan
from app.sync.model.record_kinds import RECORD_KINDS
from app.sync.model.records import FoundPerson
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning import plan_writes
from app.sync.planning.person_ref import Persons, existing_persons
from app.sync.planning.plan_writes import OPTIONAL_PLANNERS, PLANNERS
from tests.unit.sync.builders import recorded
from tests.unit.sync.planning.builders import CLOCK, CONTACT_ID, LEAD_ID, NOW, item, slot


def test_every_kind_has_a_planner() -> None:
    toggles = {kind.toggle: kind.is_optional for kind in RECORD_KINDS}
    assert {toggle for toggle, is_optional in toggles.items() if not is_optional} == set(PLANNERS)
    assert {toggle for toggle, is_optional in toggles.items() if is_optional} == set(OPTIONAL_PLANNERS)


def test_cases_are_planned_after_all_but_the_calendar_events_that_hang_on_them() -> None:
    assert list(PLANNERS) == ["task", "member", "person", "case", "calendar_event"]


def test_a_planner_is_asked_for_the_items_whose_person_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known, unknown = item("r1")._replace(person=FoundPerson("Lead", LEAD_ID, "email")), item("r2")
    asked: list[Sequence[WorkItem]] = []

    def plan_badges(items: Sequence[WorkItem], persons: Persons, *_: Any, **__: Any) -> Iterator[Plan]:
        asked.append(items)
        for each in items:
            record = Record("EventBadge", {"HolderId": persons[each.job.registration_id].id})
            yield Plan((WriteOperation(SlotKey("badge"), (each.job,), record),))

    monkeypatch.setattr(plan_writes, "PLANNERS", {**PLANNERS, "badge": plan_badges})
    items = [known, unknown]
    batch = Batch("host_a", "00D1", 1, NOW, tuple(each.job for each in items))
    plans = list(
        plan_writes.plan_writes(items, existing_persons(items), LookupResult(), batch=batch, clock=CLOCK)
    )
    written = [operation.record for plan in plans for operation in plan.operations]
    assert [each.sobject for each in written] == ["Task", "EventBadge"]
    assert written[-1].fields == {"HolderId": LEAD_ID}
    assert asked == [[known]]


CASE_ID = to18("5005g000001AbCd")
BOTH = WriteToggles(case=True, calendar_event=True)
CALENDAR = SlotKey("calendar_event")
CASE_OF_LINK = {"cases": {CASE_ID: CaseRow(CASE_ID)}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[WorkItem]:
    """The items that a planner of calendar Events is asked for."""
    found: list[WorkItem] = []

    def plan_calendar_events(items: Sequence[WorkItem], *_: Any, **__: Any) -> Iterator[Plan]:
        found.extend(items)
        yield from ()

    others = {name: planner for name, planner in PLANNERS.items() if name != "calendar_event"}
    monkeypatch.setattr(plan_writes, "PLANNERS", {**others, "calendar_event": plan_calendar_events})
    return found


def person(sobject: str) -> FoundPerson:
    return FoundPerson(sobject, CONTACT_ID if sobject == "Contact" else LEAD_ID, "email")


def plans_of(row: WorkItem, **changes: Any) -> list[Plan]:
    org = LookupResult(describes={"Case": recorded("Case")}, **changes)
    batch = Batch("host_a", "00D1", 1, NOW, (row.job,))
    return list(plan_writes.plan_writes([row], existing_persons([row]), org, batch=batch, clock=CLOCK))


@pytest.mark.parametrize(
    ("sobject", "changes", "found", "is_asked"),
    [
        pytest.param("Contact", {"writes": BOTH}, {}, False, id="its Case comes first"),
        pytest.param(
            "Contact", {"writes": WriteToggles(calendar_event=True)}, {}, True, id="no Case is wanted"
        ),
        pytest.param("Lead", {"writes": BOTH}, {}, True, id="a Lead's never hangs on a Case"),
        pytest.param("Contact", {"writes": BOTH, "event": {"cancelled_at": NOW}}, {}, True, id="none is due"),
        pytest.param(
            "Contact", {"writes": BOTH, "salesforce_id": CASE_ID}, CASE_OF_LINK, True, id="the link names it"
        ),
        pytest.param(
            "Contact",
            {"writes": BOTH, "slots": {SlotKey("case"): slot(sobject="Case", sf_id=CASE_ID)}},
            {},
            True,
            id="it stands",
        ),
        pytest.param(
            "Contact",
            {"writes": BOTH, "slots": {SlotKey("case"): slot("ambiguous", "Case", attempt_started_at=NOW)}},
            {},
            False,
            id="nobody knows yet",
        ),
    ],
)
def test_a_calendar_event_waits_for_the_case_that_it_hangs_on(
    asked: list[WorkItem], sobject: str, changes: dict[str, Any], found: dict[str, Any], is_asked: bool
) -> None:
    row = item(**changes)._replace(person=person(sobject))
    plans_of(row, **found)
    assert [each.registration_id for each in asked] == (["reg_1"] if is_asked else [])
    if found:
        assert asked[0].slots[SlotKey("case")].sf_id == CASE_ID


@pytest.mark.parametrize(
    ("before", "after", "is_asked"),
    [
        pytest.param({}, {SlotKey("case"): slot(sobject="Case", sf_id=CASE_ID)}, True, id="written"),
        pytest.param({}, {SlotKey("case"): slot("failed", "Case")}, True, id="refused"),
        pytest.param({}, {SlotKey("case"): slot("ambiguous", "Case")}, False, id="nobody knows"),
        pytest.param({}, {}, False, id="not tried"),
        pytest.param(
            {SlotKey("case"): slot(sobject="Case", sf_id=CASE_ID)},
            {SlotKey("case"): slot(sobject="Case", sf_id=CASE_ID)},
            False,
            id="it stood before",
        ),
        pytest.param(
            {},
            {
                SlotKey("case"): slot(sobject="Case", sf_id=CASE_ID),
                CALENDAR: slot(sobject="Event", sf_id="00U1"),
            },
            False,
            id="both written",
        ),
    ],
)
def test_calendar_events_that_waited_are_planned_once_their_cases_are_tried(
    asked: list[WorkItem], before: dict[Any, Any], after: dict[Any, Any], is_asked: bool
) -> None:
    row = item(writes=BOTH, slots=before)._replace(slots=after, person=person("Contact"))
    batch = Batch("host_a", "00D1", 1, NOW, (row.job,))
    list(
        plan_writes.plan_after_cases([row], existing_persons([row]), LookupResult(), batch=batch, clock=CLOCK)
    )
    assert [each.registration_id for each in asked] == (["reg_1"] if is_asked else [])
