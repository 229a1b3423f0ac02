"""JSON values against field types, in Salesforce's order and words."""

import math
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from salesforce_simulator import clock
from salesforce_simulator.errors import ErrorItem, SalesforceError, json_parser_error
from salesforce_simulator.metadata.schema import Field

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)

# What the JSON parser calls the tokens it meets.
_TOKENS: dict[type, str] = {
    str: "VALUE_STRING",
    int: "VALUE_NUMBER_INT",
    float: "VALUE_NUMBER_FLOAT",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}


# Whole numbers show eight digits; others have sixteen before the point and two after it.
_LIMITS = {"int": 10**8, "double": 10**16, "currency": 10**16, "percent": 10**16}


class _WrongType(ValueError):
    """The JSON value cannot stand in this field."""


def parse_value(field: Field, value: Any, raw: str) -> Any:
    """The value as it is stored; raises JSON_PARSER_ERROR for a value of the wrong type.

    `raw` is the request body, for the position in the message.
    """
    if value is None or value == "":
        return False if field.type == "boolean" else None
    try:
        parsed = _parser(field)(value)
    except ValueError as error:
        raise json_parser_error(_cannot_deserialize(field, value, raw)) from error
    if field.type in _LIMITS and not abs(parsed) < _LIMITS[field.type]:
        raise _outside_range(field, value)
    return parsed


def _outside_range(field: Field, value: Any) -> SalesforceError:
    message = f"{field.label}: value outside of valid range on numeric field: {value}"
    return SalesforceError(400, ErrorItem("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,)))


def _parser(field: Field) -> Callable[[Any], Any]:
    return _PARSERS.get(field.type, _text)


def _kind(field: Field) -> str:
    return "text" if field.is_text or field.type in {"id", "reference"} else field.type


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _WrongType
    return value.strip() or None


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _WrongType
    return value


def _integer(value: Any) -> int:
    number = _number(value)
    if math.isinf(number):
        return sys.maxsize
    if number != int(number):
        raise _WrongType
    return int(number)


def _id_list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _WrongType
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _WrongType
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _date(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongType
    return clock.parse_date(value).isoformat()


def _datetime(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongType
    moment: datetime = clock.parse_datetime(value)
    return clock.whole_second(moment)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "int": _integer,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "junctionidlist": _id_list,
}


def _cannot_deserialize(field: Field, value: Any, raw: str) -> str:
    kind = "string" if _kind(field) == "text" else field.type
    token = f"VALUE_{str(value).upper()}" if isinstance(value, bool) else _TOKENS[type(value)]
    shown = f'"{value}"' if isinstance(value, str) else f"{value}"
    line, column = _position(raw, str(value))
    return (
        f"Cannot deserialize instance of {kind} from {token} value {shown} at [line:{line}, column:{column}]"
    )


def _position(raw: str, needle: str) -> tuple[int, int]:
    offset = max(raw.find(needle), 0)
    before = raw[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def is_email(text: str) -> bool:
    """Salesforce's idea of an address: ASCII, a dotted domain, no quoted local part."""
    return _EMAIL.fullmatch(text) is not None


def check(field: Field, value: Any) -> ErrorItem | None:
    """The refusal that a typed value earns in a field, if any: length, e-mail form, restricted picklist."""
    if not isinstance(value, str) or not field.is_text:
        return None
    if field.length and len(value) * 2 > field.length and _length(value) > field.length:
        message = f"{field.label}: data value too large: {value} (max length={field.length})"
        return ErrorItem("STRING_TOO_LONG", message, (field.name,))
    if field.type == "email" and not is_email(value):
        message = f"{field.label}: invalid email address: {value}"
        return ErrorItem("INVALID_EMAIL_ADDRESS", message, (field.name,))
    if field.is_restricted and any(option not in field.values for option in options(field, value)):
        return bad_picklist_value(field, value)
    return None


def options(field: Field, value: str | None) -> list[str]:
    """The values chosen in a picklist: several in a multi-select, with semicolons between them."""
    if not value:
        return []
    return value.split(";") if field.type == "multipicklist" else [value]


def bad_picklist_value(field: Field, value: str) -> ErrorItem:
    message = f"{field.label}: bad value for restricted picklist field: {value}"
    return ErrorItem("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))


def _length(value: str) -> int:
    """In UTF-16 units, as Java counts."""
    return len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2


def required_missing(names: list[str]) -> SalesforceError:
    message = f"Required fields are missing: [{', '.join(names)}]"
    return SalesforceError(400, ErrorItem("REQUIRED_FIELD_MISSING", message, tuple(names)))
