"""Groups of failures: what makes two the same, and what a group may never show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.errors.grouping import (
    attendee_values,
    error_fingerprint,
    message_without_values,
    normalized_message,
)

MARY = {
    "email": "m.obrien+summit@example.com",
    "first_name": "Mary Jane",
    "last_name": "O'Brien",
    "phone": "12",
}
VALUES = attendee_values(
    MARY, [{"key": "diet", "value": ["vegetarian", "no nuts"]}, {"key": "n", "value": 3}]
)
LONG = "Aktiengesellschaft für Wasserfahrzeuge und Otterpflege am Spreewald, Niederlassung Süd"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("Phone must start with +", "Phone must start with +", id="plain-text-stays"),
        pytest.param("Missing: [Company]", "Missing: [Company]", id="names"),
        pytest.param("No column 'Foo__c' on Lead", "No column 'Foo__c' on Lead", id="custom-field"),
        pytest.param("O'Brien is on the list of MARY JANE", "… is on the list of …", id="names-of-attendee"),
        pytest.param("E: invalid email address: no mail", "E: invalid email address: …", id="email-tail"),
        pytest.param(
            "Last Name: data value too large: Otter Otter (max length=80)",
            "Last Name: data value too large: … (max length=80)",
            id="too-long-keeps-the-limit",
        ),
        pytest.param(
            "Race: bad value for restricted picklist field: X",
            "Race: bad value for restricted picklist field: …",
            id="picklist-tail",
        ),
        pytest.param(
            "No date from VALUE_STRING value soon or request may be missing a field",
            "No date from VALUE_STRING value … or request may be missing a field",
            id="parser-value",
        ),
        pytest.param("unable to lock 0035g00000RtUvWAAV", "unable to lock …", id="record-id-18"),
        pytest.param("record with id: 0035w00003AbCdE", "record with id: …", id="record-id-15"),
        pytest.param("ask somebody@example.com", "ask …", id="any-email"),
        pytest.param("call +49 30 1234567 now", "call … now", id="any-phone"),
        pytest.param("The value \"Otter\" or 'Smith' is wrong", "The value … or … is wrong", id="quoted"),
        pytest.param("don't write what's not yours", "don't write what's not yours", id="apostrophes-stay"),
        pytest.param("at most 12 of 120", "at most … of 120", id="short-value-only-alone"),
    ],
)
def test_group_shows_the_message_without_what_the_attendee_brought(message: str, shown: str) -> None:
    assert message_without_values(message, VALUES) == shown


def test_value_that_was_cut_at_the_end_of_a_message_is_taken_out() -> None:
    assert message_without_values(f"Firma zu lang: {LONG[:40]}", {LONG}) == "Firma zu lang: …"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("At most 3 of 10", "At most 4 of 12", id="numbers"),
        pytest.param("Not 'Anna'", "Not  'Bert'", id="quoted-and-spaces"),
        pytest.param("on 0035g00000RtUvWAAV, 0035g00000RtUvXAAV", "on 0035g00000RtUvWAAV", id="ids"),
    ],
)
def test_messages_of_one_shape_are_one_group(one: str, other: str) -> None:
    assert _id(message=one.replace(", ", " ")) == _id(message=other)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"error_class": "access"}, id="class"),
        pytest.param({"error_code": "STRING_TOO_LONG"}, id="code"),
        pytest.param({"sobject": "Task"}, id="object"),
        pytest.param({"sobject": None}, id="no-object"),
        pytest.param({"fields": ["Phone", "Email"]}, id="fields"),
        pytest.param({"message": "Another rule"}, id="message"),
        pytest.param({"message": "Not 'Foo__c'"}, id="custom-field"),
    ],
)
def test_what_differs_is_another_group(change: dict[str, object]) -> None:
    assert _id(**change) != _id()


def test_order_of_fields_and_their_repetition_do_not_matter() -> None:
    assert _id(fields=["Email", "Phone", "Email"]) == _id(fields=["Phone", "Email"])


@given(name=st.text(st.characters(categories=["L"]), min_size=4, max_size=30), where=st.integers(0, 2))
def test_name_of_the_attendee_never_changes_the_group_nor_appears_in_it(name: str, where: int) -> None:
    message = ("{} is not welcome", "Not welcome: {}", "We said {}, and mean it")[where]
    values = attendee_values({"name": name})
    assert name not in normalized_message(message.format(name), values)
    assert _id(message=message.format(name), values=values) == _id(message=message.format("…"))


@given(message=st.text(max_size=600), values=st.frozensets(st.text(max_size=40), max_size=6))
def test_any_message_has_a_group(message: str, values: frozenset[str]) -> None:
    assert _id(message=message, values=values).startswith("g_")
    assert len(_id(message=message, values=values)) == 14


def _id(**change: object) -> str:
    values: dict[str, object] = {
        "error_class": "data",
        "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "sobject": "Lead",
        "fields": ["Phone"],
        "message": "Phone must start with +",
    }
    return error_fingerprint(**(values | change))  # type: ignore[arg-type]
