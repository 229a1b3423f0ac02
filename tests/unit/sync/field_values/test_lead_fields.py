"""Values as Salesforce's fields accept them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.sync.field_values.lead_fields import (
    PersonName,
    is_usable_email,
    lead_company,
    lead_fields,
    person_name,
    truncate,
)
from app.sync.field_values.text import normalize_text, utf16_length
from app.sync.model.batch import Attendee


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
        pytest.param("{a}@example.com", False, id="braces"),
        pytest.param("a@exa{mple}.com", False, id="braces in the domain"),
        pytest.param("a" * 69 + "@example.com", False, id="81 characters"),
        pytest.param("a" * 68 + "@example.com", True, id="80 characters"),
    ],
)
def test_usable_emails(email: str, is_usable: bool) -> None:
    assert is_usable_email(email) is is_usable


def test_long_company_is_cut_with_a_warning() -> None:
    fields, warnings = lead_fields(Attendee(email="a@x.example", company="x" * 300), frozenset())
    assert len(fields["Company"]) == 255
    assert [(each.code, each.field) for each in warnings] == [("value_cut", "Company")]


def test_missing_company_is_reported() -> None:
    fields, warnings = lead_fields(Attendee(email="a@x.example", email_key="a@x.example"), frozenset())
    assert fields["Company"] == "x.example"
    assert [each.code for each in warnings] == ["fallback_used"]


def test_refused_field_is_left_out() -> None:
    fields, warnings = lead_fields(Attendee(email="a@x.example", company="x"), frozenset({"LeadSource"}))
    assert "LeadSource" not in fields
    assert [each.code for each in warnings] == ["picklist_dropped"]


@pytest.mark.parametrize("field", ["Company", "LastName", "Email"])
@pytest.mark.parametrize("company", [None, "River"], ids=["no company", "company"])
def test_a_needed_field_that_was_refused_under_earlier_rules_is_written(
    company: str | None, field: str
) -> None:
    attendee = Attendee(email="a@gmail.com", email_key="a@gmail.com", company=company)
    assert lead_fields(attendee, frozenset({field})) == lead_fields(attendee, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("محمد نرم\u200cافزار", id="Persian"),
        pytest.param("ക്\u200dഷ", id="Malayalam"),
        pytest.param("അവന്\u200d രാജ", id="Malayalam, at the end of a word"),
        pytest.param("Team 👩\u200d💻 and 👩🏽\u200d🚀", id="emoji"),
        pytest.param("❤️\u200d🔥 night", id="emoji with a selector"),
        pytest.param("new \U0001fbfa\u200d\U0003fffd", id="newer than the tables"),
    ],
)
def test_joiners_and_newer_characters_stay_in_text(text: str) -> None:
    assert normalize_text(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("Ot\u200bter", "Otter", id="zero width space"),
        pytest.param("\ufeffOtter\u200f", "Otter", id="byte order mark and direction"),
        pytest.param("\u200dOtter\u200c", "Otter", id="joiners at the ends"),
        pytest.param("Ada \u200d Otter", "Ada Otter", id="joiner between words"),
        pytest.param("\u200d\u200c", None, id="joiners alone"),
        pytest.param("a\ufffe\ufdd0b", "ab", id="no characters at all"),
    ],
)
def test_invisible_characters_go_from_text(text: str, cleaned: str | None) -> None:
    assert normalize_text(text) == cleaned


@given(st.text())
def test_cut_text_fits_and_is_a_prefix(text: str) -> None:
    shortened = truncate("Lead", "FirstName", text)
    assert utf16_length(shortened.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")) <= 40
    assert text.startswith(shortened)


@example("a  b")
@example("a ")
@given(st.text(st.sampled_from("ab \t\n\u00a0\u200b\x00é"), max_size=8))
def test_clean_text_has_single_spaces_and_nothing_unprintable_and_stays_as_it_is(text: str) -> None:
    cleaned = normalize_text(text)
    words = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    assert cleaned == (" ".join(words.split()) or None)
    assert normalize_text(cleaned) == cleaned
