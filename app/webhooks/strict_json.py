"""JSON as strictly as a receiver must read it: bounded, unambiguous, and storable in Postgres.

Depth is checked on the bytes before the parser sees them, since the parser recurses. RFC 8259, RFC 7493.
"""

import json
import math
import re
from typing import Any, NoReturn

DEPTH_MAX = 32
MEMBERS_MAX = 1000
VALUES_MAX = 20_000
INTEGER_MAX = 2**63 - 1
NUMBER_CHARS_MAX = 40
EXPONENT_MAX = 400
"""Far beyond what a double holds; Postgres would try to keep every digit of more."""

# An unterminated string is eaten to the end, so that no byte is looked at twice.
STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")
SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(Exception):
    """The bytes are not acceptable JSON; `reason` is a short stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises InvalidJson, and nothing else."""
    _check_shape(raw)
    try:
        value = STRICT.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidJson("not_utf8") from None
    except json.JSONDecodeError:
        raise InvalidJson("not_json") from None
    if not isinstance(value, dict):
        raise InvalidJson("not_an_object")
    if b"\\u" in raw and SUSPECT_ESCAPE.search(raw):
        _check_strings(value)
    return value


def _check_shape(raw: bytes) -> None:
    if raw.count(b"{") + raw.count(b"[") <= DEPTH_MAX and raw.count(b",") <= VALUES_MAX:
        return
    bare = STRINGS.sub(b"", raw)
    if bare.count(b",") > VALUES_MAX:
        raise InvalidJson("too_many_values")
    depth = 0
    for bracket in BRACKETS.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            raise InvalidJson("too_deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MEMBERS_MAX:
        raise InvalidJson("too_many_members")
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidJson("duplicate_key")
    return value


def _integer(digits: str) -> int:
    if len(digits) > NUMBER_CHARS_MAX or abs(value := int(digits)) > INTEGER_MAX:
        raise InvalidJson("number_too_large")
    return value


def _number(digits: str) -> float:
    if len(digits) > NUMBER_CHARS_MAX or not math.isfinite(value := float(digits)):
        raise InvalidJson("number_too_large")
    if abs(int(digits.lower().partition("e")[2] or 0)) > EXPONENT_MAX:
        raise InvalidJson("number_too_large")
    return value


def _constant(name: str) -> NoReturn:
    raise InvalidJson("not_json")


def _check_strings(value: Any) -> None:
    """No NUL, which Postgres cannot store, and no lone surrogate, which UTF-8 cannot."""
    if isinstance(value, str):
        if SURROGATE_OR_NUL.search(value):
            raise InvalidJson("nul_or_surrogate")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_strings(name)
            _check_strings(member)
    elif isinstance(value, list):
        for member in value:
            _check_strings(member)


STRICT = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
