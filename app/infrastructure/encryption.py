"""Envelope encryption of secret columns: AES-256-GCM, key ids, every value bound to its host and column.

A sealed value is `1 | len(kid) | kid | nonce | wrapped data key | nonce | ciphertext`: each value has its
own random data key, wrapped by a key-encryption key, so that rotation re-wraps 60 bytes and never the secret.
"""

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config.encryption_key import parse_key

VERSION = 1
NONCE = 12
TAG = 16
WRAPPED = 32 + TAG


class KeyMissing(Exception):
    """A value was sealed with a key that this process was not given."""


class DecryptionFailed(Exception):
    """A sealed value was altered, or belongs to another host or column."""


class Encryptor:
    """Seals with the first key, opens with any; `keys` are `(kid, 32 bytes)`, newest first."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._keys = {kid: AESGCM(key) for kid, key in keys}
        self.current_kid = keys[0][0]
        self.kids = frozenset(self._keys)

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "Encryptor":
        """From `kid:base64` texts. Raises KeyInvalid."""
        return cls([parse_key(text) for text in texts])

    def seal(self, secret: str, *, host_id: str, column: str) -> bytes:
        """Encrypt `secret` so that it opens only for this host and this `table.column`."""
        kid = self.current_kid.encode()
        data_key, key_nonce, nonce = os.urandom(32), os.urandom(NONCE), os.urandom(NONCE)
        bound = _bound(host_id, column)
        wrapped = self._keys[self.current_kid].encrypt(key_nonce, data_key, bound + kid)
        ciphertext = AESGCM(data_key).encrypt(nonce, secret.encode(), bound)
        return bytes((VERSION, len(kid))) + kid + key_nonce + wrapped + nonce + ciphertext

    def open(self, sealed: bytes, *, host_id: str, column: str) -> str:
        """Decrypt. Raises DecryptionFailed, or KeyMissing when the key id is unknown here."""
        kid, key_nonce, wrapped, nonce, ciphertext = _split(sealed)
        bound = _bound(host_id, column)
        try:
            data_key = self._key(kid).decrypt(key_nonce, wrapped, bound + kid.encode())
            return AESGCM(data_key).decrypt(nonce, ciphertext, bound).decode()
        except InvalidTag:
            raise DecryptionFailed(f"a sealed {column} does not open for its host") from None

    def rewrap(self, sealed: bytes, *, host_id: str, column: str) -> bytes:
        """The same secret under the newest key; the ciphertext itself is not touched."""
        kid, key_nonce, wrapped, nonce, ciphertext = _split(sealed)
        if kid == self.current_kid:
            return sealed
        bound = _bound(host_id, column)
        try:
            data_key = self._key(kid).decrypt(key_nonce, wrapped, bound + kid.encode())
        except InvalidTag:
            raise DecryptionFailed(f"a sealed {column} does not open for its host") from None
        new_kid, new_nonce = self.current_kid.encode(), os.urandom(NONCE)
        wrapped = self._keys[self.current_kid].encrypt(new_nonce, data_key, bound + new_kid)
        return bytes((VERSION, len(new_kid))) + new_kid + new_nonce + wrapped + nonce + ciphertext

    def _key(self, kid: str) -> AESGCM:
        try:
            return self._keys[kid]
        except KeyError:
            raise KeyMissing(f"ENCRYPTION_KEYS has no key {kid!r}, and a stored value needs it") from None


def kid_of(sealed: bytes) -> str:
    """The id of the key that a value is wrapped with."""
    return _split(sealed)[0]


def new_key(kid: str) -> str:
    """A fresh key in the form that ENCRYPTION_KEYS takes."""
    return f"{kid}:{base64.b64encode(os.urandom(32)).decode()}"


def fingerprint(secret: str) -> str:
    """What may be shown of a secret: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def keyed_hash(pepper: bytes, kind: str, value: str) -> bytes:
    """A keyed hash under which a person's e-mail is fenced for a whole org without being stored there."""
    return hashlib.blake2b(f"{kind}\x1f{value}".encode(), key=pepper, digest_size=20).digest()


def _bound(host_id: str, column: str) -> bytes:
    return b"\x1f".join((b"v1", column.encode(), host_id.encode()))


def _split(sealed: bytes) -> tuple[str, bytes, bytes, bytes, bytes]:
    if len(sealed) < 2 or sealed[0] != VERSION:
        raise DecryptionFailed("a sealed value has an unknown form")
    start = 2 + sealed[1]
    ends = (start, start + NONCE, start + NONCE + WRAPPED, start + 2 * NONCE + WRAPPED)
    if len(sealed) < ends[3] + TAG:
        raise DecryptionFailed("a sealed value is cut off")
    kid = sealed[2:start].decode("ascii", "replace")
    return (
        kid,
        sealed[ends[0] : ends[1]],
        sealed[ends[1] : ends[2]],
        sealed[ends[2] : ends[3]],
        sealed[ends[3] :],
    )
