"""The status of a calendar Event: each line of the table, and which of two wins."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.sync.model.batch import Job, PlannedTimes, RegistrationFacts
from app.sync.model.calendar_status import calendar_status
from tests.unit.sync.builders import job

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


EVENT: dict[str, Any] = {"starts_at": at(0), "ends_at": at(60)}
STORM: dict[str, Any] = {"cancelled_at": at(-90), "cancel_reason": "Storm"}
ILL: dict[str, Any] = {"status": "cancelled", "cancelled_at": at(-30), "cancel_reason": "Ill"}
MOVED: dict[str, Any] = {"rescheduled_at": at(-60), "reschedule_reason": "Clash"}
FIRST = PlannedTimes(at(0), at(60))


def checked_in(first: int, last: int | None = None) -> dict[str, Any]:
    return {"checked_in_at": at(first), "last_checked_in_at": at(first if last is None else last)}


def of(facts: dict[str, Any], event: dict[str, Any]) -> Job:
    values: dict[str, Any] = {"status": "confirmed", "registered_at": at(-999), "confirmed_at": at(-999)}
    return job(facts=RegistrationFacts(**(values | facts)), event=EVENT | event)


@pytest.mark.parametrize(
    ("facts", "event", "first", "status", "reason"),
    [
        pytest.param({}, {}, None, "Scheduled", None, id="not written yet"),
        pytest.param({}, {}, FIRST, "Scheduled", None, id="as written"),
        pytest.param({}, {"starts_at": at(5)}, FIRST, "Rescheduled", None, id="the event was moved"),
        pytest.param({}, {"ends_at": at(90)}, FIRST, "Rescheduled", None, id="the event is longer"),
        pytest.param({"starts_at": at(5)}, {}, FIRST, "Rescheduled", None, id="another slot"),
        pytest.param({}, {}, PlannedTimes(at(0), None), "Rescheduled", None, id="an end since then"),
        pytest.param(MOVED, {}, FIRST, "Rescheduled", "Clash", id="moved there and back"),
        pytest.param(MOVED, {}, None, "Rescheduled", "Clash", id="moved before it was written"),
        pytest.param({"completed_at": at(60)}, {}, FIRST, "Completed", None, id="completed"),
        pytest.param(checked_in(0), {}, FIRST, "Completed", None, id="checked in"),
        pytest.param(
            {**MOVED, "completed_at": at(60)}, {}, FIRST, "Completed", None, id="moved, then completed"
        ),
        pytest.param({"no_show_at": at(20)}, {}, FIRST, "No-show", None, id="no-show"),
        pytest.param({"no_show_at": at(20), **MOVED}, {}, FIRST, "No-show", None, id="moved and missed"),
        pytest.param(
            {"no_show_at": at(20), "completed_at": at(60)}, {}, FIRST, "No-show", None, id="missed, completed"
        ),
        pytest.param(
            {"no_show_at": at(20), **checked_in(30)}, {}, FIRST, "Completed", None, id="came after all"
        ),
        pytest.param(
            {"no_show_at": at(20), **checked_in(20)}, {}, FIRST, "Completed", None, id="at the same moment"
        ),
        pytest.param(
            {"no_show_at": at(20), **checked_in(10)}, {}, FIRST, "No-show", None, id="no-show after check-in"
        ),
        pytest.param(
            {"no_show_at": at(20), **checked_in(10, 30)}, {}, FIRST, "Completed", None,
            id="no-show between two check-ins",
        ),
        pytest.param(ILL, {}, FIRST, "Canceled", "Ill", id="cancelled"),
        pytest.param({"status": "declined"}, {}, FIRST, "Canceled", None, id="declined"),
        pytest.param({}, STORM, FIRST, "Canceled", "Storm", id="the event is cancelled"),
        pytest.param(ILL, STORM, FIRST, "Canceled", "Ill", id="cancelled, then the event"),
        pytest.param(
            {"status": "declined"}, STORM, FIRST, "Canceled", "Storm", id="declined without a reason"
        ),
        pytest.param({**checked_in(0), **ILL}, {}, FIRST, "Canceled", "Ill", id="cancelled after check-in"),
        pytest.param({**MOVED, **ILL}, {}, FIRST, "Canceled", "Ill", id="moved, then cancelled"),
        pytest.param({"cancel_reason": "Ill"}, {}, FIRST, "Scheduled", None, id="registered again"),
        pytest.param({}, {"cancel_reason": "Storm"}, FIRST, "Scheduled", None, id="takes place after all"),
        pytest.param(
            {"status": "declined", "cancel_reason": None}, {"cancel_reason": "Storm"}, FIRST, "Canceled",
            None, id="declined an event that takes place after all",
        ),
    ],
)  # fmt: skip
def test_status_follows_from_facts(
    facts: dict[str, Any],
    event: dict[str, Any],
    first: PlannedTimes | None,
    status: str,
    reason: str | None,
) -> None:
    assert calendar_status(of(facts, event), first) == (status, reason)
