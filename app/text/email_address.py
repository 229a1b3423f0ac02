"""E-mail addresses without invisible characters: one form to match, exclude, erase and write by. Pure."""

import re
from typing import Final

INVISIBLE: Final = (
    r"[\u0001-\u0008\u000e-\u001f\u007f-\u009f"
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f]"
)
"""Control characters but white space, and format characters (Cf). Postgres has them in `address_key`."""

_INVISIBLE: Final = re.compile(INVISIBLE)


def plain_address(text: str | None) -> str | None:
    """The address as it is written to Salesforce: trimmed, without invisible characters; None for none."""
    if not text:
        return None
    visible = text if text.isprintable() else _INVISIBLE.sub("", text)
    return visible.strip() or None


def address_key(text: str | None) -> str | None:
    """The address as it is compared: plain and in lower case; None for none."""
    plain = plain_address(text)
    return plain.lower() if plain else None
