"""Bodies that are not parsed: of unknown types, and signed but unusable ones.

They are stored encrypted, beside keyed hashes of what they mention, so that an erasure finds them and a late
one about an erased attendee is not stored.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from app.api.auth import OPAQUE_ID
from app.api.errors import FieldError
from app.infrastructure.encryption import Encryptor
from app.text.email_address import address_key
from app.text.moments import moment_in

UNKNOWN_BODY: Final = "unknown_bodies.sealed"
UNUSABLE_BODY: Final = "quarantine.sealed"
MENTIONS_MAX: Final = 2000
TEXT_MAX: Final = 320
"""The longest address; ids are shorter."""

# Split rather than searched, and strings eaten to the end: no letter of a hostile body is looked at twice.
BETWEEN_WORDS: Final = re.compile(r"[\s<>\"',;:()\[\]{}\\|]+")
BETWEEN_PLAIN_WORDS: Final = re.compile(r"[^\w.+%@-]+")
QUOTED: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
HOST_IN_TEXT: Final = re.compile(r'"host"\s*:\s*\{[^{}]*?"id"\s*:\s*"([^"]*)"')
ERASURE: Final = b"attendee.erased"


@dataclass(frozen=True)
class UnparsedBody:
    """An encrypted body, and the addresses and ids that it contains."""

    sealed: bytes = field(repr=False)
    mentions: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class UnusableBody:
    """A signed body that cannot be used. `unread` is None if an erasure could not find it again."""

    webhook_id: str
    reason: str
    faults: tuple[FieldError, ...]
    body_sha256: bytes
    host_id: str | None
    occurred_at: datetime | None
    unread: UnparsedBody | None


def encrypt_unknown(vault: Encryptor, body: bytes, *, host_id: str) -> UnparsedBody | None:
    """The body of a type that we do not know."""
    return _seal(vault, body, _parsed(body), host_id=host_id, column=UNKNOWN_BODY)


def encrypt_unusable(
    vault: Encryptor, body: bytes, *, webhook_id: str, reason: str, faults: list[FieldError]
) -> UnusableBody:
    """Encrypt an unusable body; an erasure's body is left out."""
    payload = _parsed(body)
    host_id = _host_in(payload, body)
    is_kept = host_id is not None and ERASURE not in body
    return UnusableBody(
        webhook_id=webhook_id,
        reason=reason,
        faults=tuple(faults),
        body_sha256=hashlib.sha256(body).digest(),
        host_id=host_id,
        occurred_at=moment_in(payload.get("timestamp")) if isinstance(payload, dict) else None,
        unread=_seal(vault, body, payload, host_id=host_id, column=UNUSABLE_BODY)
        if is_kept and host_id
        else None,
    )


def decrypt_body(vault: Encryptor, sealed: bytes, *, host_id: str, column: str) -> bytes:
    """The body as it came. Raises DecryptionFailed, KeyMissing."""
    return vault.open(sealed, host_id=host_id, column=column).encode("latin-1")


def _seal(vault: Encryptor, body: bytes, payload: Any, *, host_id: str, column: str) -> UnparsedBody | None:
    mentions: set[str] = set()
    for text in _texts(payload):
        mentions.update(_mentioned(text))
        if len(mentions) > MENTIONS_MAX:
            return None
    # Any bytes, one letter each: not all of them are UTF-8.
    sealed = vault.seal(body.decode("latin-1"), host_id=host_id, column=column)
    return UnparsedBody(sealed, frozenset(mentions))


def _parsed(body: bytes) -> Any:
    """The JSON value, else the list of what looks like its texts."""
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return [*map(_unquoted, QUOTED.findall(text)), *BETWEEN_WORDS.split(text)]


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


def _host_in(payload: Any, body: bytes) -> str | None:
    if isinstance(payload, dict):
        host = data.get("host") if isinstance(data := payload.get("data"), dict) else None
        found = host.get("id") if isinstance(host, dict) else None
    else:
        match = HOST_IN_TEXT.search(body.decode("utf-8", "replace"))
        found = match[1] if match else None
    return found if isinstance(found, str) and re.fullmatch(OPAQUE_ID, found) else None


def _texts(payload: Any) -> Iterator[str]:
    """Every text and whole number in the value, names of members included."""
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += (*value, *value.values())
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str | int):
            yield str(value).encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes


def _mentioned(text: str) -> Iterator[str]:
    """The text if it may be an id or an address, and every address in it, as addresses are compared."""
    if len(text) <= TEXT_MAX:
        yield text.strip()
    if "@" in text or "%40" in text:
        plain = unquote(text)
        for found in (plain, *BETWEEN_WORDS.split(plain), *BETWEEN_PLAIN_WORDS.split(plain)):
            if "@" in found and len(found) <= TEXT_MAX and (key := address_key(found.rstrip("."))):
                yield key
