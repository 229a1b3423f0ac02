"""How a row of a batch ends: the state of its job, judged from its parts. Pure."""

from datetime import datetime, timedelta
from typing import Any

from app.states import JobState, StatusMeaning, WaitReason, WriteState
from app.sync.lookup.access import AGAIN
from app.sync.model.batch import CHECKED_IN, SlotKey, WriteToggles
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.retry_policy import RETRY_DELAYS, retry_wait
from app.sync.model.work_item import WorkItem


def decide_outcome(row: WorkItem, now: datetime, *, chance: float) -> JobOutcome:
    """Any part uncertain: look again; any part failed: failed; any part to be retried: wait; else done."""
    attempts = row.job.attempts + 1
    if row.skipped_because is not None:
        return JobOutcome(JobState.SKIPPED, now, skipped_because=row.skipped_because)
    # Once the quiet time is over a doubt that is left gives no time to look: other parts decide then.
    is_doubted = any(slot.state == WriteState.AMBIGUOUS for slot in row.slots.values())
    if is_doubted and (row.look_at is not None or not row.is_through):
        return JobOutcome(
            JobState.AMBIGUOUS, row.look_at or now, WaitReason.CERTAINTY, error=row.error or row.retry
        )
    if row.is_without_access:
        return JobOutcome(JobState.PENDING, now + AGAIN, WaitReason.SALESFORCE_ACCESS)
    if row.error is not None:
        return JobOutcome(JobState.FAILED, now, error=row.error, burns=True)
    is_waiting = row.lacks_campaigns or row.lost_lead is not None
    if is_waiting and not row.must_replan and row.retry is None and not row.is_fenced:
        return JobOutcome(JobState.PENDING, now + AGAIN, WaitReason.SALESFORCE_ACCESS)
    if row.must_replan or row.retry is not None:
        return _decide_retry(row, now, attempts=attempts, chance=chance)
    if row.is_fenced:
        return JobOutcome(JobState.PENDING, row.look_at or now, WaitReason.CERTAINTY)
    if not row.is_through:
        return JobOutcome(JobState.PENDING, now)
    if row.is_held:
        return JobOutcome(JobState.HELD, now, WaitReason.CAMPAIGN, burns=True)
    return JobOutcome(JobState.SYNCED, now, burns=True)


def is_attended(row: WorkItem, writes: WriteToggles) -> bool:
    """Whether the check-in stands: as the member's status where one is written, else as Task."""
    if row.job.facts.checked_in_at is None:
        return False
    if row.job.member_key is not None and writes.member:
        member = row.slots.get(row.job.member_key)
        return (
            member is not None
            and member.state == WriteState.WRITTEN
            and member.meaning == StatusMeaning.ATTENDED
        )
    task = row.slots.get(SlotKey(CHECKED_IN))
    return task is not None and task.state == WriteState.WRITTEN


def outcome_as_json(row: WorkItem, verdict: JobOutcome, writes: WriteToggles) -> dict[str, Any]:
    """The job's new values, as the finishing statement reads them."""
    error = verdict.error
    return {
        "registration_id": row.job.registration_id,
        "state": verdict.state,
        "is_open": verdict.is_open,
        "due_at": verdict.due_at.isoformat(),
        "waiting_for": verdict.waiting_for,
        "skipped_because": verdict.skipped_because,
        "burns": int(verdict.burns),
        "is_attended": is_attended(row, writes),
        "error_class": error.error_class if error else None,
        "error_code": error.error_code if error else None,
        "group_id": error.group_id if error else None,
        "error": error.as_json() if error else None,
        "warnings": [notice.as_json() for notice in dict.fromkeys(row.notices)],
    }


def _decide_retry(row: WorkItem, now: datetime, *, attempts: int, chance: float) -> JobOutcome:
    wait = retry_wait(attempts, chance)
    if row.must_replan and row.retry is None and attempts <= len(RETRY_DELAYS):
        return JobOutcome(JobState.PENDING, now, WaitReason.RETRY, burns=True)
    if wait is None:
        return JobOutcome(JobState.FAILED, now, error=row.retry or row.last_word, burns=True)
    return JobOutcome(
        JobState.PENDING, now + timedelta(seconds=wait), WaitReason.RETRY, error=row.retry, burns=True
    )
