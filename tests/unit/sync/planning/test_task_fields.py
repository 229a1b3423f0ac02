"""Tasks on the timeline: subject, day and reference."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.sync.model.batch import CHECKED_IN, REGISTERED, Attendee, EventSnapshot, Job, RegistrationFacts
from app.sync.model.reference_tags import reference_tag, references_in
from app.sync.planning.tasks import task_fields, task_subject

LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def job(*, timezone: str = "UTC", title: str = "Otter Summit", **facts: Any) -> Job:
    values: dict[str, Any] = {"status": "confirmed", "registered_at": LATE, "confirmed_at": LATE}
    event = EventSnapshot("evt", title, timezone, location="Kraftwerk, Berlin", starts_at=LATE)
    return Job("reg_1", event, Attendee(email="a@x.example"), RegistrationFacts(**(values | facts)))


@pytest.mark.parametrize(
    ("timezone", "day"),
    [
        pytest.param("UTC", "2026-11-21", id="UTC"),
        pytest.param("Europe/Berlin", "2026-11-22", id="half past midnight in Berlin"),
        pytest.param("America/New_York", "2026-11-21", id="evening in New York"),
        pytest.param("Mars/Olympus", "2026-11-21", id="unknown zone counts in UTC"),
        pytest.param("../etc/passwd", "2026-11-21", id="hostile zone counts in UTC"),
    ],
)
def test_day_is_counted_in_the_events_zone(timezone: str, day: str) -> None:
    fields, _ = task_fields(job(timezone=timezone), REGISTERED, who_id="00Q1", reference="EVS-X")
    assert fields["ActivityDate"] == day


def test_unknown_zone_is_reported() -> None:
    _, warnings = task_fields(job(timezone="Mars/Olympus"), REGISTERED, who_id="00Q1", reference="EVS-X")
    assert [(each.code, each.field) for each in warnings] == [("fallback_used", "ActivityDate")]


def test_check_in_has_its_own_day() -> None:
    checked_in_at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    fields, _ = task_fields(job(checked_in_at=checked_in_at), CHECKED_IN, who_id="003", reference="EVS-X")
    assert (fields["Subject"], fields["ActivityDate"]) == ("Checked-in: Otter Summit", "2026-11-24")


def test_long_title_is_cut_and_the_prefix_kept() -> None:
    subject = task_subject(REGISTERED, "x" * 300)
    assert len(subject) == 255
    assert subject.startswith("Registered: x")


def test_task_has_no_what_and_ends_with_our_reference() -> None:
    reference = reference_tag("host_a", "00D1", "reg_1", REGISTERED)
    fields, _ = task_fields(job(), REGISTERED, who_id="00Q1", reference=reference)
    assert "WhatId" not in fields
    assert fields["Description"].endswith(f"Ref: {reference}")
    assert references_in(fields["Description"]) == {reference}


def test_references_differ_by_everything_that_matters() -> None:
    parts = ("host_a", "00D1", "reg_1", REGISTERED)
    changed = [(*parts[:n], parts[n] + "x", *parts[n + 1 :]) for n in range(4)]
    assert len({reference_tag(*each) for each in [parts, *changed]}) == 5
