"""Whether an absent record can only have been deleted, by the objects of which the user sees every record."""

from typing import Any

import pytest

from app.sync.lookup.view_all import cache_body, fully_visible_objects, has_missing_person
from app.sync.matching.person_matching import (
    Absent,
    NotVisible,
    PersonIndex,
    PersonNotFound,
    is_certainly_deleted,
    resolve,
)
from app.sync.model.batch import PERSON, Job, SlotKey, WrittenSlot
from app.sync.model.records import FoundPerson, PersonRow
from tests.unit.sync.builders import job

LEAD_ID, CONTACT_ID, ACCOUNT_ID = "00Q000000000001AAA", "003000000000001AAA", "001000000000001AAA"
EMAIL = "ada@river.example"


def known_job(sobject: str, sf_id: str, **changes: Any) -> Job:
    """Somebody whom we wrote as this record."""
    written = {SlotKey(PERSON): WrittenSlot("written", "create", sobject, sf_id)}
    return job(written=written, **changes)


def people(*rows: PersonRow, absent: str, fully_visible: set[str]) -> PersonIndex:
    return PersonIndex.of(rows, [absent, *(row.id for row in rows)], fully_visible=frozenset(fully_visible))


@pytest.mark.parametrize(
    ("sobject", "sf_id", "fully_visible", "expected"),
    [
        ("Lead", LEAD_ID, set(), NotVisible("Lead", LEAD_ID)),
        ("Lead", LEAD_ID, {"Contact"}, NotVisible("Lead", LEAD_ID)),
        ("Lead", LEAD_ID, {"Lead"}, PersonNotFound()),
        ("Contact", CONTACT_ID, {"Lead"}, NotVisible("Contact", CONTACT_ID)),
        ("Contact", CONTACT_ID, {"Contact"}, PersonNotFound()),
        ("Account", ACCOUNT_ID, {"Lead", "Contact"}, NotVisible("Account", ACCOUNT_ID)),
    ],
)
def test_absent_is_gone_where_the_user_sees_all_of_that_object(
    sobject: str, sf_id: str, fully_visible: set[str], expected: object
) -> None:
    known = people(absent=sf_id, fully_visible=fully_visible)
    assert resolve(known_job(sobject, sf_id), known) == expected
    assert has_missing_person([known_job(sobject, sf_id)], known) is isinstance(expected, NotVisible)


def test_a_retry_needs_no_right() -> None:
    known = people(absent=LEAD_ID, fully_visible=set())
    assert resolve(known_job("Lead", LEAD_ID, reason="retry"), known) == PersonNotFound()


@pytest.mark.parametrize(("fully_visible", "is_hidden"), [({"Lead"}, True), ({"Lead", "Contact"}, False)])
def test_the_end_of_the_trail_decides_not_its_beginning(fully_visible: set[str], *, is_hidden: bool) -> None:
    lead = PersonRow("Lead", LEAD_ID, EMAIL, "", is_converted=True, converted_contact_id=CONTACT_ID)
    found = resolve(known_job("Lead", LEAD_ID), people(lead, absent=CONTACT_ID, fully_visible=fully_visible))
    assert isinstance(found, NotVisible) is is_hidden


def test_whoever_is_gone_is_found_by_the_address() -> None:
    other = PersonRow("Contact", CONTACT_ID, EMAIL, "2026-01-01")
    known = people(other, absent=LEAD_ID, fully_visible={"Lead"})
    assert resolve(known_job("Lead", LEAD_ID), known) == FoundPerson("Contact", CONTACT_ID, "email")


def test_an_object_that_was_not_named_is_never_gone() -> None:
    assert not is_certainly_deleted(
        Absent("500000000000001AAA"), PersonIndex(fully_visible=frozenset({"Lead", "Contact"}))
    )


@pytest.mark.parametrize(
    ("granted", "has_person_accounts", "expected"),
    [
        (set(), False, set()),
        ({"Lead"}, False, {"Lead"}),
        ({"Contact"}, False, {"Contact"}),
        ({"Lead", "Contact"}, True, {"Lead"}),
        ({"Account", "Contact"}, True, {"Contact"}),
        ({"Account"}, False, set()),
        ({"Account", "Contact", "Lead"}, True, {"Lead", "Contact"}),
    ],
)
def test_contacts_of_person_accounts_are_seen_with_their_accounts(
    granted: set[str], *, has_person_accounts: bool, expected: set[str]
) -> None:
    assert fully_visible_objects(granted, has_person_accounts=has_person_accounts) == expected


def test_unknown_and_nothing_are_kept_apart() -> None:
    assert cache_body(None, "005") == {"user_id": "005", "fully_visible": None}
    assert cache_body(frozenset(), "005") == {"user_id": "005", "fully_visible": []}
    assert cache_body({"Lead", "Contact"}, None) == {"user_id": None, "fully_visible": ["Contact", "Lead"]}
