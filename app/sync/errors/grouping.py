"""Group equal failures: a fingerprint per group, and Salesforce's messages without an attendee's values."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

PLACEHOLDER: Final = "…"
_SHORT: Final = 4
_CUT: Final = 8

_EMAIL: Final = re.compile(r"[^\s@,;:<>()'\"]+@[^\s@,;:<>()'\"]+")
_RECORD_ID: Final = re.compile(r"\b(?=[A-Za-z]*\d)(?:[A-Za-z0-9]{18}|[A-Za-z0-9]{15})\b")
_PHONE: Final = re.compile(r"\+?\(?\d[\d\s().\-/]{5,}\d")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’|(?<!\w)'[^']*'(?!\w)|\[[^\]]*\]")
_QUOTED_NAME: Final = re.compile(r"^.\w+__[a-z]+.$|^\[[\w, ]*\]$")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACE: Final = re.compile(r"\s+")
_GAPS: Final = re.compile(rf"{PLACEHOLDER}(?:\s*{PLACEHOLDER})+")

# Salesforce's own English wordings that end in the refused value, unquoted.
_VALUE_TAILS: Final = (
    re.compile(r"(data value too large: ).*?(?= \(max length=\d+\)|$)", re.S),
    re.compile(r"(invalid email address: ).*", re.S),
    re.compile(r"(bad value for restricted picklist field: ).*", re.S),
    re.compile(r"(from VALUE_\w+ value ).*?(?= or request may be missing|$)", re.S),
)


def error_fingerprint(
    error_class: str,
    error_code: str,
    sobject: str | None,
    fields: Iterable[str],
    message: str,
    *,
    values: Collection[str] = (),
) -> str:
    """Return `g_` and 12 hex digits: equal for failures of one class, code, object, set of fields and
    normalized message.

    `values` are the attendee's own (`attendee_values`); the fingerprint must not depend on them.
    """
    alike = [error_class, error_code, sobject or "", sorted(set(fields)), normalized_message(message, values)]
    canonical = json.dumps(alike, ensure_ascii=False, separators=(",", ":"))
    return "g_" + hashlib.sha256(canonical.encode(errors="replace")).hexdigest()[:12]


def normalized_message(message: str, values: Collection[str] = ()) -> str:
    """Remove values, ids, quoted texts and numbers from the message: for comparing, not for display.

    Names of custom fields and lists of field names stay, quoted or not, since they distinguish two faults.
    """
    text = _NUMBER.sub(PLACEHOLDER, message_without_values(message, values))
    return _GAPS.sub(PLACEHOLDER, _SPACE.sub(" ", text)).strip()


def message_without_values(message: str, values: Collection[str] = ()) -> str:
    """Return the message for a group: it keeps field names and limits, and loses what an attendee typed."""
    text = _redact(message, values)
    for tail in _VALUE_TAILS:
        text = tail.sub(rf"\g<1>{PLACEHOLDER}", text)
    text = _QUOTED.sub(lambda found: found[0] if _QUOTED_NAME.match(found[0]) else PLACEHOLDER, text)
    for shape in (_EMAIL, _RECORD_ID, _PHONE):
        text = shape.sub(PLACEHOLDER, text)
    return _GAPS.sub(PLACEHOLDER, text)


def attendee_values(attendee: Mapping[str, Any], answers: Iterable[Mapping[str, Any]] = ()) -> frozenset[str]:
    """Return every text of this attendee, and each word of the name: values that no group may contain."""
    texts = set(_texts(dict(attendee))) | {text for each in answers for text in _texts(each.get("value"))}
    names = (attendee.get(key) for key in ("name", "first_name", "last_name"))
    texts |= {word for name in names if isinstance(name, str) for word in name.split()}
    return frozenset(text for text in texts if len(text) > 1)


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _redact(message: str, values: Collection[str]) -> str:
    wanted = sorted({value.strip() for value in values if len(value.strip()) > 1}, key=len, reverse=True)
    if not wanted:
        return message
    text = re.sub("|".join(_pattern(value) for value in wanted), PLACEHOLDER, message, flags=re.I)
    for value in wanted:
        text = _take_out_cut_end(text, value)
    return text


def _pattern(value: str) -> str:
    # A short value must stand alone, or "an" would make holes everywhere.
    escaped = re.escape(value)
    return rf"(?<!\w){escaped}(?!\w)" if len(value) < _SHORT else escaped


def _take_out_cut_end(message: str, value: str) -> str:
    """Messages are stored cut, so the last value in one may be there in part only."""
    start = message.lower().rfind(value[:_CUT].lower()) if len(value) > _CUT else -1
    if start >= 0 and value.lower().startswith(message[start:].lower()):
        return message[:start] + PLACEHOLDER
    return message
