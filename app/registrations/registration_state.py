"""Map job state and gates to the state shown on the dashboard. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.states import JobState, PendingReason, RetryRefusal, SkipReason, SyncState, WaitReason


class ShownState(NamedTuple):
    """What the dashboard calls a registration, living or erased."""

    living: SyncState
    erased: SyncState


SYNC_STATES: Final[Mapping[JobState | None, ShownState]] = {
    None: ShownState(SyncState.SKIPPED, SyncState.SKIPPED),
    JobState.PENDING: ShownState(SyncState.PENDING, SyncState.SKIPPED),
    JobState.RUNNING: ShownState(SyncState.PENDING, SyncState.PENDING),
    JobState.SYNCED: ShownState(SyncState.SYNCED, SyncState.SYNCED),
    JobState.FAILED: ShownState(SyncState.FAILED, SyncState.SKIPPED),
    JobState.HELD: ShownState(SyncState.PENDING, SyncState.SKIPPED),
    JobState.AMBIGUOUS: ShownState(SyncState.PENDING, SyncState.PENDING),
    JobState.SKIPPED: ShownState(SyncState.SKIPPED, SyncState.SKIPPED),
}
"""By the state of the job for the connected org (None: there is none).

`display_state` and the SQL filter both read this table. While a job is running or ambiguous a write may be on
its way, so that nothing may be said before it is settled.
"""
UNFINISHED: Final = [job for job, shown in SYNC_STATES.items() if shown.living == SyncState.PENDING]
AT_REST: Final = (JobState.SYNCED, JobState.SKIPPED)
"""Nothing more is written, unless there is news."""

# What a row says it waits for, by the reason it is counted under; running is not waiting.
WAITING_FOR: Final[Mapping[PendingReason, WaitReason | None]] = {
    PendingReason.QUEUED: WaitReason.QUEUE,
    PendingReason.RUNNING: None,
    PendingReason.RETRY_LATER: WaitReason.RETRY,
    PendingReason.AMBIGUOUS: WaitReason.CERTAINTY,
    PendingReason.CONNECTION: WaitReason.CONNECTION,
    PendingReason.API_BUDGET: WaitReason.API_BUDGET,
    PendingReason.PAUSED: WaitReason.PAUSE,
    PendingReason.CAMPAIGN: WaitReason.CAMPAIGN,
    PendingReason.ORG_BACKOFF: WaitReason.ORG_BACKOFF,
    PendingReason.SALESFORCE_ACCESS: WaitReason.SALESFORCE_ACCESS,
    PendingReason.PERSON: WaitReason.PERSON,
}


@dataclass(frozen=True)
class Gates:
    """Conditions of a host that stop its jobs, whatever their own state."""

    is_connected: bool = True
    is_paused: bool = False
    is_over_budget: bool = False
    is_backing_off: bool = False

    @property
    def closed_because(self) -> PendingReason | None:
        """The reason that a person should see first: the one furthest from curing itself."""
        gates = (
            (PendingReason.CONNECTION, not self.is_connected),
            (PendingReason.PAUSED, self.is_paused),
            (PendingReason.API_BUDGET, self.is_over_budget),
            (PendingReason.ORG_BACKOFF, self.is_backing_off),
        )
        return next((reason for reason, is_closed in gates if is_closed), None)


@dataclass(frozen=True)
class StoredState:
    """What decides, as stored. `job_state` is None without a job for the connected org; `can_be_enqueued`: it
    could get one. `settled_state`: what it had become when only optional parts were left of it.
    """

    job_state: str | None
    waiting_for: str | None = None
    is_due: bool = True
    skipped_because: str | None = None
    is_erased: bool = False
    settled_state: str | None = None
    has_failed_parts: bool = False
    can_be_enqueued: bool = False

    @property
    def shown_job_state(self) -> JobState | None:
        """The job's state apart from its optional parts."""
        state = self.settled_state or self.job_state
        return JobState(state) if state else None


@dataclass(frozen=True)
class DisplayState:
    """What the dashboard calls a registration, and the reason where it is pending or skipped."""

    state: SyncState
    because: str | None = None

    @property
    def waiting_for(self) -> WaitReason | None:
        if self.state != SyncState.PENDING:
            return None
        return WAITING_FOR[PendingReason(self.because or PendingReason.QUEUED)]

    @property
    def skipped_because(self) -> str | None:
        return self.because if self.state == SyncState.SKIPPED else None


