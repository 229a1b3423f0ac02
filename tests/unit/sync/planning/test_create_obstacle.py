"""A create waits while an earlier one with unknown outcome may still be applied."""

from datetime import datetime, timedelta

import pytest

from app.sync.model.batch import CHECKED_IN, MEMBER, PERSON, REGISTERED, SlotKey, WrittenSlot
from app.sync.model.decisions import Fail
from app.sync.model.record_key import RecordKey
from app.sync.model.retry_policy import FINISHED_CALL_WINDOW, MAX_FINISHED_CALL_CREATES, MAX_UNSETTLED_CREATES
from app.sync.planning.record_builder import create_obstacle
from tests.unit.sync.planning.builders import CLOCK, JUST_NOW, LONG_AGO, NOW, QUIET, item, slot, unchanged

KEY = SlotKey(REGISTERED)
ENDED = {"call_ended": True}


def uncertain(started_at: datetime, *, rounds: int = 0, is_ended: bool = False) -> WrittenSlot:
    details = ENDED if is_ended else {}
    return slot("ambiguous", "Task", attempt_started_at=started_at, rounds=rounds, details=details)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="nothing was tried"),
        pytest.param(slot("failed", "Task"), id="it was refused"),
        pytest.param(slot("written", "Task", sf_id="00T1"), id="it exists"),
        pytest.param(uncertain(LONG_AGO), id="it can no longer be applied"),
        pytest.param(uncertain(NOW - QUIET), id="the quiet time has just passed"),
        pytest.param(uncertain(LONG_AGO, rounds=MAX_UNSETTLED_CREATES - 2), id="one round is left"),
        pytest.param(uncertain(NOW - FINISHED_CALL_WINDOW, is_ended=True), id="the call ended a moment ago"),
        pytest.param(
            uncertain(LONG_AGO, rounds=MAX_UNSETTLED_CREATES, is_ended=True), id="ended calls have more"
        ),
    ],
)
def test_nothing_keeps_it_from_being_created(before: WrittenSlot | None) -> None:
    row = item(slots={KEY: before} if before else {})
    assert unchanged(create_obstacle, row, item=row, key=KEY, clock=CLOCK) is None


@pytest.mark.parametrize(
    ("before", "recheck_at"),
    [
        pytest.param(uncertain(JUST_NOW), JUST_NOW + QUIET * 0.02, id="soon after"),
        pytest.param(uncertain(NOW - QUIET * 0.5), NOW + QUIET * 0.5, id="at the end of the quiet time"),
        pytest.param(
            uncertain(JUST_NOW, is_ended=True),
            JUST_NOW + FINISHED_CALL_WINDOW,
            id="a call that ended: sooner",
        ),
    ],
)
def test_lost_create_that_may_still_be_applied_waits(before: WrittenSlot, recheck_at: datetime) -> None:
    row = item(slots={KEY: before})
    obstacle = unchanged(create_obstacle, row, item=row, key=KEY, clock=CLOCK)
    assert obstacle is not None
    assert (obstacle.end, dict(obstacle.slots)) == (None, {})
    assert obstacle.recheck_at is not None
    assert abs(obstacle.recheck_at - recheck_at) < timedelta(milliseconds=1)


KEYED = RecordKey("evs__Eventship_Key__c", "EVS-ABCDEFGHIJKLMNOP")


def test_what_was_sent_with_the_same_key_is_sent_again_at_once() -> None:
    before = uncertain(JUST_NOW, rounds=MAX_UNSETTLED_CREATES)
    before = before._replace(details=before.details._replace(sent_key=KEYED.text))
    row = item(slots={KEY: before})
    assert unchanged(create_obstacle, row, item=row, key=KEY, clock=CLOCK, record_key=KEYED) is None


@pytest.mark.parametrize(
    ("record_key", "dropped"),
    [
        pytest.param(None, None, id="the org has no such field any more"),
        pytest.param(KEYED._replace(value="EVS-B"), None, id="another key"),
        pytest.param(KEYED._replace(field="Eventship_Key__c"), None, id="another field"),
        pytest.param(KEYED, (KEYED.field,), id="the field was refused"),
    ],
)
def test_what_carried_another_key_waits_and_is_looked_for(
    record_key: RecordKey | None, dropped: tuple[str, ...] | None
) -> None:
    before = uncertain(JUST_NOW)
    before = before._replace(details=before.details._replace(sent_key=KEYED.text, dropped=dropped))
    obstacle = create_obstacle(item(slots={KEY: before}), KEY, CLOCK, record_key=record_key)
    assert obstacle is not None
    assert obstacle.recheck_at == CLOCK.next_recheck(before)
    assert obstacle.slots == {KEY: before.without_key}


def test_what_was_sent_without_a_key_waits_in_an_org_that_has_it_by_now() -> None:
    obstacle = create_obstacle(item(slots={KEY: uncertain(JUST_NOW)}), KEY, CLOCK, record_key=KEYED)
    assert obstacle is not None
    assert obstacle.recheck_at is not None


@pytest.mark.parametrize(
    ("rounds", "is_ended"),
    [
        pytest.param(MAX_UNSETTLED_CREATES - 1, False, id="the last round"),
        pytest.param(MAX_FINISHED_CALL_CREATES - 1, True, id="the last round of calls that ended"),
    ],
)
def test_too_many_rounds_fail_the_item(rounds: int, is_ended: bool) -> None:
    before = uncertain(LONG_AGO, rounds=rounds, is_ended=is_ended)
    row = item(slots={KEY: before})
    obstacle = unchanged(create_obstacle, row, item=row, key=KEY, clock=CLOCK)
    assert obstacle is not None
    assert isinstance(obstacle.end, Fail)
    assert obstacle.end.error.error_code == "OUTCOME_UNKNOWN"
    assert obstacle.slots == {KEY: before._replace(state="failed", rounds=0)}


@pytest.mark.parametrize(
    ("key", "sobject", "meaning", "milestone"),
    [
        pytest.param(SlotKey(PERSON), "Lead", None, "registered", id="person"),
        pytest.param(SlotKey(CHECKED_IN), "Task", None, "checked_in", id="check-in"),
        pytest.param(SlotKey(MEMBER, "701"), "CampaignMember", "attended", "checked_in", id="member"),
    ],
)
def test_failure_names_the_record_that_was_lost(
    key: SlotKey, sobject: str, meaning: str | None, milestone: str
) -> None:
    before = uncertain(LONG_AGO, rounds=MAX_UNSETTLED_CREATES - 1)._replace(sobject=sobject, meaning=meaning)
    obstacle = create_obstacle(item(slots={key: before}), key, CLOCK)
    assert obstacle is not None
    assert isinstance(obstacle.end, Fail)
    assert (obstacle.end.error.sobject, obstacle.end.error.milestone) == (sobject, milestone)
