"""A kind of record brings its planner."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from app.salesforce.composite import Record
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch, SlotKey
from app.sync.model.decisions import Plan
from app.sync.model.record_kinds import RECORD_KINDS
from app.sync.model.records import FoundPerson
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning import plan_writes
from app.sync.planning.person_ref import Persons, existing_persons
from app.sync.planning.plan_writes import PLANNERS
from tests.unit.sync.planning.builders import CLOCK, LEAD_ID, NOW, item


def test_every_kind_has_a_planner() -> None:
    assert {kind.toggle for kind in RECORD_KINDS} == set(PLANNERS)


def test_tasks_are_planned_before_members_and_people_change_last() -> None:
    """The order in which Salesforce gets them."""
    assert list(PLANNERS) == ["task", "member", "person"]


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
