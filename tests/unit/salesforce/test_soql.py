"""SOQL literals read back by a strict reader are what went in."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.salesforce.soql import datetime_literal, in_list, like, quote

UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


def read_literal(text: str) -> str:
    """Read one quoted literal as Salesforce does: any backslash sequence outside the table is an error."""
    assert text[0] == "'"
    value, place = "", 1
    while text[place] != "'":
        if text[place] == "\\":
            value += UNESCAPED[text[place + 1]]
            place += 2
        else:
            assert ord(text[place]) >= 32
            value += text[place]
            place += 1
    assert place == len(text) - 1, "the literal ended early"
    return value


def is_storable(character: str) -> bool:
    return character in "\n\r\t\b\f" or unicodedata.category(character) not in ("Cc", "Cs")


@settings(max_examples=1000, deadline=None)
@given(st.text())
@example("o'brien@acme.example")
@example("' OR Name LIKE '%")
@example("\\")
@example("\\' OR Id != '")
@example("a\\'b\"c\n\r\t\b\fd\x00e")
@example("\ud800")
def test_a_literal_reads_back_as_the_value_without_control_characters(value: str) -> None:
    assert read_literal(quote(value)) == "".join(filter(is_storable, value))


@given(st.lists(st.text(alphabet="ab',\\()"), min_size=1))
def test_a_list_holds_each_value_once_in_order(values: list[str]) -> None:
    literals = ",".join(quote(value) for value in dict.fromkeys(values))
    assert in_list(values) == f"({literals})"


def test_a_list_is_written_without_spaces() -> None:
    assert in_list(["a", "b", "a"]) == "('a','b')"


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        in_list([])


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        pytest.param("Spring", "'%Spring%'", id="plain"),
        pytest.param("100%", r"'%100\%%'", id="percent"),
        pytest.param("a_b", r"'%a\_b%'", id="underscore"),
        pytest.param("o'b\\", r"'%o\'b\\%'", id="quote-and-backslash"),
    ],
)
def test_like_takes_wildcards_in_the_value_letter_by_letter(value: str, literal: str) -> None:
    assert like(value) == literal
    assert like(value, is_prefix=True) == "'" + literal[2:]


def test_equality_leaves_wildcards_alone() -> None:
    assert quote("100%_") == "'100%_'"


@pytest.mark.parametrize(
    ("at", "literal"),
    [
        pytest.param(
            datetime(2026, 11, 21, 10, 0, 31, 999999, UTC), "2026-11-21T10:00:31Z", id="rounds-down"
        ),
        pytest.param(
            datetime(2026, 11, 21, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-20T23:00:00Z",
            id="to-utc",
        ),
    ],
)
def test_datetimes_are_unquoted_utc(at: datetime, literal: str) -> None:
    assert datetime_literal(at) == literal


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        datetime_literal(datetime(2026, 11, 21))  # noqa: DTZ001 - the case under test
