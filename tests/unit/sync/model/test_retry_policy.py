"""What follows from each class of error, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from app.salesforce.errors import ApiError, ErrorClass
from app.states import WriteState
from app.sync.model.batch import WrittenSlot
from app.sync.model.retry_policy import (
    ORG_BACKOFF,
    POLICY,
    RECHECK_SCHEDULE,
    RETRY_DELAYS,
    Clock,
    ErrorAction,
    action_for,
    next_recheck,
    org_wait,
    reconnect_reason,
    retry_wait,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
QUIET = timedelta(seconds=780)


def test_every_class_and_scope_has_a_consequence() -> None:
    assert set(POLICY) == set(ErrorClass)


@pytest.mark.parametrize(
    ("code", "status", "consequence"),
    [
        pytest.param("UNABLE_TO_LOCK_ROW", 400, ErrorAction.RETRY, id="lock: the row waits"),
        pytest.param("SERVER_UNAVAILABLE", 503, ErrorAction.BACK_OFF, id="outage: the org waits"),
        pytest.param("REQUEST_LIMIT_EXCEEDED", 403, ErrorAction.BACK_OFF, id="limit: the org waits"),
        pytest.param("API_DISABLED_FOR_ORG", 403, ErrorAction.REQUIRE_RECONNECT, id="no API: must reconnect"),
        pytest.param("INVALID_SESSION_ID", 401, ErrorAction.BACK_OFF, id="session: tried again"),
        pytest.param("ORG_LOCKED", 403, ErrorAction.REQUIRE_RECONNECT, id="locked org: the connection waits"),
        pytest.param("HTTP_403", 403, ErrorAction.BACK_OFF, id="page instead of JSON: the org waits"),
        pytest.param("INSUFFICIENT_ACCESS_OR_READONLY", 400, ErrorAction.FAIL, id="one record: fails"),
        pytest.param("REQUIRED_FIELD_MISSING", 400, ErrorAction.FAIL, id="configuration: fails"),
        pytest.param("FIELD_CUSTOM_VALIDATION_EXCEPTION", 400, ErrorAction.FAIL, id="data: fails"),
        pytest.param("DUPLICATES_DETECTED", 400, ErrorAction.FAIL, id="duplicate: fails"),
        pytest.param("ANSWER_LOST", None, ErrorAction.RECONCILE, id="lost: look first"),
        pytest.param("NEVER_HEARD_OF", 400, ErrorAction.FAIL, id="unknown: fails"),
    ],
)
def test_consequence_of_a_code(code: str, status: int | None, consequence: ErrorAction) -> None:
    assert action_for(ApiError(code, "", http_status=status)) is consequence


def test_waits_of_a_row_grow_and_end() -> None:
    waits = [retry_wait(attempts, 0.5) for attempts in range(1, len(RETRY_DELAYS) + 2)]
    assert waits == [*RETRY_DELAYS, None]


@pytest.mark.parametrize(
    ("message", "seconds", "reason"),
    [
        pytest.param("TotalRequests Limit exceeded.", 900, "api_limit", id="daily"),
        pytest.param("ConcurrentRequests Limit exceeded.", 10, "concurrency", id="concurrent"),
    ],
)
def test_wait_for_a_limit_depends_on_its_kind(message: str, seconds: float, reason: str) -> None:
    wait = org_wait(ApiError("REQUEST_LIMIT_EXCEEDED", message, http_status=403), 1, 0.5)
    assert (wait.seconds, wait.reason) == (seconds, reason)


def test_outage_waits_grow_to_their_cap() -> None:
    waits = [org_wait(None, failures, 0.5).seconds for failures in range(1, 12)]
    assert waits[: len(ORG_BACKOFF)] == list(ORG_BACKOFF)
    assert set(waits[len(ORG_BACKOFF) :]) == {ORG_BACKOFF[-1]}


def test_jitter_spreads_by_a_fifth_at_most() -> None:
    assert [org_wait(None, 1, chance).seconds for chance in (0, 0.999)] == pytest.approx([0.8, 1.2], abs=0.01)


def test_looks_come_at_parts_of_the_quiet_time_and_end_with_it() -> None:
    moment, looks = NOW - timedelta(seconds=1), []
    for _ in RECHECK_SCHEDULE:
        moment = next_recheck(NOW, QUIET, moment)
        looks.append((moment - NOW) / QUIET)
    assert looks == pytest.approx(list(RECHECK_SCHEDULE))
    write = WrittenSlot(WriteState.AMBIGUOUS, "create", "Lead", attempt_started_at=NOW)
    assert Clock(moment, QUIET).is_settled(write)
    assert not Clock(moment - timedelta(seconds=1), QUIET).is_settled(write)


def test_closing_reasons_are_the_cards_words() -> None:
    assert reconnect_reason(ApiError("API_DISABLED_FOR_ORG", "")) == "api_disabled"
    assert reconnect_reason(ApiError("Missing_OAuth_Token", "")) == "access_revoked"
