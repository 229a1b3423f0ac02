"""A registration has a Task for being registered and one for its check-in, each created once."""

from dataclasses import replace
from typing import Any

import pytest

from app.salesforce.ids import to18
from app.sync.model.batch import CHECKED_IN, REGISTERED, SlotKey, WriteToggles
from app.sync.model.decisions import NO_PLAN, Plan
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.work_item import WorkItem
from app.sync.model.write_settings import WriteSettings
from app.sync.planning.person_ref import NewPerson, PersonRef
from app.sync.planning.tasks import plan_task, required_tasks
from tests.unit.sync.builders import described
from tests.unit.sync.planning.builders import (
    CLOCK,
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

KEY = SlotKey(REGISTERED)
TAG = "otter-reference"
TASK_ID = "00T5g000001AbCdEAK"


def planned(
    row: WorkItem,
    slot_name: str = REGISTERED,
    person: PersonRef = LEAD,
    settings: WriteSettings = WriteSettings(),
    **found: Any,
) -> Plan:
    return unchanged(
        plan_task,
        row,
        item=row,
        slot=slot_name,
        person=person,
        lookup=lookup(**found),
        batch=batch(row, settings=settings),
        clock=CLOCK,
    )


@pytest.mark.parametrize(
    ("changes", "is_wanted", "slots"),
    [
        pytest.param({}, True, [REGISTERED], id="confirmed"),
        pytest.param({"checked_in_at": NOW}, True, [REGISTERED, CHECKED_IN], id="checked in"),
        pytest.param(
            {"confirmed_at": None, "checked_in_at": NOW}, True, [CHECKED_IN], id="checked in, never confirmed"
        ),
        pytest.param({"confirmed_at": None}, True, [], id="never confirmed"),
        pytest.param({"checked_in_at": NOW}, False, [], id="the host wants no Tasks"),
    ],
)
def test_tasks_that_a_registration_has_to_have(
    changes: dict[str, Any], is_wanted: bool, slots: list[str]
) -> None:
    row = item(facts=facts(**changes), writes=WriteToggles(task=is_wanted))
    assert required_tasks(row.job) == slots


def test_missing_task_is_created_on_the_person() -> None:
    row = item()
    [operation] = planned(row).operations
    assert (operation.key, operation.jobs, operation.is_create) == (KEY, (row.job,), True)
    assert operation.record.fields["WhoId"] == LEAD_ID
    assert operation.record.fields["Subject"] == "Registered: Autumn Summit"
    assert operation.reference_tag is not None
    assert operation.reference_tag in operation.record.fields["Description"]


OF_ORGANIZER = WriteSettings(task_owner="organizer")
OLGA = to18("0055g000001AbCd")


def organized_by(email: str | None, **changes: Any) -> WorkItem:
    row = item(**changes)
    event = replace(row.job.event, organizer={"name": "Olga", "email": email})
    return row._replace(job=replace(row.job, event=event))


def test_organizer_owns_the_task_where_the_host_wants_that() -> None:
    row, owners = organized_by(" Olga@Acme.example"), {"olga@acme.example": OLGA}
    plan = planned(row, settings=OF_ORGANIZER, owners=owners)
    assert [each.record.fields["OwnerId"] for each in plan.operations] == [OLGA]
    assert plan.decisions == ()
    [default] = planned(row, owners=owners).operations
    assert "OwnerId" not in default.record.fields


@pytest.mark.parametrize("email", ["nobody@acme.example", None])
def test_task_of_an_organizer_without_a_user_is_the_connected_users_with_a_warning(email: str | None) -> None:
    plan = planned(organized_by(email), settings=OF_ORGANIZER, owners={"olga@acme.example": OLGA})
    assert ["OwnerId" in each.record.fields for each in plan.operations] == [False]
    assert [(each.code, each.sobject, each.field) for each in plan.decisions[0].warnings] == [
        ("fallback_used", "Task", "OwnerId")
    ]


def test_task_whose_owner_was_refused_is_created_without_and_warned() -> None:
    before = slot("failed", "Task", details={"dropped": ["OwnerId"]})
    row = organized_by("olga@acme.example", slots={KEY: before})
    plan = planned(row, settings=OF_ORGANIZER, owners={"olga@acme.example": OLGA})
    assert ["OwnerId" in each.record.fields for each in plan.operations] == [False]
    assert [(each.code, each.field) for each in plan.decisions[0].warnings] == [("owner_refused", "OwnerId")]


def test_task_of_a_new_person_names_it_by_reference() -> None:
    [operation] = planned(item(), person=NewPerson("Lead", "person3")).operations
    assert operation.record.fields["WhoId"] == "@{person3.id}"


def test_check_in_says_so_and_has_a_reference_of_its_own() -> None:
    row = item(facts=facts(checked_in_at=NOW))
    [registered], [checked_in] = planned(row).operations, planned(row, CHECKED_IN).operations
    assert checked_in.record.fields["Subject"] == "Checked-in: Autumn Summit"
    assert checked_in.milestone == "checked_in"
    assert checked_in.reference_tag != registered.reference_tag


def test_written_task_needs_nothing() -> None:
    assert planned(item(slots={KEY: slot("written", "Task", sf_id=TASK_ID)})) == NO_PLAN


@pytest.mark.parametrize("started_at", [JUST_NOW, LONG_AGO], ids=["at once", "later"])
def test_lost_create_that_turned_up_is_taken(started_at: Any) -> None:
    before = slot("ambiguous", "Task", reference=TAG, attempt_started_at=started_at)
    plan = planned(item(slots={KEY: before}), recovered={TAG: TASK_ID})
    assert plan.operations == ()
    assert slots_set(plan) == {"reg_1": {KEY: before._replace(state="written", sf_id=TASK_ID)}}


def test_lost_create_that_may_still_be_applied_waits() -> None:
    before = slot("ambiguous", "Task", reference=TAG, attempt_started_at=JUST_NOW)
    plan = planned(item(slots={KEY: before}))
    assert plan.operations == ()
    assert [each.recheck_at for each in plan.decisions] == [CLOCK.next_recheck(before)]


def test_lost_create_that_was_not_applied_is_sent_again() -> None:
    before = slot("ambiguous", "Task", reference=TAG, attempt_started_at=LONG_AGO)
    assert len(planned(item(slots={KEY: before})).operations) == 1


def test_fields_that_salesforce_refused_are_left_out() -> None:
    before = slot("failed", "Task", details={"dropped": ["ActivityDate"]})
    [operation] = planned(item(slots={KEY: before})).operations
    assert "ActivityDate" not in operation.record.fields
    assert operation.rejection_hints.as_json() == {"dropped": ["ActivityDate"]}


@pytest.mark.parametrize(
    ("chosen", "closed", "status"),
    [
        pytest.param(None, (), "Completed", id="as a new org has it"),
        pytest.param(None, ("Erledigt", "Done"), "Erledigt", id="the org's first closed one"),
        pytest.param("Gesehen", ("Erledigt",), "Gesehen", id="the host's choice"),
    ],
)
def test_status_is_one_that_the_org_has(chosen: str | None, closed: tuple[str, ...], status: str) -> None:
    row = item(rules=replace(MappingRules(), task_status=chosen))
    [operation] = planned(row, closed_statuses=closed, describes={"Task": described(name="Task")}).operations
    assert operation.record.fields["Status"] == status


def test_unknown_time_zone_is_a_warning_of_the_item() -> None:
    row = item(event={"timezone": "Mars/Olympus"})
    [decision] = planned(row).decisions
    assert [each.field for each in decision.warnings] == ["ActivityDate"]


def test_rules_that_do_not_fit_the_org_fail_the_item() -> None:
    chosen, describes = unfit("Task")
    plan = planned(item(rules=chosen), describes=describes)
    assert plan.operations == ()
    assert error_codes(plan.decisions) == {"reg_1": "RECORD_TYPE_NOT_AVAILABLE"}
    assert plan.decisions[-1].stale_describes == {"Task"}
