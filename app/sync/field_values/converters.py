"""Convert one value for one field of the org, by the field's type in its describe. Pure.

Types and limits:
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from app.salesforce.describe import Field
from app.salesforce.ids import is_id, sobject_of, to18
from app.sync.field_values.lead_fields import is_usable_email
from app.sync.field_values.numbers import NotANumber, UnclearNumber, number_of
from app.sync.field_values.sources import Value, day_of, format_value, in_zone
from app.sync.field_values.text import comparison_key, normalize_text, shortened, utf16_length
from app.text.email_address import plain_address
from app.user_messages.phrases import Phrase

TEXT_TYPES: Final = frozenset({"string", "textarea", "combobox", "encryptedstring", "phone"})
NUMBER_TYPES: Final = frozenset({"int", "double", "currency", "percent"})
INT_DIGITS: Final = 8
NUMBER_DIGITS: Final = 18
FIRST_YEAR, LAST_YEAR = 1700, 4000
YES: Final = frozenset(["true", "yes", "y", "on", "ja", "j", "oui", "o", "sí", "si", "s", "1"])
NO_WORDS: Final = "false no n off nein non nee nej nei não nao ne nie нет いいえ 否 不 0 0.0"
NO: Final = frozenset(NO_WORDS.split())
THANKS: Final = frozenset(
    ["thanks", "thank you", "danke", "merci", "gracias", "grazie", "obrigado", "obrigada"]
)
ASCII_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`|~-]+@[A-Za-z0-9.-]+", re.ASCII)
DOMAIN_PARTS: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
URL: Final = re.compile(r"(?:https?://)?[^\s/.]+\.[^\s]+", re.IGNORECASE)


class ConversionError(ValueError):
    """The field cannot hold the value; `text` says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotInPicklist(ConversionError):
    """A restricted picklist does not have this value."""


class NumberUnclear(ConversionError):
    """The text may be two numbers."""


@dataclass(frozen=True)
class ConvertedValue:
    """The JSON value of the field; `note` names what was changed to make it fit."""

    value: Any
    note: str | None = None


def convert(
    field: Field, value: Value, *, zone: tzinfo, locale: str | None = None, is_configured: bool = False
) -> ConvertedValue:
    """The value as the field takes it. Raises `ConversionError`.

    `zone` is the event's, for days and for times without one; `locale` the attendee's, for their numbers.
    `is_configured`: the host wrote the value, so that a `;` separates options, an id may be meant, and a
    check box needs a yes or a no.
    """
    fit = CONVERTERS.get(field.type)
    if fit is None:
        raise ConversionError(Phrase("unfit.type_not_supported", type=field.type))
    if is_configured and field.type == "multipicklist":
        value = _options(value)
    elif is_configured and field.type == "boolean" and _word(format_value(value, zone)) not in YES | NO:
        raise ConversionError(Phrase("unfit.neither_yes_nor_no"))
    elif field.type in NUMBER_TYPES and isinstance(value, str):
        value = _number_text(value, None if is_configured else locale)
    return fit(field, value, zone)


def options_of(text: object) -> tuple[str, ...]:
    """The options of a multi-select as Salesforce shows them, `a;b`."""
    return tuple(each.strip() for each in str(text or "").split(";") if each.strip())


def _options(value: Value) -> Value:
    return options_of(value) if isinstance(value, str) else value


