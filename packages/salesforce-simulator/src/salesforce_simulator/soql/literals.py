"""Values in a condition against the type of their field, and what the date words mean today."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from salesforce_simulator import clock, ids
from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.metadata.schema import NUMBER_TYPES, Field
from salesforce_simulator.soql import ast, errors

_NAMES = {
    "datetime": "dateTime",
    "int": "int",
    "double": "double",
    "currency": "currency",
    "percent": "percent",
}
_COUNTED = frozenset({"LAST_N_DAYS", "NEXT_N_DAYS", "N_DAYS_AGO"})


def parse_values(field: Field, literal: ast.Literal, text: str) -> list[Any]:
    """The literal's values as they are stored in such a field; raises INVALID_FIELD for the wrong type."""
    if literal.kind == "null":
        return [None]
    if field.type in {"id", "reference"}:
        return [_record_id(item, literal, text) for item in _texts(field, literal, text)]
    if field.is_case_sensitive:
        return [item or None for item in _texts(field, literal, text)]
    if field.is_text:
        return [item.lower() or None for item in _texts(field, literal, text)]
    return [_parse_value(field, literal, text)]


def _texts(field: Field, literal: ast.Literal, text: str) -> tuple[str, ...]:
    if literal.kind == "strings":
        return tuple(literal.value)
    if literal.kind != "string":
        raise _mistyped(field, literal, text, kind="string", is_quoted=True)
    return (literal.value,)


def _record_id(item: str, literal: ast.Literal, text: str) -> str | None:
    if not item:
        return None
    try:
        return ids.normalise(item)
    except ids.MalformedId as error:
        message = f"invalid ID field: {item}"
        raise errors.located("INVALID_QUERY_FILTER_OPERATOR", text, literal.position, message) from error


def _parse_value(field: Field, literal: ast.Literal, text: str) -> Any:
    kind = "number" if field.type in NUMBER_TYPES else field.type
    if literal.kind != kind:
        raise _mistyped(field, literal, text, kind=_NAMES.get(field.type, field.type), is_quoted=False)
    try:
        if kind == "datetime":
            return clock.format_datetime(clock.parse_datetime(literal.text))
        return clock.parse_date(literal.text).isoformat() if kind == "date" else literal.value
    except ValueError as error:
        raise errors.malformed(text, literal.position, f"Invalid {kind}: {literal.text}") from error


def _mistyped(
    field: Field, literal: ast.Literal, text: str, *, kind: str, is_quoted: bool
) -> SalesforceError:
    quotes = "should be enclosed in quotes" if is_quoted else "should not be enclosed in quotes"
    message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
    return errors.invalid_field(text, literal.position, message)


def date_range(field: Field, literal: ast.Literal, text: str, now: datetime) -> tuple[str, str]:
    """The first moment or day of a date word and the first after it, as the field stores them."""
    name, _, count = literal.text.upper().partition(":")
    word = _WORDS.get(name)
    if field.type not in {"date", "datetime"} or word is None or bool(count) != (name in _COUNTED):
        raise errors.unexpected_token(text, literal.position, literal.text)
    start, end = word(now.astimezone(UTC).date(), int(count or 0))
    if field.type == "date":
        return start.isoformat(), end.isoformat()
    return f"{start}T00:00:00.000+0000", f"{end}T00:00:00.000+0000"


def _days(first: int, last: int) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, n: (today + timedelta(days=first), today + timedelta(days=last + 1))


def _month(today: date, offset: int) -> date:
    index = today.year * 12 + today.month - 1 + offset
    return date(index // 12, index % 12 + 1, 1)


def _months(first: int, last: int) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, n: (_month(today, first), _month(today, last + 1))


def _weeks(first: int) -> Callable[[date, int], tuple[date, date]]:
    def span(today: date, n: int) -> tuple[date, date]:
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(weeks=first), sunday + timedelta(weeks=first + 1)

    return span


def _years(first: int) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, n: (date(today.year + first, 1, 1), date(today.year + first + 1, 1, 1))


_WORDS: Mapping[str, Callable[[date, int], tuple[date, date]]] = {
    "YESTERDAY": _days(-1, -1),
    "TODAY": _days(0, 0),
    "TOMORROW": _days(1, 1),
    "LAST_WEEK": _weeks(-1),
    "THIS_WEEK": _weeks(0),
    "NEXT_WEEK": _weeks(1),
    "LAST_MONTH": _months(-1, -1),
    "THIS_MONTH": _months(0, 0),
    "NEXT_MONTH": _months(1, 1),
    "LAST_90_DAYS": _days(-90, 0),
    "NEXT_90_DAYS": _days(1, 90),
    "LAST_YEAR": _years(-1),
    "THIS_YEAR": _years(0),
    "NEXT_YEAR": _years(1),
    "LAST_N_DAYS": lambda today, n: (today - timedelta(days=n), today + timedelta(days=1)),
    "NEXT_N_DAYS": lambda today, n: (today + timedelta(days=1), today + timedelta(days=n + 1)),
    "N_DAYS_AGO": lambda today, n: (today - timedelta(days=n), today - timedelta(days=n - 1)),
}