def display_state(stored: StoredState, gates: Gates) -> DisplayState:
    """Exactly one place for every registration that counts."""
    shown = SYNC_STATES[stored.shown_job_state]
    state = shown.erased if stored.is_erased else shown.living
    match state:
        case SyncState.PENDING:
            return DisplayState(state, pending_because(stored, gates))
        case SyncState.SKIPPED:
            return DisplayState(state, skipped_because(stored))
        case _:
            return DisplayState(state)


def skipped_because(stored: StoredState) -> str:
    """Why a registration at rest is not written."""
    if stored.is_erased:
        return SkipReason.ERASED
    if stored.job_state is None:
        return SkipReason.BEFORE_CONNECTION
    return stored.skipped_because or SkipReason.NOTHING_WANTED


def pending_because(stored: StoredState, gates: Gates) -> PendingReason:
    """Why an unfinished row has not moved. A closed gate comes before what the row itself waits for."""
    job_state = stored.shown_job_state
    if job_state == JobState.RUNNING:
        return PendingReason.RUNNING
    if job_state == JobState.HELD and stored.waiting_for == WaitReason.SALESFORCE_ACCESS:
        return PendingReason.SALESFORCE_ACCESS
    if job_state == JobState.HELD or stored.waiting_for == WaitReason.CAMPAIGN:
        return PendingReason.CAMPAIGN
    if gates.closed_because is not None:
        return gates.closed_because
    if job_state == JobState.AMBIGUOUS or stored.waiting_for == WaitReason.CERTAINTY:
        return PendingReason.AMBIGUOUS
    if stored.waiting_for == WaitReason.PERSON:
        return PendingReason.PERSON
    if stored.waiting_for == WaitReason.SALESFORCE_ACCESS:
        return PendingReason.SALESFORCE_ACCESS
    return (
        PendingReason.RETRY_LATER
        if stored.waiting_for == WaitReason.RETRY and not stored.is_due
        else PendingReason.QUEUED
    )


def can_retry(stored: StoredState) -> bool:
    """Whether a Retry would make this row move earlier or at all."""
    if stored.is_erased:
        return False
    job_state = stored.shown_job_state
    if job_state is None:
        return stored.can_be_enqueued
    if job_state == JobState.SKIPPED:
        return stored.skipped_because == SkipReason.NO_MATCH
    is_backing_off = stored.waiting_for == WaitReason.RETRY and not stored.is_due
    is_stuck = job_state == JobState.FAILED or (job_state == JobState.PENDING and is_backing_off)
    return is_stuck or stored.has_failed_parts


def retry_refusal(stored: StoredState, *, is_single: bool) -> RetryRefusal | None:
    """Why a Retry leaves this row alone; None when it takes it.

    A call for one row also takes one from before the connection, a skipped one without a match, and a synced
    one, whose member may have been removed in Salesforce. A row that still looks for a lost answer is never
    written again before it knows. Failed parts that its state does not depend on are a reason of their own.
    """
    if stored.is_erased:
        return RetryRefusal.ERASED
    if stored.job_state == JobState.AMBIGUOUS or stored.waiting_for == WaitReason.CERTAINTY:
        return RetryRefusal.AMBIGUOUS
    is_single_no_match = is_single and stored.skipped_because == SkipReason.NO_MATCH
    is_waiting = not stored.is_due or stored.waiting_for == WaitReason.CAMPAIGN
    is_settled = stored.job_state == JobState.PENDING and stored.settled_state is not None
    match stored.settled_state if is_settled else stored.job_state:
        case None:
            return None if is_single and stored.can_be_enqueued else RetryRefusal.SKIPPED
        case JobState.SKIPPED:
            return None if is_single_no_match else RetryRefusal.SKIPPED
        case JobState.SYNCED:
            is_wanted = is_single or stored.has_failed_parts
            return None if is_wanted else RetryRefusal.ALREADY_SYNCED
        case JobState.PENDING:
            return None if is_waiting else RetryRefusal.ALREADY_PENDING
        case JobState.RUNNING:
            return RetryRefusal.ALREADY_PENDING
        case _:
            return None
