"""Values as Salesforce's fields take them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.sync.batch import Attendee
from app.sync.rules.fields import (
    PersonName,
    clean,
    cut,
    is_usable_email,
    lead_company,
    lead_fields,
    person_name,
    utf16_length,
)


@pytest.mark.parametrize(
    ("attendee", "name"),
    [
        pytest.param(
            Attendee(first_name="Ada", last_name="Otter"), PersonName("Ada", "Otter"), id="as given"
        ),
        pytest.param(Attendee(name="Mary Jane Smith"), PersonName("Mary Jane", "Smith"), id="three words"),
        pytest.param(Attendee(name="Cher"), PersonName(None, "Cher"), id="one word"),
        pytest.param(Attendee(email="ada.o@x.example"), PersonName(None, "ada.o"), id="none: the address"),
        pytest.param(Attendee(first_name="Ada"), PersonName(None, "Ada"), id="first name only"),
        pytest.param(Attendee(last_name="van Otter"), PersonName(None, "van Otter"), id="last name only"),
        pytest.param(Attendee(name="  Ada \t Otter "), PersonName("Ada", "Otter"), id="white space"),
        pytest.param(Attendee(name="Back\\slash O'Brien"), PersonName("Back\\slash", "O'Brien"), id="signs"),
        pytest.param(Attendee(), PersonName(None, "unknown"), id="nothing at all"),
        pytest.param(Attendee(email="\x01@x.example"), PersonName(None, "unknown"), id="nothing to print"),
    ],
)
def test_names(attendee: Attendee, name: PersonName) -> None:
    assert person_name(attendee) == name


@pytest.mark.parametrize(
    ("company", "email", "expected"),
    [
        pytest.param("River Ltd", "a@x.example", "River Ltd", id="as given"),
        pytest.param("  ", "a@river.example", "river.example", id="the address's domain"),
        pytest.param(None, "a@gmail.com", "[not provided]", id="free mail"),
        pytest.param(None, None, "[not provided]", id="nothing"),
    ],
)
def test_companies(company: str | None, email: str | None, expected: str) -> None:
    assert lead_company(Attendee(company=company, email=email, email_key=email)) == expected


@pytest.mark.parametrize(
    ("email", "is_usable"),
    [
        pytest.param("o'brien@example.com", True, id="apostrophe"),
        pytest.param("a+b@example.com", True, id="plus"),
        pytest.param("ada@sub.example.co.uk", True, id="subdomains"),
        pytest.param("jürgen@example.de", True, id="umlaut: Salesforce decides"),
        pytest.param("no-at.example.com", False, id="no at sign"),
        pytest.param("two@@example.com", False, id="two at signs"),
        pytest.param("a b@example.com", False, id="space"),
        pytest.param("a@localhost", False, id="no dot"),
        pytest.param("a@b..example", False, id="empty label"),
        pytest.param("a" * 69 + "@example.com", False, id="81 characters"),
        pytest.param("a" * 68 + "@example.com", True, id="80 characters"),
    ],
)
def test_usable_emails(email: str, is_usable: bool) -> None:
    assert is_usable_email(email) is is_usable


def test_long_company_is_cut_with_a_warning() -> None:
    fields, notices = lead_fields(Attendee(email="a@x.example", company="x" * 300), frozenset())
    assert len(fields["Company"]) == 255
    assert [(each.code, each.field) for each in notices] == [("value_cut", "Company")]


def test_missing_company_is_told() -> None:
    fields, notices = lead_fields(Attendee(email="a@x.example", email_key="a@x.example"), frozenset())
    assert fields["Company"] == "x.example"
    assert [each.code for each in notices] == ["fallback_used"]


def test_refused_field_is_left_out() -> None:
    fields, notices = lead_fields(Attendee(email="a@x.example", company="x"), frozenset({"LeadSource"}))
    assert "LeadSource" not in fields
    assert [each.code for each in notices] == ["picklist_dropped"]


@given(st.text())
def test_cut_text_fits_and_is_a_prefix(text: str) -> None:
    shortened = cut("Lead", "FirstName", text)
    assert utf16_length(shortened.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")) <= 40
    assert text.startswith(shortened)


@example("a  b")
@example("a ")
@given(st.text(st.sampled_from("ab \t\n\u00a0\u200b\x00é"), max_size=8))
def test_clean_text_has_single_spaces_and_nothing_unprintable_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    words = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    assert cleaned == (" ".join(words.split()) or None)
    assert clean(cleaned) == cleaned
