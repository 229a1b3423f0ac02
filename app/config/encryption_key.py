"""An encryption key as settings have it."""

import base64


class KeyInvalid(ValueError):
    """An encryption key is not `kid:base64 of 32 bytes`."""


def parse_key(text: str) -> tuple[str, bytes]:
    """`kid:base64` of 32 bytes. Raises KeyInvalid."""
    kid, _, encoded = text.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise KeyInvalid("an encryption key is kid:base64") from None
    if not kid or not kid.isascii() or len(kid) > 32 or len(key) != 32:
        raise KeyInvalid("an encryption key is kid:base64 of exactly 32 bytes")
    return kid, key
