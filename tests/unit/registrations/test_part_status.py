"""Parts of a row: the state of each part is the worst of its slots."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import CampaignLink, Registration, SyncJob, WrittenRecord
from app.registrations.part_status import parts_of
from app.registrations.row_view import current_slots
from app.sync.model.batch import WriteToggles
from tests.factories import NOW
from tests.integration.registrations.sample_event import RULE, job, link, record, registration

LATER = NOW + timedelta(minutes=1)
ALL_ON = WriteToggles()
WITH_CASE = WriteToggles(case=True)
CHECKED_IN: dict[str, Any] = {"checked_in_at": NOW}


def person(**changes: Any) -> WrittenRecord:
    return record("r1", "person", **{"sobject": "Lead", "sf_id": "00Q1"} | changes)


def task(kind: str = "registered", **changes: Any) -> WrittenRecord:
    return record("r1", f"task:{kind}", **{"sobject": "Task", "sf_id": "00T1"} | changes)


def member(meaning: str = "registered", **changes: Any) -> WrittenRecord:
    return record("r1", "member", meaning=meaning, **{"sobject": "CampaignMember", "sf_id": "00v1"} | changes)


def case(**changes: Any) -> WrittenRecord:
    return record("r1", "case", **{"sobject": "Case", "sf_id": "5001"} | changes)


def part_view(
    facts: dict[str, Any],
    state: str | None,
    records: list[WrittenRecord],
    *,
    campaign: CampaignLink | None = None,
    writes: WriteToggles = ALL_ON,
    **job_changes: Any,
) -> dict[str, str]:
    """Kind to state of each part."""
    work = None if state is None else _job(state, **job_changes)
    parts = parts_of(
        _registration(facts), work, slots=current_slots(records, campaign), link=campaign, writes=writes
    )
    return {part.kind: part.state for part in parts}


def _registration(facts: dict[str, Any]) -> Registration:
    return registration("r1", **facts)


def _job(state: str, **changes: Any) -> SyncJob:
    return job("r1", state, **{"attempts": 1} | changes)


ALL_REGISTERED = [person(), task()]
FAILED_CHECK_IN = RULE | {"kind": "checked_in", "object": "Task"}

CASES: dict[str, tuple[dict[str, Any], str | None, list[WrittenRecord], dict[str, Any], dict[str, str]]] = {
    "nothing-yet": ({}, "pending", [], {}, {"registered": "pending"}),
    "no-job": ({}, None, [], {}, {"registered": "not_wanted"}),
    "skipped": ({}, "skipped", [], {}, {"registered": "not_wanted"}),
    "all-written": ({}, "synced", ALL_REGISTERED, {}, {"registered": "synced"}),
    "running": ({}, "running", [], {}, {"registered": "running"}),
    "person-written-task-to-come": ({}, "pending", [person()], {}, {"registered": "pending"}),
    "task-switched-off": ({}, "synced", [person()], {}, {"registered": "synced"}),
    "answer-lost": (
        {}, "ambiguous", [person(state="ambiguous", sf_id=None)], {}, {"registered": "ambiguous"},
    ),
    "call-under-way": ({}, "running", [person(state="intended", sf_id=None)], {}, {"registered": "running"}),
    "intent-left-behind": (
        {}, "pending", [person(state="intended", sf_id=None)], {}, {"registered": "ambiguous"},
    ),
    "person-failed": ({}, "failed", [], {"error": RULE}, {"registered": "failed"}),
    "person-failed-with-check-in": (
        CHECKED_IN, "failed", [], {"error": RULE}, {"registered": "failed", "checked_in": "failed"},
    ),
    "check-in-failed-alone": (
        CHECKED_IN, "failed", ALL_REGISTERED, {"error": FAILED_CHECK_IN},
        {"registered": "synced", "checked_in": "failed"},
    ),
    "promotion-failed": (
        CHECKED_IN, "failed", [*ALL_REGISTERED, task("checked_in"), member(state="failed")],
        {"error": FAILED_CHECK_IN, "campaign": link()}, {"registered": "synced", "checked_in": "failed"},
    ),
    "attended": (
        CHECKED_IN, "synced", [*ALL_REGISTERED, task("checked_in"), member("attended")],
        {"campaign": link()}, {"registered": "synced", "checked_in": "synced"},
    ),
    "promotion-to-come": (
        CHECKED_IN, "pending", [*ALL_REGISTERED, task("checked_in"), member()],
        {"campaign": link()}, {"registered": "synced", "checked_in": "pending"},
    ),
    "promotion-uncertain": (
        CHECKED_IN, "ambiguous", [*ALL_REGISTERED, task("checked_in"), member(state="ambiguous")],
        {"campaign": link()}, {"registered": "synced", "checked_in": "ambiguous"},
    ),
    "link-is-broken": (
        {}, "held", ALL_REGISTERED, {"campaign": link(state="broken")}, {"registered": "held"},
    ),
    "link-is-being-made": (
        {}, "pending", ALL_REGISTERED, {"campaign": link(state="creating")}, {"registered": "synced"},
    ),
    "member-of-an-earlier-campaign": (
        {}, "pending", [*ALL_REGISTERED, member(instance_key="7010")], {"campaign": link()},
        {"registered": "pending"},
    ),
    "check-in-without-registration": (
        CHECKED_IN | {"confirmed_at": None}, "pending", [], {}, {"checked_in": "pending"},
    ),
    "check-in-undone-after-it-was-written": (
        CHECKED_IN | {"check_in_reverted_at": LATER}, "synced", [*ALL_REGISTERED, task("checked_in")], {},
        {"registered": "synced", "checked_in": "synced"},
    ),
    "check-in-undone-before": (
        CHECKED_IN | {"check_in_reverted_at": LATER}, "synced", ALL_REGISTERED, {}, {"registered": "synced"},
    ),
    "cancelled-without-a-chosen-status": (
        {"cancelled_at": NOW}, "synced", [*ALL_REGISTERED, member()], {"campaign": link()},
        {"registered": "synced", "cancelled": "not_wanted"},
    ),
    "no-show-to-come": (
        {"no_show_at": NOW}, "pending", [*ALL_REGISTERED, member()], {"campaign": link()},
        {"registered": "synced", "no_show": "pending"},
    ),
    "no-show-written": (
        {"no_show_at": NOW}, "synced", [*ALL_REGISTERED, member("no_show")], {"campaign": link()},
        {"registered": "synced", "no_show": "synced"},
    ),
    "no-show-never-over-attended": (
        {"no_show_at": NOW}, "pending", [*ALL_REGISTERED, member("attended")], {"campaign": link()},
        {"registered": "synced", "no_show": "not_wanted"},
    ),
    "case-to-come": (
        {}, "pending", ALL_REGISTERED, {"writes": WITH_CASE}, {"registered": "synced", "case": "pending"},
    ),
    "case-written": (
        {}, "synced", [*ALL_REGISTERED, case()], {"writes": WITH_CASE},
        {"registered": "synced", "case": "synced"},
    ),
    "case-refused": (
        {}, "failed", [*ALL_REGISTERED, case(state="failed", sf_id=None)],
        {"writes": WITH_CASE, "error": RULE | {"kind": "case", "object": "Case"}},
        {"registered": "synced", "case": "failed"},
    ),
    "case-lost": (
        {}, "ambiguous", [*ALL_REGISTERED, case(state="ambiguous", sf_id=None)], {"writes": WITH_CASE},
        {"registered": "synced", "case": "ambiguous"},
    ),
    "case-that-the-org-cannot-have": (
        {}, "synced", ALL_REGISTERED, {"writes": WITH_CASE}, {"registered": "synced", "case": "not_wanted"},
    ),
    "case-switched-off-since": (
        {}, "synced", [*ALL_REGISTERED, case()], {}, {"registered": "synced", "case": "synced"},
    ),
    "case-before-a-confirmation": ({"confirmed_at": None}, None, [], {"writes": WITH_CASE}, {}),
    "replay-watched": (
        {"replay": {"watched_at": "2026-12-01T19:00:00Z"}}, "pending", [*ALL_REGISTERED, member("attended")],
        {"campaign": link(statuses={"registered": "Registered", "replay_watched": "Watched"})},
        {"registered": "synced", "replay_watched": "synced"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "state", "records", "about", "expected"), CASES.values(), ids=CASES.keys())
def test_part_is_the_worst_of_its_slots(
    facts: dict[str, Any],
    state: str | None,
    records: list[WrittenRecord],
    about: dict[str, Any],
    expected: dict[str, str],
) -> None:
    assert part_view(facts, state, records, **about) == expected


def test_part_tells_when_its_last_record_was_written() -> None:
    records = current_slots([person(), task(written_at=LATER)], None)
    [part] = parts_of(
        _registration({}), _job("synced", attempts=3), slots=records, link=None, writes=WriteToggles()
    )
    assert (part.written_at, part.attempts) == (LATER, 3)
    [part] = parts_of(
        _registration({}), _job("pending"), slots={"person": person()}, link=None, writes=WriteToggles()
    )
    assert part.written_at is None


@pytest.mark.parametrize(
    ("writes", "records", "expected"),
    [
        pytest.param(
            {"task": False}, [person()], {"registered": "synced", "checked_in": "not_wanted"}, id="off"
        ),
        pytest.param({}, [person()], {"registered": "pending", "checked_in": "pending"}, id="on"),
        pytest.param(
            {"task": False},
            [person(), task(), task("checked_in")],
            {"registered": "synced", "checked_in": "synced"},
            id="off, and what was written before stands",
        ),
    ],
)
def test_parts_of_a_kind_that_is_off_are_not_wanted(
    writes: dict[str, bool], records: list[WrittenRecord], expected: dict[str, str]
) -> None:
    assert part_view(CHECKED_IN, "pending", records, writes=WriteToggles(**writes)) == expected


def test_a_member_that_is_off_is_not_waited_for() -> None:
    off = part_view({}, "pending", ALL_REGISTERED, campaign=link(), writes=WriteToggles(member=False))
    assert off == {"registered": "synced"}
    assert part_view({}, "pending", ALL_REGISTERED, campaign=link()) == {"registered": "pending"}


def calendar_event(**changes: Any) -> WrittenRecord:
    return record("r1", "calendar_event", **{"sobject": "Event", "sf_id": "00U1"} | changes)


NEVER_MADE = calendar_event(sf_id=None, state="failed")
REFUSED = RULE | {"kind": "calendar_event", "object": "Event"}


@pytest.mark.parametrize(
    ("state", "records", "about", "expected"),
    [
        pytest.param("pending", [], {}, "pending", id="to come"),
        pytest.param("synced", [], {}, "not_wanted", id="without times, or cancelled before"),
        pytest.param("synced", [calendar_event()], {}, "synced", id="written"),
        pytest.param("failed", [NEVER_MADE], {"error": REFUSED}, "failed", id="refused"),
        pytest.param("failed", [calendar_event()], {"error": REFUSED}, "failed", id="change refused"),
        pytest.param("failed", [calendar_event()], {"error": FAILED_CHECK_IN}, "synced", id="other part"),
        pytest.param("ambiguous", [calendar_event(state="ambiguous")], {}, "ambiguous", id="in doubt"),
        pytest.param("running", [calendar_event(state="intended")], {}, "running", id="on its way"),
    ],
)
def test_a_calendar_event_is_a_part_that_changes_later(
    state: str, records: list[WrittenRecord], about: dict[str, Any], expected: str
) -> None:
    on = WriteToggles(calendar_event=True)
    assert part_view({}, state, [*ALL_REGISTERED, *records], writes=on, **about)["calendar_event"] == expected


def test_a_calendar_event_that_is_off_is_a_part_only_where_it_stands() -> None:
    assert part_view({}, "synced", ALL_REGISTERED) == {"registered": "synced"}
    stands = part_view({}, "synced", [*ALL_REGISTERED, calendar_event()])
    assert stands == {"registered": "synced", "calendar_event": "synced"}
