"""Record ids: fifteen case-sensitive characters, and three more that survive a change of case."""

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_NUMBERS = {pair: number for number, pair in enumerate(_PAIRS)}
_CAPITALS = bytes(48 + chr(code).isupper() for code in range(128)) + bytes(128)
# The first of five characters is the lowest bit.
_SUFFIX = {f"{place:05b}"[::-1].encode(): letter for place, letter in enumerate(_CHECK)}
_LENGTHS = {15, 18}
_POD = "5g0000"


class MalformedId(ValueError):
    """The text is no Salesforce id: wrong length, wrong characters or a wrong check suffix."""


def to18(short: str) -> str:
    """The 18-character form of a 15-character id."""
    capitals = short.encode().translate(_CAPITALS)
    return short + _SUFFIX[capitals[:5]] + _SUFFIX[capitals[5:10]] + _SUFFIX[capitals[10:15]]


def normalise(text: str) -> str:
    """A 15- or 18-character id as 18 characters; raises MalformedId."""
    if len(text) not in _LENGTHS or not (text.isascii() and text.isalnum()):
        raise MalformedId(text)
    full = to18(text[:15])
    if len(text) == 18 and text[15:].upper() != full[15:]:
        raise MalformedId(text)
    return full


def new_id(prefix: str, number: int) -> str:
    """The number-th id of an object with that key prefix, 18 characters long."""
    rest, last = divmod(number, len(_PAIRS))
    first, middle = divmod(rest, len(_PAIRS))
    return to18(f"{prefix}{_POD}{_PAIRS[first]}{_PAIRS[middle]}{_PAIRS[last]}")


def number_of(record_id: str) -> int:
    """The running number inside an id that `mint` made; 0 for an id of another origin."""
    if record_id[3:9] != _POD:
        return 0
    first, middle, last = (_NUMBERS[record_id[place : place + 2]] for place in (9, 11, 13))
    return (first * len(_PAIRS) + middle) * len(_PAIRS) + last
