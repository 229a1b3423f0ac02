"""Values in fields of every type."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.salesforce.describe import Field
from app.sync.field_values.converters import ConversionError, NotInPicklist, convert
from app.sync.field_values.sources import Value
from app.sync.field_values.text import shortened
from tests.unit.sync.builders import field

BERLIN = ZoneInfo("Europe/Berlin")
LATE = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
DIETS = field(type="multipicklist", length=40, picklist_values=("Vegan", "No nuts"))
STRICT_DIETS = field(
    type="multipicklist", length=40, picklist_values=("Vegan", "No nuts"), is_restricted_picklist=True
)
STRICT = field(type="picklist", length=40, picklist_values=("Hot", "Cold"), is_restricted_picklist=True)
MONEY = field(type="currency", precision=6, scale=2)
OWNER = field(type="reference", length=18, reference_to=("Group", "User"))


@pytest.mark.parametrize(
    ("target", "value", "sent"),
    [
        pytest.param(field(length=5), " a \t b ", "a b", id="text: white space"),
        pytest.param(field(), "a\x00b\nc", "ab c", id="text: control characters"),
        pytest.param(field(), ("a", "b"), "a, b", id="text: several options"),
        pytest.param(field(), True, "true", id="text: a yes"),
        pytest.param(field(), 12, "12", id="text: a number"),
        pytest.param(field(), LATE, "2026-11-11 00:30", id="text: a moment in the event's zone"),
        pytest.param(field(type="textarea"), "a \n\n b", "a\n\nb", id="text area: lines stay"),
        pytest.param(field(type="phone", length=40), "+49 30 1", "+49 30 1", id="phone"),
        pytest.param(field(type="email", length=80), " a+b@x.example ", "a+b@x.example", id="e-mail"),
        pytest.param(
            field(type="url", length=80), "https://x.example/a?b", "https://x.example/a?b", id="url"
        ),
        pytest.param(field(type="url"), "x.example", "x.example", id="url: a bare domain"),
        pytest.param(STRICT, "Hot", "Hot", id="picklist"),
        pytest.param(STRICT, "hot", "Hot", id="picklist: its own spelling"),
        pytest.param(field(type="picklist"), "Else", "Else", id="picklist: not restricted"),
        pytest.param(DIETS, ("vegan", "fish; raw"), "Vegan;fish, raw", id="multi-select"),
        pytest.param(DIETS, ("Vegan", "vegan"), "Vegan", id="multi-select: once each"),
        pytest.param(DIETS, "a;b", "a,b", id="multi-select: a sign inside an option"),
        pytest.param(field(type="boolean"), True, True, id="boolean"),
        *[
            pytest.param(field(type="boolean"), word, True, id=f"yes: {word}")
            for word in ("true", "Yes", "ja", "oui", "sí", "1", " ON ")
        ],
        *[
            pytest.param(field(type="boolean"), word, False, id=f"no: {word}")
            for word in ("false", "No", "nein", "non", "0", "No, thanks", "Nein danke!", "нет")
        ],
        *[
            pytest.param(field(type="boolean"), word, True, id=f"ticked: {word}")
            for word in ("I agree to the terms", "None of my colleagues", "perhaps", LATE)
        ],
        pytest.param(field(type="boolean"), ("Send me news",), True, id="check box: one option"),
        pytest.param(field(type="boolean"), ("No",), False, id="check box: one option that says no"),
        pytest.param(field(type="boolean"), ("No", "Yes"), True, id="check box: several options"),
        pytest.param(field(type="boolean"), 0, False, id="boolean: nought"),
        pytest.param(field(type="boolean"), 1, True, id="boolean: one"),
        pytest.param(field(type="int"), "12", 12, id="int: text"),
        pytest.param(field(type="int"), 3.0, 3, id="int: a whole float"),
        pytest.param(MONEY, "9 999,5", 9999.5, id="number: a comma and a space"),
        pytest.param(MONEY, 5, 5, id="number: whole"),
        pytest.param(field(type="double"), "-0.25", -0.25, id="number: negative"),
        pytest.param(field(type="date"), LATE, "2026-11-11", id="date: the day in the event's zone"),
        pytest.param(field(type="date"), "2026-11-24", "2026-11-24", id="date: text"),
        pytest.param(field(type="date"), "2026-11-24T00:00:00Z", "2026-11-24", id="date: midnight UTC"),
        pytest.param(
            field(type="date"), "2026-11-24T00:00:00.000+00:00", "2026-11-24", id="date: midnight, in full"
        ),
        pytest.param(
            field(type="date"), "2026-11-24T00:00:00-05:00", "2026-11-24", id="date: a midnight elsewhere"
        ),
        pytest.param(field(type="date"), "2026-11-24T23:30:00Z", "2026-11-25", id="date: a moment as text"),
        pytest.param(field(type="datetime"), LATE, "2026-11-10T23:30:00Z", id="datetime"),
        pytest.param(
            field(type="datetime"),
            "2026-11-24T09:00",
            "2026-11-24T08:00:00Z",
            id="datetime: the event's zone",
        ),
        pytest.param(field(type="datetime"), "2026-07-01", "2026-06-30T22:00:00Z", id="datetime: a day"),
        pytest.param(field(type="time"), "09:00", "09:00:00.000Z", id="time"),
        pytest.param(field(type="time"), LATE, "00:30:00.000Z", id="time: of a moment"),
        pytest.param(OWNER, "0055g00000AbCdE", "0055g00000AbCdEAAV", id="reference"),
    ],
)
def test_values_that_fit(target: Field, value: Value, sent: Any) -> None:
    found = convert(target, value, zone=BERLIN)
    assert (found.value, type(found.value), found.note) == (sent, type(sent), None)


@pytest.mark.parametrize(
    ("target", "value", "sent"),
    [
        pytest.param(field(length=3), "abcdef", "abc", id="text is cut"),
        pytest.param(field(length=3), "ab\N{GRINNING FACE}", "ab", id="never through a character"),
        pytest.param(MONEY, 1.005, 1, id="decimals are rounded"),
        pytest.param(STRICT, ("Hot", "Cold"), "Hot", id="one of several options"),
        pytest.param(field(type="multipicklist", length=5), ("abc", "def"), "abc", id="options are left out"),
    ],
)
def test_values_that_are_changed_say_so(target: Field, value: Value, sent: Any) -> None:
    found = convert(target, value, zone=BERLIN)
    assert found.value == sent
    assert found.note


NEW_YORK = ZoneInfo("America/New_York")


def test_midnight_in_utc_is_that_day_west_of_greenwich() -> None:
    assert convert(field(type="date"), "2026-11-24T00:00:00Z", zone=NEW_YORK).value == "2026-11-24"


def test_a_moment_of_the_event_is_a_day_in_its_zone_also_at_midnight_in_utc() -> None:
    documented_paths = datetime(2026, 11, 24, tzinfo=UTC)
    assert convert(field(type="date"), documented_paths, zone=NEW_YORK).value == "2026-11-23"


@pytest.mark.parametrize(
    ("text", "locale", "number"),
    [
        pytest.param("1.000", "de", 1000, id="German thousands"),
        pytest.param("1.000", "de-DE", 1000, id="German of Germany"),
        pytest.param("1.000", "en-GB", 1, id="English decimals"),
        pytest.param("1,000", "en", 1000, id="English thousands"),
        pytest.param("1,250", "fr_FR", 1.25, id="French decimals"),
        pytest.param("1.250", "de-CH", 1.25, id="Swiss decimals"),
        pytest.param("1,250", "es-MX", 1250, id="Mexican thousands"),
        pytest.param("1.234,5", None, 1234.5, id="both signs"),
        pytest.param("1,234.5", None, 1234.5, id="both signs the other way"),
        pytest.param("1.234.567", None, 1234567, id="the same sign twice"),
        pytest.param("1'250.5", None, 1250.5, id="apostrophe"),
        pytest.param("0.125", None, 0.125, id="nothing is grouped after a nought"),
        pytest.param("1234.567", None, 1234.567, id="four digits are no group"),
        pytest.param("12,5", "en", 12.5, id="a comma that cannot part thousands"),
        pytest.param("-1.5", "de", -1.5, id="a point that cannot part thousands"),
    ],
)
def test_numbers_are_read_by_the_attendees_language(text: str, locale: str | None, number: float) -> None:
    assert convert(field(type="double"), text, zone=BERLIN, locale=locale).value == number


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        pytest.param("1.000", None, id="no language"),
        pytest.param("1,000", "xx", id="a language that is not known"),
        pytest.param("1.000", "en-ZA", id="both are used there"),
        pytest.param("12.34.56", "de", id="groups of two"),
        pytest.param("1.00,000,00", "de", id="mixed groups"),
        pytest.param("1,2,3.4,5", None, id="mixed"),
        pytest.param("1..5", None, id="two points"),
    ],
)
def test_numbers_that_may_be_two_are_left_out(text: str, locale: str | None) -> None:
    with pytest.raises(ConversionError):
        convert(field(type="double"), text, zone=BERLIN, locale=locale)


def test_numbers_of_the_host_do_not_depend_on_the_attendee() -> None:
    with pytest.raises(ConversionError):
        convert(field(type="double"), "1.000", zone=BERLIN, locale="de", is_configured=True)


def test_words_of_the_host_for_a_check_box_are_yes_or_no() -> None:
    with pytest.raises(ConversionError, match="neither yes nor no"):
        convert(field(type="boolean"), "perhaps", zone=BERLIN, is_configured=True)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        pytest.param(field(), "\x00", id="nothing left"),
        pytest.param(field(length=1), "\N{OTTER}", id="first character longer than the field"),
        pytest.param(field(type="phone"), "n/a", id="phone without a digit"),
        pytest.param(field(type="email"), "a@localhost", id="e-mail without a dot"),
        pytest.param(field(type="email"), "ü@x.example", id="e-mail beyond ASCII"),
        pytest.param(field(type="email"), ".a@x.example", id="e-mail with a dot in front"),
        pytest.param(field(type="email", length=8), "ab@x.example", id="e-mail is never cut"),
        pytest.param(field(type="url"), "no page", id="url with a space"),
        pytest.param(field(type="url", length=8), "https://x.example", id="url is never cut"),
        pytest.param(field(type="picklist", length=3), "Else", id="option longer than the field"),
        pytest.param(field(type="multipicklist", length=2), ("abc", "x"), id="first option longer"),
        pytest.param(field(type="int"), "12.5", id="no whole number"),
        pytest.param(field(type="int"), 10**8, id="int of nine digits"),
        pytest.param(field(type="int"), True, id="a yes is no number"),
        pytest.param(field(type="int"), ("1", "2"), id="two numbers"),
        pytest.param(field(type="double"), "many", id="words are no number"),
        pytest.param(field(type="double"), "1,234", id="thousands or decimals: nobody knows"),
        pytest.param(field(type="double"), "١٢", id="digits of another script"),
        pytest.param(field(type="double"), float("nan"), id="not a number"),
        pytest.param(field(type="double"), float("inf"), id="infinite"),
        pytest.param(field(type="double"), 10**18, id="nineteen digits"),
        pytest.param(MONEY, 10_000, id="more digits than the field"),
        pytest.param(MONEY, 9999.999, id="more digits once rounded"),
        pytest.param(field(type="double", precision=18, scale=17), 10, id="precise fields are small"),
        pytest.param(field(type="date"), "24.11.2026", id="a day written otherwise"),
        pytest.param(field(type="date"), "1582-10-15", id="before Salesforce's calendar"),
        pytest.param(field(type="date"), 20261124, id="a number is no day"),
        pytest.param(field(type="datetime"), "0001-01-01T00:00:00+14:00", id="before any calendar"),
        pytest.param(field(type="datetime"), "4000-01-01T00:00:00Z", id="after Salesforce's calendar"),
        pytest.param(field(type="time"), "soon", id="no time"),
        pytest.param(OWNER, "00Q5g00000AbCdE", id="the id of another object"),
        pytest.param(OWNER, "rita", id="no id"),
        pytest.param(field(type="address"), "Somewhere 1", id="compound fields"),
        pytest.param(field(type="base64"), "aGk=", id="files"),
    ],
)
def test_values_that_do_not_fit(target: Field, value: Value) -> None:
    with pytest.raises(ConversionError):
        convert(target, value, zone=BERLIN)


def test_a_restricted_picklist_names_what_it_has() -> None:
    with pytest.raises(NotInPicklist, match=r"“Tepid” .* Hot, Cold"):
        convert(STRICT, "Tepid", zone=BERLIN)
    with pytest.raises(NotInPicklist):
        convert(STRICT_DIETS, ("Vegan", "Tepid"), zone=BERLIN)


def test_what_the_host_wrote_may_list_options() -> None:
    assert convert(STRICT_DIETS, "vegan; no nuts", zone=BERLIN, is_configured=True).value == "Vegan;No nuts"


@pytest.mark.parametrize(("text", "limit", "cut"), [("abc", 0, "abc"), ("ab cd", 3, "ab"), ("", 3, "")])
def test_shortened(text: str, limit: int, cut: str) -> None:
    assert shortened(text, limit) == cut
