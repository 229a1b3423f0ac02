"""Numbers as people type them: points, commas and spaces, read by the attendee's language. Pure.

Separators by language: https://cldr.unicode.org/translation/number-currency-formats/number-symbols
"""

import re
from decimal import Decimal
from typing import Final

from app.user_messages.phrases import Phrase

_SPACES: Final = str.maketrans("", "", " \u00a0\u2009\u202f'’")
_NUMBER: Final = re.compile(r"([-+]?)(\d+(?:[.,]\d+)*)", re.ASCII)
COMMA: Final = """
af az be bg bs ca cs da de el es et eu fi fr gl hr hu hy id is it ka kk ky lt lv mk mn nb nl nn no pl pt ro ru
sk sl sq sr sv tr uk uz vi
"""
POINT: Final = "am bn cy en fil ga gu he hi ja kn ko ml mr ms mt ne pa si sw ta te th tl ur zh zu"
POINT_IN: Final = "de-CH de-LI it-CH es-CU es-DO es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-SV es-US"
UNCLEAR_IN: Final = "en-ZA fr-CH"
_MARKS: Final[dict[str, str | None]] = {
    **dict.fromkeys(COMMA.split(), ","),
    **dict.fromkeys(POINT.split() + POINT_IN.split(), "."),
    **dict.fromkeys(UNCLEAR_IN.split()),
}
GROUP_LENGTH: Final = 3


class NotANumber(ValueError):
    """The text is not a number, or could be two numbers; `text` says which."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class UnclearNumber(NotANumber):
    """The text is one of two numbers."""


def number_of(text: str, locale: str | None) -> Decimal:
    """The number that a text means to somebody of this locale. Raises `NotANumber`."""
    found = _NUMBER.fullmatch(text.strip().translate(_SPACES))
    if found is None:
        raise NotANumber(Phrase("unfit.no_number"))
    sign, digits = found.groups()
    mark = _decimal_mark(digits, locale)
    whole, _, decimals = digits.partition(mark) if mark else (digits, "", "")
    return Decimal(f"{sign}{re.sub('[.,]', '', whole)}.{decimals or 0}")


def _decimal_mark(digits: str, locale: str | None) -> str | None:
    """The sign before the decimals, None where every sign parts thousands."""
    signs = [each for each in digits if each in ".,"]
    if not signs:
        return None
    last = signs[-1]
    whole, _, decimals = digits.rpartition(last)
    is_group = len(decimals) == GROUP_LENGTH and _is_grouped(digits)
    if signs.count(last) > 1:
        mark = None
    elif len(signs) > 1 or not is_group:
        mark = last
    else:
        return _by_locale(last, locale)
    if not _is_grouped(whole if mark else digits) or (mark and mark in whole):
        raise NotANumber(Phrase("unfit.no_number"))
    return mark


def _is_grouped(whole: str) -> bool:
    """Whether the signs part thousands, `1.000`, `12,345,678`; not `0.125` or `1234.567`."""
    first, *others = re.split("[.,]", whole)
    is_of_one_kind = len({each for each in whole if each in ".,"}) < 2
    if not others:
        return True
    is_led_well = len(first) <= GROUP_LENGTH and not first.startswith("0")
    return is_of_one_kind and is_led_well and all(len(each) == GROUP_LENGTH for each in others)


def _by_locale(sign: str, locale: str | None) -> str | None:
    mark = decimal_mark_of(locale)
    if mark is None:
        raise UnclearNumber(Phrase("unfit.number_unclear"))
    return sign if sign == mark else None


def decimal_mark_of(locale: str | None) -> str | None:
    """Return the decimal mark of a language; None if it is unknown or varies."""
    language, *parts = re.split(r"[-_.@]", locale or "")
    language = language.lower()
    region = next((part.upper() for part in parts if len(part) == 2 and part.isalpha()), "")
    return _MARKS.get(f"{language}-{region}", _MARKS.get(language))
