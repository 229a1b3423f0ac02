"""Text as it is compared: whatever the case, and however an apostrophe is typed. Pure."""

import unicodedata
from typing import Final

APOSTROPHES: Final = dict.fromkeys(map(ord, "’‘‛ʼ′´`＇"), "'")


def comparison_key(text: str) -> str:
    """Equal for texts that a person would call the same."""
    plain = unicodedata.normalize("NFC", text.translate(APOSTROPHES)).casefold()
    return " ".join(plain.split())
