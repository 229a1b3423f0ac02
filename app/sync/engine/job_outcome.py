"""How a row of a batch ends: the state of its job, judged from its parts. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

from app.states import JobState, SkipReason, StatusMeaning, WaitReason, WriteState
from app.sync.lookup.access import RECHECK_AFTER
from app.sync.model.batch import CHECKED_IN, SlotKey
from app.sync.model.item_errors import ItemError
from app.sync.model.job_outcome import SETTLED, JobOutcome, Obstacle
from app.sync.model.retry_policy import RETRY_DELAYS, retry_wait
from app.sync.model.ticket_transfer import PREVIOUS_HOLDER_MEMBER
from app.sync.model.work_item import PartEnd, PartEnding, WorkItem, is_optional

TRIED_LATER: Final = (PartEnding.LATER, PartEnding.AGAIN)


class Ending(Enum):
    """How the work on an item ended, before the job's next state is derived from it."""

    SKIPPED = auto()
    AMBIGUOUS = auto()
    NO_ACCESS = auto()
    FAILED = auto()
    TO_RETRY = auto()
    LOCKED = auto()
    UNFINISHED = auto()
    CAMPAIGN_BROKEN = auto()
    DONE = auto()


def ending_of(item: WorkItem) -> Ending:
    """The first that applies: a part in doubt counts before one that failed, and that before one to retry."""
    if item.is_processed and not item.must_replan and not any(_troubles(item)):
        return Ending.DONE
    is_ambiguous = any(
        slot.state == WriteState.AMBIGUOUS and not is_optional(key) for key, slot in item.slots.items()
    )
    is_to_retry = item.must_replan or item.retry is not None
    is_locked = Obstacle.CREATE_LOCK in item.obstacles
    lacks_access = Obstacle.CAMPAIGN_ACCESS in item.obstacles or item.inaccessible_lead is not None
    is_skipped = item.skipped_because is not None
    endings = (
        (Ending.SKIPPED, is_skipped and not _ends_membership(item)),
        # Past the window an ambiguous part gives no time to look again: other parts decide then.
        (Ending.AMBIGUOUS, is_ambiguous and (item.recheck_at is not None or not item.is_processed)),
        (Ending.NO_ACCESS, item.has_no_access),
        (Ending.FAILED, item.error is not None),
        (Ending.NO_ACCESS, lacks_access and not is_to_retry and not is_locked),
        (Ending.TO_RETRY, is_to_retry),
        (Ending.LOCKED, is_locked),
        (Ending.UNFINISHED, not item.is_processed),
        (Ending.SKIPPED, is_skipped),
        (Ending.CAMPAIGN_BROKEN, Obstacle.CAMPAIGN in item.obstacles),
    )
    return next((ending for ending, applies in endings if applies), Ending.DONE)


def _troubles(item: WorkItem) -> tuple[object, ...]:
    """What an item that simply went well has none of."""
    errors = (item.error, item.retry, item.inaccessible_lead)
    return (*errors, item.skipped_because, item.recheck_at, item.obstacles)


def _ends_membership(item: WorkItem) -> bool:
    """Whether the ticket's previous holder has a member to cancel, which a skipped item does all the same."""
    return not item.job.is_erased and any(key.slot == PREVIOUS_HOLDER_MEMBER for key in item.slots)


def decide_outcome(item: WorkItem, now: datetime, *, jitter: float) -> JobOutcome:
    """The next state of the item's job; `jitter` from 0 to 1 spreads the retries.

    While optional parts are on their way the job is due again, and settled as what it would be without them.
    """
    outcome = _outcome_without_parts(item, now, jitter=jitter)
    if outcome.state not in SETTLED:
        return outcome
    due_at = parts_due_at(item, now, jitter=jitter)
    if due_at is None:
        return outcome
    settled = outcome.state
    return replace(outcome, state=JobState.PENDING, due_at=due_at, waiting_for=None, settled_state=settled)


def _outcome_without_parts(item: WorkItem, now: datetime, *, jitter: float) -> JobOutcome:
    match ending_of(item):
        case Ending.SKIPPED:
            return JobOutcome(JobState.SKIPPED, now, skipped_because=item.skipped_because)
        case Ending.AMBIGUOUS:
            recheck_at, error = item.recheck_at or now, item.error or item.retry
            return JobOutcome(JobState.AMBIGUOUS, recheck_at, WaitReason.CERTAINTY, error=error)
        case Ending.NO_ACCESS:
            return JobOutcome(JobState.PENDING, now + RECHECK_AFTER, WaitReason.SALESFORCE_ACCESS)
        case Ending.FAILED:
            return JobOutcome(JobState.FAILED, now, error=item.error, counts_as_attempt=True)
        case Ending.TO_RETRY:
            return _decide_retry(item, now, attempts=item.job.attempts + 1, jitter=jitter)
        case Ending.LOCKED:
            return JobOutcome(JobState.PENDING, item.recheck_at or now, WaitReason.PERSON)
        case Ending.UNFINISHED:
            return JobOutcome(JobState.PENDING, now, is_unreached=True)
        case Ending.CAMPAIGN_BROKEN:
            return JobOutcome(JobState.HELD, now, WaitReason.CAMPAIGN, counts_as_attempt=True)
        case Ending.DONE:
            return JobOutcome(JobState.SYNCED, now, counts_as_attempt=True)


