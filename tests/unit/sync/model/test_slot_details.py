"""The details of a slot are stored as they were parsed; what is not set is not stored."""

from typing import Any

from app.sync.model.slot_details import KEYS, NO_DETAILS, SlotDetails

STORED: dict[str, Any] = {
    "found_by": "created",
    "is_created_by_us": False,
    "attendee_id": "att_1",
    "person_account_id": "001A",
    "warning": {"code": "fallback_used", "object": "Lead", "field": None, "text": "Another name."},
    "subject": "Registered: Otter Summit",
    "was_member_before": False,
    "is_manual": True,
    "written_digests": {},
    "pending_digests": {"Title": "x"},
    "created_as": {"title": "Otter Summit", "starts_at": None, "ends_at": None},
    "dropped": [],
    "was_misjudged": True,
    "was_moved": True,
    "reported_missing": True,
    "is_first_day": True,
    "sent_key": "evs__Eventship_Key__c=EVS-ABCDEFGHIJKLMNOP",
    "call_ended": True,
    "is_suspected": True,
}


def test_every_key_is_stored_as_it_was() -> None:
    assert set(STORED) == set(KEYS)
    assert SlotDetails.parse(STORED).as_json() == STORED


def test_each_key_alone_is_stored_alone() -> None:
    for name, value in STORED.items():
        assert SlotDetails.parse({name: value}).as_json() == {name: value}


def test_what_is_not_set_is_not_stored() -> None:
    assert SlotDetails.parse({}).as_json() == NO_DETAILS.as_json() == {}


def test_keys_of_a_later_version_are_kept() -> None:
    later = {"found_by": "email", "mood": "good"}
    assert SlotDetails.parse(later)._replace(is_manual=True).as_json() == {**later, "is_manual": True}


def test_an_update_changes_what_it_sets_even_to_nothing() -> None:
    before = SlotDetails(found_by="email", is_created_by_us=True, written_digests={"Title": "x"})
    changes = SlotDetails(is_created_by_us=False, written_digests={})
    assert before.updated(changes) == SlotDetails("email", is_created_by_us=False, written_digests={})
