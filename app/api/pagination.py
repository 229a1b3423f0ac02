"""Where a page of a sorted list ended, as an opaque text that only its own kind of list accepts."""

import base64
import binascii
import json
from collections.abc import Sequence

from app.api.errors import CursorInvalid

LENGTH_MAX = 4096


def encode_cursor(kind: str, keys: Sequence[str]) -> str:
    """`kind` names the list and its order; `keys` are the sort keys of the page's last row."""
    text = json.dumps([kind, *keys], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kind: str, *, width: int) -> list[str]:
    """The keys of `encode_cursor`. Raises CursorInvalid.

    They are bound as parameters inside the host's own rows, so a forged one gains nothing and needs no
    signature.
    """
    try:
        padded = cursor[:LENGTH_MAX] + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise CursorInvalid from None
    if not isinstance(decoded, list) or len(decoded) != width + 1 or decoded[0] != kind:
        raise CursorInvalid
    keys = decoded[1:]
    if not all(isinstance(key, str) and _is_storable(key) for key in keys):
        raise CursorInvalid
    return keys


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any(0xD800 <= ord(each) <= 0xDFFF for each in text)
