"""Texts as Salesforce's fields take them, and as they are compared. Pure."""

import unicodedata
from typing import Final

JOINERS = frozenset("\u200c\u200d")
VIRAMA = 9
"""The canonical combining class of every virama."""

APOSTROPHES: Final = dict.fromkeys(map(ord, "’‘‛ʼ′´`＇"), "'")


def comparison_key(text: str) -> str:
    """Equal for texts that a person would call the same."""
    plain = unicodedata.normalize("NFC", text.translate(APOSTROPHES)).casefold()
    return " ".join(plain.split())


def without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def shortened(text: str, limit: int) -> str:
    """The text in `limit` UTF-16 units, as Salesforce counts; 0 is no limit."""
    if not limit or utf16_length(text) <= limit:
        return text
    return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore").rstrip()


def normalize_text(value: str | None) -> str | None:
    """Trim, and remove unprintable characters but joiners inside words; None if nothing is left."""
    if value is None:
        return None
    if value.isprintable() and "  " not in value and value.strip() == value:
        return value or None
    text = "".join(" " if char.isspace() else char for char in value if _is_text(char))
    return " ".join(_without_loose_joiners(text).split()) or None


def _is_text(char: str) -> bool:
    """Whether the character prints, separates words, joins letters, or is newer than Python's tables."""
    is_newer = unicodedata.category(char) == "Cn" and not _is_noncharacter(ord(char))
    return char.isprintable() or char.isspace() or char in JOINERS or is_newer


def _is_noncharacter(code: int) -> bool:
    """https://www.unicode.org/faq/private_use.html#nonchar1"""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _without_loose_joiners(text: str) -> str:
    """Keep U+200C and U+200D that shape Persian and Indic words or join emoji; remove them elsewhere."""
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(
        char
        for before, char, after in around
        if char not in JOINERS or (_is_joined(before) and (_is_joined(after) or _is_virama(before)))
    )


def _is_joined(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("So", "Sk", "Cn")


def _is_virama(char: str) -> bool:
    """Whether a joiner after the character shapes the letter before, also at the end of a word."""
    return unicodedata.combining(char) == VIRAMA


def utf16_length(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
