"""A person has one member of a campaign, whatever the number of tickets."""

from datetime import timedelta
from typing import Any

import pytest

from app.sync.model.batch import MEMBER, Link, SlotKey, WrittenSlot
from app.sync.model.decisions import Blocked, Plan
from app.sync.model.job_outcome import Obstacle
from app.sync.model.work_item import WorkItem
from app.sync.planning.members import plan_member
from app.sync.planning.person_ref import NewPerson, PersonRef
from tests.unit.sync.builders import described, field, rules
from tests.unit.sync.planning.builders import (
    CAMPAIGN_ID,
    CLOCK,
    CONTACT,
    CONTACT_ID,
    EMAIL,
    JUST_NOW,
    LABELS,
    LEAD,
    LEAD_ID,
    LINK,
    LONG_AGO,
    NOW,
    batch,
    error_codes,
    facts,
    item,
    lookup,
    member,
    slot,
    slots_set,
    unchanged,
)

KEY = SlotKey(MEMBER, CAMPAIGN_ID)
MEMBER_ID = member().id
WRITTEN = slot("written", "CampaignMember", sf_id=MEMBER_ID, meaning="registered", label="Registered")


def planned(*items: WorkItem, person: PersonRef = LEAD, current: Any = None, **found: Any) -> Plan:
    members = {(CAMPAIGN_ID, person.id): current} if current else {}
    more = {name: found.pop(name) for name in ("siblings", "sibling_members") if name in found}
    return unchanged(
        plan_member,
        *items,
        items=items,
        person=person,
        lookup=lookup(**{"members": members, **found}),
        batch=batch(*items, **more),
        clock=CLOCK,
    )


def registration(number: int = 1, **changes: Any) -> WorkItem:
    return item(f"reg_{number}", link=changes.pop("link", LINK), **changes)


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        pytest.param(LEAD, {"LeadId": LEAD_ID}, id="Lead"),
        pytest.param(CONTACT, {"ContactId": CONTACT_ID}, id="Contact"),
        pytest.param(NewPerson("Lead", "person0"), {"LeadId": "@{person0.id}"}, id="new Lead"),
    ],
)
def test_missing_member_is_created(person: PersonRef, fields: dict[str, str]) -> None:
    [operation] = planned(registration(), person=person).operations
    assert operation.record.fields == {"CampaignId": CAMPAIGN_ID, "Status": "Registered", **fields}
    assert (operation.key, operation.meaning, operation.label) == (KEY, "registered", "Registered")
    assert operation.details.as_json() == {"was_member_before": False}


def test_two_tickets_make_one_member_with_the_higher_status() -> None:
    first, second = registration(1), registration(2, facts=facts(checked_in_at=NOW))
    [operation] = planned(first, second).operations
    assert list(operation.jobs) == [first.job, second.job]
    assert (operation.label, operation.milestone) == ("Attended", "checked_in")


def test_ticket_outside_of_the_batch_counts() -> None:
    siblings = {(CAMPAIGN_ID, EMAIL): (facts(checked_in_at=NOW),)}
    [operation] = planned(registration(), siblings=siblings).operations
    assert operation.label == "Attended"


def test_status_that_we_wrote_is_changed() -> None:
    row = registration(slots={KEY: WRITTEN}, facts=facts(checked_in_at=NOW))
    [operation] = planned(row, current=member("Registered")).operations
    assert (operation.record.id, operation.record.fields) == (MEMBER_ID, {"Status": "Attended"})


def test_status_that_another_ticket_wrote_is_ours() -> None:
    row = registration(facts=facts(status="cancelled"))
    written_by_other = {(CAMPAIGN_ID, EMAIL): (WRITTEN._replace(meaning="registered"),)}
    [operation] = planned(row, current=member("Registered"), sibling_members=written_by_other).operations
    assert operation.label == "Cancelled"


def test_member_of_another_record_with_the_same_address_is_taken() -> None:
    plan = planned(registration(), members_by_email={(CAMPAIGN_ID, EMAIL): member("Registered")})
    assert plan.operations == ()
    [kept] = slots_set(plan)["reg_1"].values()
    assert kept is not None
    assert (kept.sf_id, kept.details.as_json()) == (MEMBER_ID, {"was_member_before": True})


def test_status_of_a_salesperson_is_kept_and_noted() -> None:
    row = registration(slots={KEY: WRITTEN})
    plan = planned(row, current=member("Hand-picked"))
    assert plan.operations == ()
    [kept] = slots_set(plan)["reg_1"].values()
    assert kept is not None
    assert (kept.label, kept.details.as_json()) == ("Hand-picked", {"is_manual": True})


