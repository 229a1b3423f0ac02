"""SOQL literals: every value that reaches a query passes through here."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

# "Any other backslash sequence is an error":
# https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
_ESCAPES: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_LIKE_ESCAPES: Final = _ESCAPES | {"_": "\\_", "%": "\\%"}
_UNWANTED: Final = frozenset({"Cc", "Cs"})
# Most addresses and all ids: nothing in them needs a look at each character.
_PLAIN: Final = re.compile(r"[A-Za-z0-9@.+ -]*", re.ASCII)


def quote(value: str) -> str:
    """The value as a quoted literal; control characters without an escape, NUL among them, are left out."""
    return f"'{_escape(value, _ESCAPES)}'"


def like(value: str, *, is_prefix: bool = False) -> str:
    """A literal for LIKE that matches what contains the value (or begins with it), letter by letter."""
    pattern = f"{_escape(value, _LIKE_ESCAPES)}%"
    return f"'{pattern}'" if is_prefix else f"'%{pattern}'"


def in_list(values: Iterable[str]) -> str:
    """`('a','b')` for IN, each value once, in order. Raises ValueError when empty: SOQL has no empty list."""
    literals = dict.fromkeys(quote(value) for value in values)
    if not literals:
        raise ValueError("IN needs at least one value")
    return f"({','.join(literals)})"


def chunk(values: Iterable[str], *, length: int, joint: int) -> Iterator[list[str]]:
    """The values in lists of at most `length` characters, `joint` more for each; one alone may be longer."""
    chunk: list[str] = []
    taken = 0
    for value in values:
        if chunk and taken + len(value) > length:
            yield chunk
            chunk, taken = [], 0
        chunk.append(value)
        taken += len(value) + joint
    if chunk:
        yield chunk


def datetime_literal(at: datetime) -> str:
    """An unquoted UTC literal, whole seconds, rounded down. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError("SOQL refuses a datetime without an offset")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escape(value: str, escapes: dict[str, str]) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return "".join(escapes.get(each, each) for each in value if each in escapes or _is_wanted(each))


def _is_wanted(character: str) -> bool:
    return unicodedata.category(character) not in _UNWANTED