def parts_due_at(item: WorkItem, now: datetime, *, jitter: float) -> datetime | None:
    """When optional parts are worked on again; None where nothing is left to do for them."""
    if not item.job.has_emails or item.person is None or item.skipped_because is not None:
        return None
    if not item.has_tried_parts:
        return now
    is_later = any(end.how in TRIED_LATER for end in _open_ends(item))
    delay = retry_wait(item.job.attempts + 1, jitter) if is_later else None
    times = (item.part_recheck_at, now + timedelta(seconds=delay) if delay is not None else None)
    return min((at for at in times if at is not None), default=None)


def failed_parts(item: WorkItem) -> list[ItemError]:
    """The errors of optional parts that nothing more is tried for, each group of a milestone once."""
    if not item.part_ends:
        return []
    has_later = retry_wait(item.job.attempts + 1, 0) is not None
    over = (PartEnding.FAILED, PartEnding.REFUSED, *(() if has_later else TRIED_LATER))
    errors = (end.error for end in _open_ends(item) if end.how in over)
    return list({(error.group_id, error.milestone): error for error in errors}.values())


def _open_ends(item: WorkItem) -> list[PartEnd]:
    """The ends of the parts that are not written by now."""
    slots = ((item.slots.get(key), end) for key, end in item.part_ends.items())
    return [end for slot, end in slots if slot is None or slot.state != WriteState.WRITTEN]


def is_attended(item: WorkItem) -> bool:
    """Whether the check-in stands: as the member's status where one is written, else as Task."""
    if item.job.facts.checked_in_at is None:
        return False
    if item.job.member_key is not None and item.job.writes.member:
        member = item.slots.get(item.job.member_key)
        return (
            member is not None
            and member.state == WriteState.WRITTEN
            and member.meaning == StatusMeaning.ATTENDED
        )
    task = item.slots.get(SlotKey(CHECKED_IN))
    return task is not None and task.state == WriteState.WRITTEN


ENDED: Final = {
    "state": "text",
    "is_unfinished": "bool",
    "due_at": "timestamptz",
    "waiting_for": "text",
    "skipped_because": "text",
    "counts_as_attempt": "int",
    "is_attended": "bool",
    "error_class": "text",
    "error_code": "text",
    "group_id": "text",
    "error": "jsonb",
    "warnings": "jsonb",
    "settled_as": "text",
    "is_unreached": "bool",
    "failed_parts": "jsonb",
}


def ended_row(item: WorkItem, outcome: JobOutcome, now: datetime) -> tuple[Any, ...]:
    """The job's new values, those of `ENDED`."""
    error, settled_as = outcome.error, outcome.settled_as
    are_parts_known = item.has_tried_parts or not item.job.has_emails
    return (
        str(outcome.state),
        outcome.is_unfinished,
        outcome.due_at,
        outcome.waiting_for,
        outcome.skipped_because,
        int(outcome.counts_as_attempt),
        is_attended(item),
        error.error_class if error else None,
        error.error_code if error else None,
        error.group_id if error else None,
        error.as_json() if error else None,
        [warning.as_json() for warning in dict.fromkeys(item.warnings)],
        settled_as and str(settled_as),
        outcome.is_unreached,
        _failed_parts_as_json(item, now) if are_parts_known else None,
    )


def _failed_parts_as_json(item: WorkItem, now: datetime) -> list[dict[str, Any]]:
    """Each with its group, and since when and until when it was seen."""
    since = {each["group_id"]: each["first_at"] for each in item.job.failed_parts}
    return [
        {
            **error.as_json(),
            "group_id": error.group_id,
            "first_at": since.get(error.group_id, now.isoformat()),
            "last_at": now.isoformat(),
        }
        for error in failed_parts(item)
    ]


def _decide_retry(item: WorkItem, now: datetime, *, attempts: int, jitter: float) -> JobOutcome:
    delay = retry_wait(attempts, jitter)
    if item.must_replan and item.retry is None and attempts <= len(RETRY_DELAYS):
        return JobOutcome(JobState.PENDING, now, WaitReason.RETRY, counts_as_attempt=True)
    if delay is None:
        return JobOutcome(
            JobState.FAILED, now, error=item.retry or item.last_rejection, counts_as_attempt=True
        )
    return JobOutcome(
        JobState.PENDING,
        now + timedelta(seconds=delay),
        WaitReason.RETRY,
        error=item.retry,
        counts_as_attempt=True,
    )


def unless_switched_on(item: WorkItem, outcome: JobOutcome, off: frozenset[str]) -> JobOutcome:
    """The outcome; where the event was switched on while its row was skipped, the row is due again."""
    is_outdated = outcome.skipped_because == SkipReason.SWITCHED_OFF and item.job.event.event_id not in off
    return JobOutcome(JobState.PENDING, outcome.due_at) if is_outdated else outcome
