"""Salesforce record ids: 15 and 18 characters, their checksum, and which object they belong to."""

import re
import string
from typing import Final
from urllib.parse import unquote

QUEUE_PREFIX: Final = "00G"
SOBJECT_BY_PREFIX: Final = {
    "001": "Account",
    "003": "Contact",
    "005": "User",
    "00D": "Organization",
    "00Q": "Lead",
    "00T": "Task",
    "00U": "Event",
    "00v": "CampaignMember",
    "012": "RecordType",
    "01Y": "CampaignMemberStatus",
    "02s": "EmailMessage",
    "500": "Case",
    "701": "Campaign",
}

_CHECKSUM_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_CAPITAL_BITS: Final = str.maketrans(
    {each: str(int(each.isupper())) for each in string.ascii_letters + string.digits}
)
# Lowest bit first: the first of five characters counts one, the last sixteen.
_LETTERS: Final = {f"{place:05b}"[::-1]: letter for place, letter in enumerate(_CHECKSUM_ALPHABET)}
_ID: Final = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
_LOOKS_LIKE_URL: Final = re.compile(r"[/?=#]")
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-zA-Z0-9]+")


class MalformedId(ValueError):
    """Not a Salesforce id. `reason` is `format` or `checksum`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed Salesforce id: {reason}")
        self.reason = reason


def to18(id: str) -> str:  # noqa: A002 - Salesforce's own word
    """The 18-character, case-safe form of an id of 15 or 18 characters.

    The suffix holds one letter per five characters, a bit for each capital:
    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
    Raises `MalformedId`.
    """
    if not _ID.fullmatch(id):
        raise MalformedId("format")
    long = id[:15] + _checksum(id)
    if len(id) == 18 and id != long:
        raise MalformedId("checksum")
    return long


def is_id(value: object, prefix: str | None = None) -> bool:
    """Whether this is a well-formed id (of the object with this key prefix)."""
    if not isinstance(value, str) or (prefix is not None and not value.startswith(prefix)):
        return False
    try:
        to18(value)
    except MalformedId:
        return False
    return True


def sobject_of(id: str) -> str | None:  # noqa: A002 - Salesforce's own word
    """The object an id belongs to by its key prefix; None for objects we never touch."""
    return SOBJECT_BY_PREFIX.get(id[:3])


def find_id(text: str, prefix: str) -> str:
    """The 18-character id that a person pasted: the id alone, or a Lightning or Classic URL that holds it.

    Raises `MalformedId`: `checksum` when something has the right prefix and length but a wrong suffix.
    """
    candidates = [
        each for each in _candidates(text.strip()) if each.startswith(prefix) and _ID.fullmatch(each)
    ]
    for candidate in candidates:
        if is_id(candidate):
            return to18(candidate)
    raise MalformedId("checksum" if candidates else "format")


def other_object_in(text: str) -> str | None:
    """The object of the first whole id in what a person pasted; None where there is none that we know."""
    ids = [each for each in _candidates(text.strip()) if is_id(each)]
    return next((found for each in ids if (found := sobject_of(each))), None)


def _candidates(text: str) -> list[str]:
    if not _LOOKS_LIKE_URL.search(text):
        return [text]
    return _NOT_ALPHANUMERIC.split(unquote(text))


def _checksum(id: str) -> str:  # noqa: A002 - Salesforce's own word
    capitals = id.translate(_CAPITAL_BITS)
    return _LETTERS[capitals[:5]] + _LETTERS[capitals[5:10]] + _LETTERS[capitals[10:15]]
