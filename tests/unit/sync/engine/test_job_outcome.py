"""How a job ends: what is certain of its item decides, in this order."""

from datetime import timedelta
from typing import Any

import pytest

from app.states import JobState, SkipReason, WaitReason
from app.sync.engine.job_outcome import decide_outcome, failed_parts
from app.sync.errors.item_error import OUTCOME_UNKNOWN_ERROR
from app.sync.lookup.access import RECHECK_AFTER
from app.sync.model.batch import REGISTERED, SlotKey
from app.sync.model.job_outcome import JobOutcome, Obstacle
from app.sync.model.records import FoundPerson
from app.sync.model.retry_policy import RETRY_DELAYS
from app.sync.model.ticket_transfer import PREVIOUS_HOLDER_MEMBER
from app.sync.model.work_item import PartEnd, PartEnding
from tests.unit.sync.planning.builders import CAMPAIGN_ID, LEAD_ID, LONG_AGO, NOW, item, slot

ERROR = OUTCOME_UNKNOWN_ERROR
LATER = NOW + timedelta(minutes=1)
DOUBT = {SlotKey(REGISTERED): slot("ambiguous", "Task", attempt_started_at=LONG_AGO)}
ACCESS = JobOutcome(JobState.PENDING, NOW + RECHECK_AFTER, WaitReason.SALESFORCE_ACCESS)
FAILED = JobOutcome(JobState.FAILED, NOW, error=ERROR, counts_as_attempt=True)
RETRY_AT_ONCE = JobOutcome(JobState.PENDING, NOW, WaitReason.RETRY, counts_as_attempt=True)
SYNCED = JobOutcome(JobState.SYNCED, NOW, counts_as_attempt=True)


def outcome(*obstacles: Obstacle, attempts: int = 0, **changes: Any) -> JobOutcome:
    row = item(slots=changes.pop("slots", {}), attempts=attempts, emails=changes.pop("emails", {}))
    values: dict[str, Any] = {"is_processed": True, "obstacles": frozenset(obstacles)} | changes
    return decide_outcome(row._replace(**values), NOW, jitter=0.5)


@pytest.mark.parametrize(
    ("obstacles", "changes", "expected"),
    [
        pytest.param([], {}, SYNCED, id="all was written"),
        pytest.param(
            [],
            {"is_processed": False},
            JobOutcome(JobState.PENDING, NOW, is_unreached=True),
            id="not reached",
        ),
        pytest.param(
            [Obstacle.CAMPAIGN],
            {},
            JobOutcome(JobState.HELD, NOW, WaitReason.CAMPAIGN, counts_as_attempt=True),
            id="the campaign is broken",
        ),
        pytest.param([Obstacle.ACCESS], {"error": ERROR}, ACCESS, id="no access counts before a failure"),
        pytest.param([Obstacle.LEAD_ACCESS], {}, ACCESS, id="our Lead is hidden"),
        pytest.param([Obstacle.CAMPAIGN_ACCESS], {}, ACCESS, id="no access to campaigns"),
        pytest.param([], {"inaccessible_lead": ERROR}, ACCESS, id="a new Lead was lost from sight"),
        pytest.param([Obstacle.CAMPAIGN_ACCESS], {"error": ERROR}, FAILED, id="but a part failed"),
        pytest.param([Obstacle.CAMPAIGN_ACCESS], {"must_replan": True}, RETRY_AT_ONCE, id="replanned"),
        pytest.param(
            [Obstacle.CREATE_LOCK, Obstacle.CAMPAIGN_ACCESS],
            {"recheck_at": LATER},
            JobOutcome(JobState.PENDING, LATER, WaitReason.PERSON),
            id="another creates the person",
        ),
        pytest.param([], {"error": ERROR, "retry": ERROR}, FAILED, id="a failure counts before a retry"),
        pytest.param([], {"must_replan": True}, RETRY_AT_ONCE, id="replanned at once"),
    ],
)
def test_outcome(obstacles: list[Obstacle], changes: dict[str, Any], expected: JobOutcome) -> None:
    assert outcome(*obstacles, **changes) == expected


EMAIL = SlotKey("email_sent", "em_1")
LOST_EMAIL = {EMAIL: slot("ambiguous", "EmailMessage", attempt_started_at=LONG_AGO)}


def emailed(*ends: PartEnding, **changes: Any) -> dict[str, Any]:
    """An item with an e-mail, whose person is in Salesforce, and how its parts ended."""
    parts = {SlotKey("email_sent", f"em_{n}"): PartEnd(how, ERROR) for n, how in enumerate(ends)}
    person = FoundPerson("Lead", LEAD_ID, "email")
    return {"part_ends": parts, "has_tried_parts": True, "person": person, "emails": {"em_1": {}}, **changes}


