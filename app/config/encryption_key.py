"""An encryption key as settings have it."""

import base64
from collections.abc import Sequence


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


def check_keys(texts: Sequence[str]) -> None:
    """Raises ValueError where there is no key, one that is none, or two of one id."""
    if not texts:
        raise ValueError("ENCRYPTION_KEYS needs at least one key: `eventship-salesforce keys new`")
    try:
        kids = [parse_key(text)[0] for text in texts]
    except KeyInvalid as error:
        raise ValueError(f"ENCRYPTION_KEYS: {error}") from None
    if len(set(kids)) < len(kids):
        raise ValueError("ENCRYPTION_KEYS names a key id twice")
