"""People who existed before are updated where the host chose that: one update per person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.sync.field_values.builder import digest
from app.sync.model.batch import PERSON, PERSON_UPDATE, SlotKey, WriteToggles, WrittenSlot
from app.sync.model.decisions import NO_PLAN, Plan, joined
from app.sync.model.records import PersonRow
from app.sync.model.work_item import WorkItem
from app.sync.planning.person_ref import NewPerson, PersonRef
from app.sync.planning.person_updates import plan_person_updates, previous_digests
from tests.unit.sync.builders import described, person_account_org, rules
from tests.unit.sync.planning.builders import (
    ACCOUNT_ID,
    CLOCK,
    CONTACT,
    CONTACT_ID,
    EMAIL,
    JUST_NOW,
    LONG_AGO,
    batch,
    facts,
    item,
    lookup,
    slot,
    slots_set,
    unchanged,
)

KEY = SlotKey(PERSON_UPDATE)
RULES = rules(
    {"object": "Contact", "field": "Title", "from": "attendee.job_title", "mode": "overwrite"},
    update_existing=True,
)
DESCRIBES = {"Contact": described(name="Contact"), "Account": person_account_org()}
BEFORE: Mapping[str, Any] = {"Email": EMAIL, "Title": None}
ALL_WRITTEN = {"Email": digest(EMAIL), "Title": digest("CTO")}


def ticket(number: int = 1, title: str | None = "CTO", **changes: Any) -> WorkItem:
    when = facts(registered_at=LONG_AGO + timedelta(minutes=number))
    given: dict[str, Any] = {"rules": RULES, "attendee": {"job_title": title}, "facts": when}
    return item(f"reg_{number}", **(given | changes))


def contact(current_values: Mapping[str, Any] = BEFORE) -> PersonRow:
    return PersonRow("Contact", CONTACT_ID, EMAIL, "2020", current_values=current_values)


def planned(
    *items: WorkItem,
    person: PersonRef = CONTACT,
    current_values: Mapping[str, Any] = BEFORE,
    **found: Any,
) -> Plan:
    return unchanged(
        lambda **changes: joined(plan_person_updates(**changes)),
        *items,
        items=items,
        persons={each.job.registration_id: person for each in items},
        lookup=lookup(contact(current_values), **{"describes": DESCRIBES, **found}),
        batch=batch(*items),
        clock=CLOCK,
    )


def test_changed_value_is_written() -> None:
    [operation] = planned(ticket()).operations
    assert (operation.key, operation.record.id) == (KEY, CONTACT_ID)
    assert operation.record.fields == {"Title": "CTO"}
    details = {id_: each.as_json() for id_, each in operation.details_by_item.items()}
    assert details == {"reg_1": {"written_digests": {}, "pending_digests": ALL_WRITTEN}}


def test_two_tickets_make_one_update() -> None:
    [operation] = planned(ticket(2, "CEO"), ticket(1)).operations
    assert operation.record.fields == {"Title": "CEO"}
    assert [job.registration_id for job in operation.jobs] == ["reg_1", "reg_2"]
    assert operation.primary_registration_id == "reg_2"


@pytest.mark.parametrize(
    ("row", "more"),
    [
        pytest.param(ticket(rules=rules()), {}, id="the host does not update people"),
        pytest.param(ticket(writes=WriteToggles(person=False)), {}, id="the host wants no people"),
        pytest.param(ticket(), {"person": NewPerson("Lead", "person0")}, id="the person is new"),
        pytest.param(ticket(), {"describes": {}}, id="the user may not see the object"),
    ],
)
def test_nothing_is_updated(row: WorkItem, more: dict[str, Any]) -> None:
    assert planned(row, **more) == NO_PLAN


def test_value_that_is_there_already_is_only_noted() -> None:
    plan = planned(ticket(), current_values={**BEFORE, "Title": "CTO"})
    assert plan.operations == ()
    [noted] = slots_set(plan)["reg_1"].values()
    assert noted is not None
    assert (noted.state, noted.action, noted.sf_id) == ("written", "update", CONTACT_ID)
    assert noted.details.as_json() == {"written_digests": {}, "pending_digests": ALL_WRITTEN}


def test_what_is_noted_already_is_not_noted_again() -> None:
    noted = slot(
        "written", "Contact", action="update", sf_id=CONTACT_ID, details={"written_digests": ALL_WRITTEN}
    )
    assert planned(ticket(slots={KEY: noted}), current_values={**BEFORE, "Title": "by hand"}) == NO_PLAN


def test_lost_update_that_may_still_be_applied_lets_the_whole_person_wait() -> None:
    before = slot("ambiguous", "Contact", action="update", sf_id=CONTACT_ID, attempt_started_at=JUST_NOW)
    plan = planned(ticket(1, slots={KEY: before}), ticket(2))
    assert plan.operations == ()
    assert [each.recheck_at for each in plan.decisions] == [CLOCK.next_recheck(before)]


def test_lost_update_that_was_not_applied_is_sent_again() -> None:
    before = slot("ambiguous", "Contact", action="update", sf_id=CONTACT_ID, attempt_started_at=LONG_AGO)
    assert len(planned(ticket(slots={KEY: before})).operations) == 1


def test_field_that_salesforce_refused_is_left_out() -> None:
    before = slot("written", "Contact", sf_id=CONTACT_ID, details={"dropped": ["Title"]})
    plan = planned(ticket(slots={KEY: before}))
    assert plan.operations == ()


def test_contact_of_a_person_account_is_written_as_the_account() -> None:
    current_values = {"IsPersonAccount": True, "AccountId": ACCOUNT_ID}
    persons = {ACCOUNT_ID: {"PersonEmail": EMAIL, "PersonTitle": None}}
    [operation] = planned(ticket(), current_values=current_values, person_accounts=persons).operations
    assert (operation.record.sobject, operation.record.id) == ("Account", ACCOUNT_ID)
    assert operation.record.fields == {"PersonTitle": "CTO"}


def test_person_account_whose_fields_were_not_found_is_left() -> None:
    current_values = {"IsPersonAccount": True, "AccountId": ACCOUNT_ID}
    assert planned(ticket(), current_values=current_values) == NO_PLAN


def profile(digests: dict[str, str], sf_id: str | None = CONTACT_ID) -> WrittenSlot:
    return slot("written", "Contact", action="update", sf_id=sf_id, details={"written_digests": digests})


@pytest.mark.parametrize(
    ("created", "updated", "digests"),
    [
        pytest.param({"Title": "a"}, None, {"Title": "a"}, id="with the create"),
        pytest.param(None, profile({"Title": "b"}), {"Title": "b"}, id="since"),
        pytest.param({"Title": "a"}, profile({"Title": "b"}), {"Title": "b"}, id="the later of both"),
        pytest.param(
            {"Title": "a"},
            profile({"Title": "b"}, "0035gOTHER"),
            {"Title": "a"},
            id="of another record",
        ),
    ],
)
def test_digests_of_what_was_written(
    created: dict[str, str] | None, updated: WrittenSlot | None, digests: dict[str, str]
) -> None:
    slots = {KEY: updated} if updated else {}
    if created:
        person = slot("written", "Contact", sf_id=CONTACT_ID, details={"written_digests": created})
        slots[SlotKey(PERSON)] = person
    assert previous_digests(ticket(slots=slots)) == digests