@pytest.mark.parametrize(
    ("changes", "due_at", "shown"),
    [
        pytest.param(emailed(), None, SYNCED, id="all was written"),
        pytest.param(emailed(PartEnding.FAILED), None, SYNCED, id="a part failed"),
        pytest.param(emailed(PartEnding.REFUSED), None, SYNCED, id="the org takes none"),
        pytest.param(emailed(part_recheck_at=LATER, slots=LOST_EMAIL), LATER, SYNCED, id="in doubt"),
        pytest.param(emailed(has_tried_parts=False), NOW, SYNCED, id="the org broke off before"),
        pytest.param(emailed(error=ERROR, part_recheck_at=LATER), LATER, FAILED, id="of a failed row"),
        pytest.param(emailed(error=ERROR, person=None, has_tried_parts=False), None, FAILED, id="nobody"),
    ],
)
def test_optional_parts_change_when_a_job_is_due_and_not_what_it_is(
    changes: dict[str, Any], due_at: Any, shown: JobOutcome
) -> None:
    ended = outcome(**changes)
    assert ended.settled_as == shown.state
    assert ended.error == shown.error
    assert (ended.state, ended.due_at) == ((JobState.PENDING, due_at) if due_at else (shown.state, NOW))
    assert ended.waiting_for is None


@pytest.mark.parametrize("attempts", [0, len(RETRY_DELAYS)], ids=["is tried again", "no more"])
@pytest.mark.parametrize("how", [PartEnding.LATER, PartEnding.AGAIN])
def test_an_optional_part_is_tried_as_often_as_anything(how: PartEnding, attempts: int) -> None:
    ended = outcome(attempts=attempts, **emailed(how))
    assert (ended.state, ended.settled_as) == (JobState.SYNCED if attempts else JobState.PENDING, "synced")
    assert (ended.due_at > NOW) == (attempts == 0)


@pytest.mark.parametrize(
    ("ends", "attempts", "failed"),
    [
        pytest.param([PartEnding.FAILED, PartEnding.REFUSED], 0, 1, id="each group once"),
        pytest.param([PartEnding.LATER, PartEnding.AGAIN], 0, 0, id="not yet"),
        pytest.param([PartEnding.LATER], len(RETRY_DELAYS), 1, id="tried too often"),
    ],
)
def test_what_failed_of_optional_parts_is_told(ends: list[PartEnding], attempts: int, failed: int) -> None:
    row = item(attempts=attempts)._replace(part_ends=emailed(*ends)["part_ends"])
    assert len(failed_parts(row)) == failed
    written = {key: slot("written", "EmailMessage", sf_id="02s1") for key in row.part_ends}
    assert failed_parts(row._replace(slots=written)) == []


def test_skipped_counts_before_everything() -> None:
    skipped = outcome(Obstacle.ACCESS, skipped_because=SkipReason.CANCELLED, error=ERROR, slots=DOUBT)
    assert skipped == JobOutcome(JobState.SKIPPED, NOW, skipped_because=SkipReason.CANCELLED)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, JobState.SKIPPED, id="done"),
        pytest.param({"retry": ERROR}, JobState.PENDING, id="to retry"),
        pytest.param({"is_processed": False}, JobState.PENDING, id="interrupted"),
        pytest.param({"error": ERROR}, JobState.FAILED, id="rejected"),
        pytest.param({"recheck_at": LATER, "state": "ambiguous"}, JobState.AMBIGUOUS, id="in doubt"),
    ],
)
def test_skipped_row_still_ends_the_membership_of_the_previous_holder(
    changes: dict[str, Any], state: JobState
) -> None:
    member = slot(changes.pop("state", "written"), "CampaignMember", attempt_started_at=LONG_AGO)
    slots = {SlotKey(PREVIOUS_HOLDER_MEMBER, f"{CAMPAIGN_ID}:{LEAD_ID}"): member}
    assert outcome(skipped_because=SkipReason.CANCELLED, slots=slots, **changes).state == state


@pytest.mark.parametrize(
    ("changes", "due_at"),
    [
        pytest.param({"recheck_at": LATER, "error": ERROR}, LATER, id="with a time to check"),
        pytest.param({"is_processed": False, "error": ERROR}, NOW, id="interrupted"),
    ],
)
def test_part_in_doubt_counts_before_a_failure(changes: dict[str, Any], due_at: Any) -> None:
    expected = JobOutcome(JobState.AMBIGUOUS, due_at, WaitReason.CERTAINTY, error=ERROR)
    assert outcome(slots=DOUBT, **changes) == expected


def test_doubt_that_nothing_will_settle_leaves_it_to_the_other_parts() -> None:
    assert outcome(slots=DOUBT) == SYNCED


@pytest.mark.parametrize("attempts", [0, len(RETRY_DELAYS) - 1], ids=["first", "last"])
def test_retry_waits_longer_each_time(attempts: int) -> None:
    waiting = outcome(retry=ERROR, attempts=attempts)
    assert (waiting.state, waiting.waiting_for, waiting.counts_as_attempt) == (
        JobState.PENDING,
        WaitReason.RETRY,
        True,
    )
    wait = (waiting.due_at - NOW).total_seconds()
    assert wait == pytest.approx(RETRY_DELAYS[attempts], rel=0.25)


def test_retry_fails_once_the_attempts_are_used_up() -> None:
    assert outcome(retry=ERROR, attempts=len(RETRY_DELAYS)) == FAILED


def test_replanning_fails_with_the_last_rejection() -> None:
    assert outcome(must_replan=True, last_rejection=ERROR, attempts=len(RETRY_DELAYS)) == FAILED
