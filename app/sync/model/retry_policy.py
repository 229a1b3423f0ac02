"""What follows from an error, as a table: who waits, how long, and whether it counts as an attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.salesforce.error_codes import MOVED_CODES
from app.salesforce.errors import ApiError, ErrorClass, Scope
from app.states import BackoffReason
from app.sync.model.batch import WrittenSlot

RETRY_DELAYS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Seconds before the second, third … attempt of one row; when they are used up the row has failed."""

ORG_BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds for which an org that does not answer is left alone, by consecutive failures."""

LIMIT_WAIT = 900.0
"""Seconds between probes of an org whose rolling allowance is used up: it says no time, so we ask rarely."""

CONCURRENCY_WAIT = 10.0
HOST_BACKOFF = (5.0, 30.0, 120.0, 300.0, 900.0)
"""Seconds for which a host is left alone whose turn broke off, by how often in a row."""

SESSION_TRIES = 4
"""How often new tokens are tried that Salesforce does not take, before a person must connect anew."""

RECHECK_SCHEDULE = (0.0, 0.02, 0.08, 0.4, 1.0)
"""When an uncertain write is looked up, in parts of the window since the attempt."""

FINISHED_CALL_WINDOW = timedelta(seconds=15)
"""How long what a call wrote that is over may not show yet: looked for at once, and after this time."""

MAX_UNSETTLED_CREATES = 3
MAX_FINISHED_CALL_CREATES = 60
"""Tries of a write whose calls all broke off without keeping it: two hours of an org that is ill."""

MAX_WORKER_CRASHES = 3
JITTER = 0.2


class ErrorAction(StrEnum):
    """RETRY: the row waits. FAIL: a person must act. REQUIRE_RECONNECT: the connection waits. BACK_OFF: the
    org waits. RECONCILE: look it up before anything is written again."""

    RETRY = "retry"
    FAIL = "fail"
    REQUIRE_RECONNECT = "require_reconnect"
    BACK_OFF = "back_off"
    RECONCILE = "reconcile"


DRAIN_STOPPING = (ErrorAction.REQUIRE_RECONNECT, ErrorAction.BACK_OFF)
"""What ends a drain: it would meet every other row as well."""

POLICY: dict[ErrorClass, tuple[ErrorAction, ErrorAction]] = {
    ErrorClass.TRANSIENT: (ErrorAction.RETRY, ErrorAction.BACK_OFF),
    ErrorClass.LIMIT: (ErrorAction.BACK_OFF, ErrorAction.BACK_OFF),
    ErrorClass.ACCESS: (ErrorAction.FAIL, ErrorAction.REQUIRE_RECONNECT),
    ErrorClass.CONFIGURATION: (ErrorAction.FAIL, ErrorAction.BACK_OFF),
    ErrorClass.DATA: (ErrorAction.FAIL, ErrorAction.FAIL),
    ErrorClass.DUPLICATE: (ErrorAction.FAIL, ErrorAction.FAIL),
    ErrorClass.AMBIGUOUS: (ErrorAction.RECONCILE, ErrorAction.RECONCILE),
    ErrorClass.OTHER: (ErrorAction.FAIL, ErrorAction.FAIL),
}
"""The action for an error of one record, and for one of the whole connection or org."""

RECONNECT_REASONS = {
    "API_DISABLED_FOR_ORG": "api_disabled",
    "API_CURRENTLY_DISABLED": "api_disabled",
    "INVALID_SESSION_ID": "session_not_for_api",
    "Bad_OAuth_Token": "session_not_for_api",
    "ORG_LOCKED": "org_inactive",
    "TRIAL_EXPIRED": "org_inactive",
    "PASSWORD_LOCKOUT": "user_inactive",
    "LOGIN_DURING_RESTRICTED_DOMAIN": "ip_restricted",
    "LOGIN_DURING_RESTRICTED_TIME": "ip_restricted",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "user_inactive",
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": "app_blocked",
}


@dataclass(frozen=True)
class OrgWait:
    """How long to wait, in seconds, and the reason that is stored."""

    seconds: float
    reason: str


def action_for(failure: ApiError) -> ErrorAction:
    of_record, of_all = POLICY[failure.error_class]
    return of_record if failure.scope is Scope.RECORD else of_all


def is_beyond_limits(failures: Sequence[ApiError]) -> bool:
    """Whether an automation of the org exceeded the governor limits that all rows of a call share."""
    return any(each.is_beyond_limits for each in failures)


def is_session_refused(failure: ApiError) -> bool:
    """Salesforce did not take a token that it had just given: of this connection alone, and it may pass."""
    return (failure.error_class, failure.scope) == (ErrorClass.TRANSIENT, Scope.CONNECTION)


def is_instance_moved(failure: ApiError) -> bool:
    """Whether the org has another address that Salesforce did not name."""
    return failure.error_code in MOVED_CODES


def reconnect_reason(failure: ApiError) -> str:
    """Return the reason code that the card shows for a connection that must be made anew."""
    return RECONNECT_REASONS.get(failure.error_code, "access_revoked")


def retry_wait(attempts: int, jitter: float) -> float | None:
    """Seconds until the next attempt after `attempts` of them; None when they are used up.

    `jitter` in [0, 1) spreads rows that failed together.
    """
    if attempts > len(RETRY_DELAYS):
        return None
    return _with_jitter(RETRY_DELAYS[max(attempts, 1) - 1], jitter)


def org_wait(failure: ApiError | None, failures: int, jitter: float) -> OrgWait:
    """How long an org is left alone after `failures` consecutive ends without a useful answer."""
    if failure is not None and failure.error_class is ErrorClass.LIMIT:
        is_daily = failure.is_daily_limit or failure.error_code == "STORAGE_LIMIT_EXCEEDED"
        seconds = LIMIT_WAIT if is_daily else CONCURRENCY_WAIT
        reason: str = BackoffReason.API_LIMIT if is_daily else BackoffReason.CONCURRENCY
    else:
        seconds = ORG_BACKOFF[min(max(failures, 1), len(ORG_BACKOFF)) - 1]
        reason = failure.error_code if failure is not None else BackoffReason.UNAVAILABLE
    return OrgWait(_with_jitter(seconds, jitter), reason)


def host_wait(count: int, jitter: float) -> float:
    """Seconds until a host's next turn after `count` of them in a row broke off."""
    return _with_jitter(HOST_BACKOFF[min(count, len(HOST_BACKOFF)) - 1], jitter)


