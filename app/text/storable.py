"""Makes foreign texts fit to be stored or displayed. Pure."""

import re
import unicodedata
from typing import Final

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str, length: int) -> str:
    """Cut to `length`; neither NUL nor half a surrogate pair can be stored as text in Postgres."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:length]


def printable(text: str, length: int) -> str:
    """One line without control characters and marks that turn the direction of what follows."""
    kept = (" " if letter.isspace() else letter for letter in storable(text, len(text)))
    return "".join(letter for letter in kept if unicodedata.category(letter) not in ("Cc", "Cf")).strip()[
        :length
    ]
