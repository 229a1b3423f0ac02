"""Rows of the database become values by the names of their columns, in whatever order these come."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.sync.jobs.load_batch import (
    SIBLING_SLOT_VALUES,
    SLOT_VALUES,
    event_of,
    extras_of,
    facts_of,
    written_slot,
)
from app.sync.jobs.load_queries import CLAIMED, EVENTS, SIBLINGS, SLOTS
from app.sync.model.batch import SLOT_COLUMNS, EventSnapshot, RegistrationExtras, WrittenSlot
from app.sync.model.slot_details import SlotDetails
from tests.factories import NOW

EVENT: dict[str, Any] = {
    "url": "https://otters.example",
    "kind": "online",
    "organizer": None,
    "ends_at": None,
    "starts_at": NOW,
    "title": "Otter Summit",
    "timezone": "Europe/Berlin",
    "location": "River",
    "event_id": "evt_otters",
    "cancelled_at": NOW,
    "cancel_reason": "Storm",
}
FACT_TIMES = (
    "registered_at", "confirmed_at", "check_in_reverted_at", "checked_in_at", "last_checked_in_at",
    "cancelled_at", "no_show_at", "completed_at", "rescheduled_at", "starts_at", "ends_at", "snapshot_at",
)  # fmt: skip
SLOT = WrittenSlot("written", "create", "Lead", "00Q", "registered", "Sent", "EVS", SlotDetails("email"), NOW)


def test_an_event_is_read_by_name() -> None:
    assert event_of(SimpleNamespace(**EVENT)) == EventSnapshot(**(EVENT | {"organizer": {}}))


def test_extras_that_were_not_sent_are_empty() -> None:
    row = SimpleNamespace(replay=None, utm={"source": "x"}, buyer=None, ticket=None, answers=[{"key": "no"}])
    assert extras_of(row) == RegistrationExtras([{"key": "no"}], {}, {}, {"source": "x"}, {})


def test_slots_are_read_by_name() -> None:
    values = SLOT._asdict() | {"details": {"found_by": "email"}}
    reversed_row = SimpleNamespace(**{name: values[name] for name in reversed(SLOT_COLUMNS)})
    prefixed = SimpleNamespace(**{f"slot_{name}": values[name] for name in reversed(SLOT_COLUMNS)})
    assert written_slot(SLOT_VALUES(reversed_row)) == SLOT
    assert written_slot(SIBLING_SLOT_VALUES(prefixed)) == SLOT


def test_facts_are_read_by_name_and_undone_check_ins_left_out() -> None:
    minutes = {name: NOW + timedelta(minutes=place) for place, name in enumerate(FACT_TIMES)}
    row = SimpleNamespace(
        status="confirmed", cancel_reason="Ill", reschedule_reason="Clash", replay=None, **minutes
    )
    facts = facts_of(row)
    named = {name: at for name, at in minutes.items() if name not in ("check_in_reverted_at", "snapshot_at")}
    assert {name: getattr(facts, name) for name in named} == named
    assert (facts.cancel_reason, facts.reschedule_reason) == ("Ill", "Clash")
    row.check_in_reverted_at = row.last_checked_in_at
    assert (facts_of(row).checked_in_at, facts_of(row).last_checked_in_at) == (None, None)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (EVENTS.text, [f"event.{name}" for name in EVENT]),
        (CLAIMED.text, [f"registration.{name}" for name in (*FACT_TIMES, "cancel_reason", "replay")]),
        (CLAIMED.text, ["registration.reschedule_reason", "registration.status"]),
        (SLOTS.text, SLOT_COLUMNS),
        (SIBLINGS.text, [f"record.{name} AS slot_{name}" for name in SLOT_COLUMNS]),
    ],
    ids=["events", "facts", "reasons", "slots", "siblings"],
)
def test_every_name_that_is_read_is_selected(query: str, names: list[str]) -> None:
    selected = query[: query.index("FROM")]
    assert [name for name in names if name not in selected] == []
