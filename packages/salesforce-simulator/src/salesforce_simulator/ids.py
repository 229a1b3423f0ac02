"""Record ids: fifteen case-sensitive characters, and three more that survive a change of case."""

import re

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CAPITALS = str.maketrans({each: str(int(each.isupper())) for each in _DIGITS})
# The first of five characters is the lowest bit.
_SUFFIX = {f"{place:05b}"[::-1]: letter for place, letter in enumerate(_CHECK)}
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_POD = "5g0000"


class MalformedId(ValueError):
    """The text is no Salesforce id: wrong length, wrong characters or a wrong check suffix."""


def to18(short: str) -> str:
    """The 18-character form of a 15-character id."""
    capitals = short.translate(_CAPITALS)
    return short + _SUFFIX[capitals[:5]] + _SUFFIX[capitals[5:10]] + _SUFFIX[capitals[10:15]]


def normalise(text: str) -> str:
    """A 15- or 18-character id as 18 characters; raises MalformedId."""
    if not _SHAPE.fullmatch(text):
        raise MalformedId(text)
    if len(text) == 15:
        return to18(text)
    if to18(text[:15])[15:] != text[15:].upper():
        raise MalformedId(text)
    return text[:15] + text[15:].upper()


def new_id(prefix: str, number: int) -> str:
    """The number-th id of an object with that key prefix, 18 characters long."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return to18(prefix + _POD + digits.rjust(6, "0"))


def number_of(record_id: str) -> int:
    """The running number inside an id that `mint` made; 0 for an id of another origin."""
    if record_id[3:9] != _POD:
        return 0
    total = 0
    for character in record_id[9:15]:
        total = total * 62 + _DIGITS.index(character)
    return total