def test_member_that_a_salesperson_removed_stays_away() -> None:
    assert planned(registration(slots={KEY: WRITTEN})) == Plan()


def test_retry_adds_a_removed_member_again() -> None:
    assert len(planned(registration(slots={KEY: WRITTEN}, reason="retry")).operations) == 1


@pytest.mark.parametrize(
    ("link", "found", "obstacle"),
    [
        pytest.param(
            LINK, {"lacks_campaign_access": True}, Obstacle.CAMPAIGN_ACCESS, id="no access to campaigns"
        ),
        pytest.param(LINK, {"statuses": {}}, Obstacle.CAMPAIGN, id="the campaign is gone"),
        pytest.param(
            LINK, {"statuses": {CAMPAIGN_ID: {"Registered": False}}}, Obstacle.CAMPAIGN, id="a status is gone"
        ),
        pytest.param(Link(CAMPAIGN_ID, LABELS, is_broken=True), {}, Obstacle.CAMPAIGN, id="a broken link"),
    ],
)
def test_campaign_that_cannot_be_used_blocks_all_tickets(
    link: Link, found: dict[str, Any], obstacle: Obstacle
) -> None:
    plan = planned(registration(1, link=link), registration(2, link=link), **found)
    assert plan.operations == ()
    assert [each.end for each in plan.decisions] == [Blocked(obstacle)] * 2


def lost(action: str, started_at: Any) -> WrittenSlot:
    return WRITTEN._replace(state="ambiguous", action=action, attempt_started_at=started_at)


def test_lost_update_that_may_still_be_applied_lets_all_tickets_wait() -> None:
    before = lost("update", JUST_NOW)
    plan = planned(registration(1, slots={KEY: before}), registration(2), current=member("Registered"))
    assert plan.operations == ()
    assert [each.recheck_at for each in plan.decisions] == [CLOCK.next_recheck(before)] * 2


@pytest.mark.parametrize(
    ("before", "current"),
    [
        pytest.param(lost("create", JUST_NOW)._replace(sf_id=None), None, id="create: a member is unique"),
        pytest.param(lost("update", LONG_AGO), member("Sent"), id="update after the quiet time"),
        pytest.param(lost("update", JUST_NOW), None, id="update of a member that is gone"),
    ],
)
def test_lost_write_does_not_wait(before: WrittenSlot, current: Any) -> None:
    plan = planned(registration(slots={KEY: before}), current=current)
    assert [each.recheck_at for each in plan.decisions if each.recheck_at] == []


def test_lost_create_of_a_member_that_is_no_longer_wanted_is_forgotten() -> None:
    before = lost("create", JUST_NOW)._replace(sf_id=None)
    plan = planned(registration(slots={KEY: before}, facts=facts(status="cancelled")))
    assert plan == Plan(decisions=plan.decisions)
    assert slots_set(plan) == {"reg_1": {KEY: None}}


DIET = field("Diet__c", length=20)
FILLED = rules({"object": "CampaignMember", "field": "Diet__c", "from": "answers.diet", "mode": "overwrite"})


def answered(number: int, diet: str, **changes: Any) -> WorkItem:
    registered_at = LONG_AGO + timedelta(minutes=number)
    extras = {"answers": ({"key": "diet", "value": diet},)}
    return registration(
        number, rules=FILLED, extras=extras, facts=facts(registered_at=registered_at), **changes
    )


def test_new_member_has_the_later_tickets_value() -> None:
    org = {"CampaignMember": described(DIET, name="CampaignMember")}
    [operation] = planned(answered(2, "nuts"), answered(1, "vegan"), describes=org).operations
    assert operation.record.fields["Diet__c"] == "nuts"
    assert set(operation.details_by_item) == {"reg_1", "reg_2"}


def test_value_of_a_known_member_is_changed_beside_its_status() -> None:
    org = {"CampaignMember": described(DIET, name="CampaignMember")}
    current = member("Registered", current_values={"Diet__c": None})
    [operation] = planned(answered(1, "vegan"), current=current, describes=org).operations
    assert operation.record.fields == {"Diet__c": "vegan"}


def test_ticket_whose_rules_do_not_fit_fails_alone() -> None:
    picklist = field("Diet__c", "picklist", is_restricted_picklist=True, picklist_values=("vegan",))
    org = {"CampaignMember": described(picklist, name="CampaignMember")}
    plan = planned(answered(1, "vegan"), answered(2, "stones"), describes=org)
    [operation] = plan.operations
    assert [job.registration_id for job in operation.jobs] == ["reg_1"]
    assert error_codes(plan.decisions) == {"reg_2": "VALUE_NOT_IN_PICKLIST"}
