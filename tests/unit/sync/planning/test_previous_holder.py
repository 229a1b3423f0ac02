"""The member of a person who handed the ticket on becomes cancelled, where that is ours to say."""

from typing import Any

import pytest

from app.sync.model.batch import Link, SlotKey, WrittenSlot
from app.sync.model.decisions import Plan
from app.sync.model.ticket_transfer import PREVIOUS_HOLDER_MEMBER
from app.sync.planning.person_ref import Persons
from app.sync.planning.previous_holder import plan_previous_holder_members
from tests.unit.sync.planning.builders import (
    CAMPAIGN_ID,
    CLOCK,
    CONTACT,
    JUST_NOW,
    LABELS,
    LEAD,
    LEAD_ID,
    LINK,
    LONG_AGO,
    batch,
    facts,
    item,
    lookup,
    member,
    slot,
    slots_set,
    unchanged,
)

KEY = SlotKey(PREVIOUS_HOLDER_MEMBER, f"{CAMPAIGN_ID}:{LEAD_ID}")
MEMBER_ID = member().id
WRITTEN = slot("written", "CampaignMember", sf_id=MEMBER_ID, meaning="registered", label="Registered")
CANCELLED = WRITTEN._replace(meaning="cancelled", label="Cancelled")
NEW_HOLDER: Persons = {"reg_1": CONTACT}


def planned(
    before: WrittenSlot = WRITTEN,
    *,
    status: str | None = "Registered",
    persons: Persons = NEW_HOLDER,
    link: Any = LINK,
    **more: Any,
) -> Plan:
    row = item(slots={KEY: before}, link=link)
    members = {(CAMPAIGN_ID, LEAD_ID): member(status)} if status else {}
    return unchanged(
        plan_previous_holder_members,
        row,
        items=[row],
        persons=persons,
        lookup=lookup(members=members),
        batch=batch(row, **more),
        clock=CLOCK,
    )


def test_our_own_status_becomes_cancelled() -> None:
    [operation] = planned().operations
    assert (operation.key, operation.record.id) == (KEY, MEMBER_ID)
    assert operation.record.fields == {"Status": "Cancelled"}
    assert (operation.meaning, operation.label) == ("cancelled", "Cancelled")


def test_member_goes_before_the_new_holder_is_known() -> None:
    assert len(planned(persons={}).operations) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": "Hand-picked"}, id="a salesperson changed the status"),
        pytest.param({"status": None}, id="a salesperson removed the member"),
        pytest.param({"link": None}, id="the event has no campaign any more"),
        pytest.param({"link": Link("701X", LABELS)}, id="the event has another campaign"),
        pytest.param(
            {"link": Link(CAMPAIGN_ID, {"registered": "Registered"})},
            id="the host chose no status for it",
        ),
        pytest.param({"persons": {"reg_1": LEAD}}, id="the ticket came back to this person"),
        pytest.param({"before": CANCELLED}, id="it was cancelled before"),
        pytest.param({"before": WRITTEN._replace(meaning="attended")}, id="this person had checked in"),
    ],
)
def test_member_is_left_as_it_is(changes: dict[str, Any]) -> None:
    plan = planned(**changes)
    assert plan.operations == ()
    assert [each.slots for each in plan.decisions] == [{KEY: changes.get("before", WRITTEN)}]


def test_another_ticket_of_the_person_counts() -> None:
    plan = planned(other_tickets={MEMBER_ID: (facts(),)})
    assert plan == Plan()


def test_another_ticket_that_was_cancelled_does_not_count() -> None:
    plan = planned(other_tickets={MEMBER_ID: (facts(status="cancelled"),)})
    assert len(plan.operations) == 1


def test_status_that_is_cancelled_already_is_only_noted() -> None:
    plan = planned(status="Cancelled")
    assert plan.operations == ()
    assert slots_set(plan) == {"reg_1": {KEY: CANCELLED}}


def test_lost_update_that_may_still_be_applied_waits() -> None:
    before = WRITTEN._replace(state="ambiguous", attempt_started_at=JUST_NOW)
    plan = planned(before)
    assert plan.operations == ()
    assert [(each.recheck_at, dict(each.slots)) for each in plan.decisions] == [
        (CLOCK.next_recheck(before), {})
    ]


@pytest.mark.parametrize(
    ("status", "sent"),
    [pytest.param("Registered", 1, id="not applied"), pytest.param("Cancelled", 0, id="applied")],
)
def test_lost_update_is_sent_again_only_where_it_was_not_applied(status: str, sent: int) -> None:
    before = WRITTEN._replace(state="ambiguous", attempt_started_at=LONG_AGO)
    plan = planned(before, status=status)
    assert len(plan.operations) == sent
    [settled] = [each.slots[KEY] for each in plan.decisions]
    assert settled is not None
    assert settled.state == "written"