def _text(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    text = _plain(format_value(value, zone), keeps_lines=field.type == "textarea")
    if field.type == "phone" and not any(char.isdigit() for char in text):
        raise ConversionError(Phrase("unfit.no_phone"))
    cut = shortened(text, field.length)
    if not cut:
        raise ConversionError(Phrase("unfit.first_character_too_long"))
    return ConvertedValue(cut, None if cut == text else Phrase("note.cut", length=field.length))


def _plain(text: str, *, keeps_lines: bool = False) -> str:
    storable = text.encode("utf-16-le", "ignore").decode("utf-16-le")
    lines = (
        (normalize_text(line) for line in storable.splitlines())
        if keeps_lines
        else [normalize_text(storable)]
    )
    plain = "\n".join(line or "" for line in lines).strip()
    if not plain:
        raise ConversionError(Phrase("unfit.nothing_left"))
    return plain


def _email(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    text = plain_address(format_value(value, zone)) or ""
    local, _, domain = text.partition("@")
    is_plain = ASCII_EMAIL.fullmatch(text) and DOMAIN_PARTS.fullmatch(domain)
    is_dotted_well = not local.startswith(".") and not local.endswith(".") and ".." not in local
    if not (is_plain and is_dotted_well and is_usable_email(text) and _is_within(field, text)):
        raise ConversionError(Phrase("unfit.no_email"))
    return ConvertedValue(text)


def _url(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    text = _plain(format_value(value, zone))
    if not URL.fullmatch(text) or not _is_within(field, text):
        raise ConversionError(Phrase("unfit.no_url"))
    return ConvertedValue(text)


def _is_within(field: Field, text: str) -> bool:
    return not field.length or utf16_length(text) <= field.length


def _picklist(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    options = value if isinstance(value, tuple) else (format_value(value, zone),)
    note = Phrase("note.first_option") if len(options) > 1 else None
    return ConvertedValue(_option(field, options[0]), note)


def _multipicklist(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    options = value if isinstance(value, tuple) else (format_value(value, zone),)
    known = list(dict.fromkeys(_option(field, option.replace(";", ",")) for option in options))
    kept = list(known)
    while kept and not _is_within(field, ";".join(kept)):
        kept.pop()
    if not kept:
        raise ConversionError(Phrase("unfit.options_too_long"))
    return ConvertedValue(";".join(kept), None if kept == known else Phrase("note.options_left_out"))


def _option(field: Field, text: str) -> str:
    """The value that an option or a label means, else the option itself unless the picklist is restricted."""
    option = _plain(text)
    if option in field.picklist_values:
        return option
    labels = dict(zip(field.picklist_labels, field.picklist_values, strict=False))
    spelled = {comparison_key(label): value for label, value in labels.items()}
    spelled |= {comparison_key(value): value for value in field.picklist_values}
    if comparison_key(option) in spelled:
        return spelled[comparison_key(option)]
    if field.is_restricted_picklist:
        allowed = ", ".join(field.picklist_values[:20]) or Phrase("word.none")
        raise NotInPicklist(Phrase("unfit.not_in_picklist", option=option[:80], allowed=allowed))
    if not _is_within(field, option):
        raise ConversionError(Phrase("unfit.option_too_long"))
    return option


def _boolean(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    """Convert a ticked option to true, unless its text means no."""
    options = value if isinstance(value, tuple) else (format_value(value, zone),)
    return ConvertedValue(not all(_is_no(option) for option in options))


def _is_no(text: str) -> bool:
    """`no`, `No, I come alone`, `nein danke`; not `None of my colleagues` or `No-code workshop`."""
    word = _word(text)
    first, comma, _ = word.partition(",")
    no, _, thanks = word.partition(" ")
    return word in NO or (bool(comma) and first.strip() in NO) or (no in NO and thanks in THANKS)


def _word(text: str) -> str:
    return text.strip().rstrip(".!").casefold()


def _number(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    number = _decimal(value)
    digits, scale = field.precision or NUMBER_DIGITS, field.scale
    if field.type == "int":
        digits, scale = field.precision or INT_DIGITS, 0
    limit = Decimal(10) ** (digits - scale)
    if abs(number) >= limit or abs(rounded := _rounded(number, scale if field.precision else None)) >= limit:
        raise ConversionError(Phrase("unfit.too_many_digits"))
    if field.type == "int" and number != number.to_integral_value():
        raise ConversionError(Phrase("unfit.no_whole_number"))
    is_whole = rounded == rounded.to_integral_value()
    note = None if rounded == number else Phrase("note.rounded", scale=scale)
    return ConvertedValue(int(rounded) if is_whole else float(rounded), note)


def _rounded(number: Decimal, scale: int | None) -> Decimal:
    return number if scale is None else number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN)


def _decimal(value: Value) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ConversionError(Phrase("unfit.no_number"))
    number = Decimal(str(value))
    # A number of more digits than any field has would not survive the arithmetic here either.
    if not number.is_finite() or abs(number) >= Decimal(10) ** NUMBER_DIGITS:
        raise ConversionError(Phrase("unfit.too_large"))
    return number


def _number_text(text: str, locale: str | None) -> str:
    try:
        return str(number_of(text, locale))
    except UnclearNumber as reason:
        raise NumberUnclear(reason.text) from reason
    except NotANumber as reason:
        raise ConversionError(reason.text) from reason


def _date(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    moment = _moment(value, zone)
    # Date pickers send a day as its midnight in UTC; a moment of the event itself may fall there by chance.
    is_day = isinstance(value, str) and moment.utcoffset() == timedelta(0) and moment.time() == time()
    return ConvertedValue(_in_calendar(moment.date() if is_day else day_of(moment, zone)).isoformat())


def _datetime(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    moment = _moment(value, zone)
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ConversionError(Phrase("unfit.moment_outside")) from error
    _in_calendar(in_utc.date())
    return ConvertedValue(f"{in_utc:%Y-%m-%dT%H:%M:%SZ}")


def _in_calendar(day: date) -> date:
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        raise ConversionError(Phrase("unfit.day_outside"))
    return day


def _moment(value: Value, zone: tzinfo) -> datetime:
    """ISO 8601; without an offset it is meant in the event's zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise ConversionError(Phrase("unfit.no_date_form")) from error
    if not isinstance(value, datetime):
        raise ConversionError(Phrase("unfit.no_date"))
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _time(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    if isinstance(value, datetime):
        return ConvertedValue(f"{in_zone(value, zone):%H:%M:%S}.000Z")
    try:
        return ConvertedValue(f"{time.fromisoformat(format_value(value, zone).strip()):%H:%M:%S}.000Z")
    except ValueError as error:
        raise ConversionError(Phrase("unfit.no_time")) from error


def _reference(field: Field, value: Value, zone: tzinfo) -> ConvertedValue:
    text = format_value(value, zone).strip()
    if not is_id(text):
        raise ConversionError(Phrase("unfit.no_id"))
    sobject = sobject_of(text)
    if sobject and field.reference_to and sobject not in field.reference_to:
        raise ConversionError(
            Phrase("unfit.id_of_other", object=sobject, wanted=", ".join(field.reference_to[:5]))
        )
    return ConvertedValue(to18(text))


CONVERTERS: Final[dict[str, Callable[[Field, Value, tzinfo], ConvertedValue]]] = {
    **dict.fromkeys(TEXT_TYPES, _text),
    **dict.fromkeys(NUMBER_TYPES, _number),
    "email": _email,
    "url": _url,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "reference": _reference,
}
"""The types that can be filled; compound addresses, locations, files and ids of rows cannot."""