def next_recheck(attempt_started_at: datetime, lost_write_window: timedelta, now: datetime) -> datetime:
    """When an uncertain write is looked up next; the last look is at the end of the window."""
    looks = (attempt_started_at + lost_write_window * part for part in RECHECK_SCHEDULE)
    return next((look for look in looks if look > now), now)


def _with_jitter(seconds: float, jitter: float) -> float:
    return seconds * (1 + JITTER * (2 * jitter - 1))


@dataclass(frozen=True)
class Clock:
    """The database's time and how long a lost write may still be applied."""

    now: datetime
    lost_write_window: timedelta

    def next_recheck(self, slot: WrittenSlot) -> datetime:
        if slot.has_ended:
            return max((slot.attempt_started_at or self.now) + self._window_of(slot), self.now)
        return next_recheck(slot.attempt_started_at or self.now, self.lost_write_window, self.now)

    def is_settled(self, slot: WrittenSlot) -> bool:
        return self.now >= (slot.attempt_started_at or self.now) + self._window_of(slot)

    def _window_of(self, slot: WrittenSlot) -> timedelta:
        """Return how long a write may still be applied; what a finished call wrote shows soon."""
        return min(FINISHED_CALL_WINDOW, self.lost_write_window) if slot.has_ended else self.lost_write_window
