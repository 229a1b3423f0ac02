"""Rows put together from stored values, without a database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.registrations.registration_state import Gates
from app.registrations.row_view import (
    ViewContext,
    activity_links,
    assemble_row,
    attendee_shown,
    current_slots,
    link_to,
)
from app.registrations.schemas import Row
from app.sync.model.batch import WriteToggles
from app.sync.model.record_kinds import REGISTERED_TASK
from tests.factories import NOW
from tests.integration.registrations.sample_event import RULE, job, record, registration
from tests.kinds import catalogue_with

SCENE = ViewContext(Gates(), None, "https://acme.my.salesforce.com", NOW, WriteToggles())
STAMPS: dict[str, Any] = {"updated_at": NOW, "change_no": 1}


def row(state: str | None, facts: dict[str, Any] | None = None, **changes: Any) -> Row:
    work = (
        job("r1", state, **STAMPS | {"attempts": 2, "due_at": NOW, "warnings": []} | changes)
        if state
        else None
    )
    return assemble_row(registration("r1", **STAMPS | (facts or {})), work, (), SCENE)


@pytest.mark.parametrize(
    ("attendee", "name"),
    [
        pytest.param({"first_name": " Mary Jane ", "last_name": "O'Brien"}, "Mary Jane O'Brien", id="both"),
        pytest.param({"first_name": None, "last_name": "Otter", "name": "X"}, "Otter", id="last-only"),
        pytest.param({"first_name": "", "last_name": "", "name": "Mary Smith"}, "Mary Smith", id="full-name"),
        pytest.param({"name": " "}, None, id="blank"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_name_as_given_else_the_full_one(attendee: dict[str, Any], name: str | None) -> None:
    assert attendee_shown(attendee).name == name


@pytest.mark.parametrize(
    ("state", "about", "is_shown"),
    [
        pytest.param("failed", {}, True, id="failed"),
        pytest.param("pending", {}, True, id="tried-again"),
        pytest.param("synced", {}, False, id="overcome"),
        pytest.param("skipped", {}, False, id="skipped"),
    ],
)
def test_error_is_shown_until_it_is_overcome(state: str, about: dict[str, Any], is_shown: bool) -> None:
    assert (row(state, error=RULE, **about).error is not None) is is_shown


def test_next_attempt_is_shown_while_backing_off() -> None:
    later = NOW + timedelta(minutes=5)
    error = row("pending", error=RULE, waiting_for="retry", due_at=later).error
    assert error is not None
    assert (error.next_attempt_at, error.attempts) == (later, 2)
    error = row("failed", error=RULE, waiting_for="retry", due_at=later).error
    assert error is not None
    assert error.next_attempt_at is None


def test_stored_error_that_lacks_members_is_shown_all_the_same() -> None:
    bare = row("failed", error=RULE | {"advice_code": None}, error_class=None, error_code=None, group_id=None)
    assert bare.error is not None
    assert (bare.error.error_class, bare.error.error_code, bare.error.group_id) == (
        "other",
        "OTHER",
        "g_ungrouped",
    )
    assert bare.error.advice.code == "unknown_error"


def test_advice_names_the_label_of_the_field_where_there_is_one() -> None:
    long = RULE | {"advice_code": "value_too_long", "field_label": "Last Name", "fields": ["LastName"]}
    error = row("failed", error=long).error
    assert error is not None
    assert error.advice.explanation == "What the attendee entered does not fit into Last Name on Lead."


def test_attended_follows_the_check_in_that_was_undone() -> None:
    undone = {"checked_in_at": NOW, "check_in_reverted_at": NOW + timedelta(minutes=1)}
    shown = row("synced", undone, is_attended=True)
    assert (shown.is_checked_in, shown.checked_in_at, shown.is_attended) == (False, None, False)
    shown = row("synced", {"checked_in_at": NOW}, is_attended=True)
    assert (shown.is_checked_in, shown.is_attended) == (True, True)


def test_newer_of_registration_and_job_dates_the_row() -> None:
    later = NOW + timedelta(minutes=5)
    shown = row("synced", updated_at=later, change_no=9)
    assert (shown.updated_at, shown.version) == (later, 9)
    shown = row("synced", {"updated_at": later, "change_no": 12})
    assert (shown.updated_at, shown.version) == (later, 12)
    assert row(None).version == 1


def test_activities_are_listed_in_the_order_they_were_written() -> None:
    more = [
        replace(REGISTERED_TASK, slot=f"task:{milestone}", milestone=milestone)
        for milestone in ("other", "lost")
    ]
    later = NOW + timedelta(minutes=5)
    records = [
        record("r1", "task:checked_in", sobject="Task", sf_id="00T2", written_at=later),
        record("r1", "task:registered", sobject="Task", sf_id="00T1"),
        record("r1", "task:other", sobject="Task", sf_id="00T3", written_at=None),
        record("r1", "task:lost", sobject="Task", sf_id=None, state="ambiguous"),
        record("r1", "person", sobject="Lead", sf_id="00Q1"),
    ]
    with catalogue_with(*more):
        kinds = [each.kind for each in activity_links(records, "https://acme.my.salesforce.com")]
    assert kinds == ["registered", "checked_in", "other"]


def test_link_needs_a_record_and_its_address_an_org() -> None:
    standing = record("r1", "person", sobject="Lead", sf_id="00Q1")
    link = link_to(standing, None)
    assert link is not None
    assert (link.id, link.url) == ("00Q1", None)
    assert link_to(None, None) is None


def test_member_written_last_is_shown_after_the_event_was_unlinked() -> None:
    about: dict[str, Any] = {"sobject": "CampaignMember"}
    records = [
        record("r1", "member", instance_key="7011", sf_id="00v1", **about),
        record(
            "r1", "member", instance_key="7012", sf_id="00v2", written_at=NOW + timedelta(days=1), **about
        ),
        record("r1", "member", instance_key="7013", sf_id=None, written_at=None, **about),
    ]
    assert current_slots(records, None)["member"].sf_id == "00v2"


def test_warnings_are_shown_even_when_they_are_bare() -> None:
    [warning] = row("synced", warnings=[{}]).warnings
    assert warning.model_dump() == {"code": "other", "object": None, "field": None, "text": ""}
