"""Standard Webhooks signatures over raw bytes, made and verified.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from app.config.webhook_secret import WebhookSecret

TOLERANCE = timedelta(minutes=5)
SIGNATURES_MAX = 8
VERSION = b"v1"
WEBHOOK_ID = re.compile(rb"[!-~]{1,255}")
TIMESTAMP = re.compile(rb"[0-9]{10}")
SIGNATURES = re.compile(rb"[ -~]{1,2048}")

Headers = Iterable[tuple[bytes, bytes]]


class InvalidSignature(Exception):
    """The request was not signed by a live secret, or its headers are malformed."""


class StaleSignature(Exception):
    """A live secret signed it, for a time that is more than five minutes from ours.

    `seconds` is how long ago that was; below zero the sender's clock is ahead of ours.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"signed {seconds:.0f} s ago")
        self.seconds = seconds


def verify(headers: Headers, body: bytes, *, secrets: Sequence[WebhookSecret], now: datetime) -> str:
    """The webhook id of a request that a live secret signed within five minutes of `now`.

    `headers` are the raw pairs with names in lower case. Raises SignatureInvalid and SignatureStale, and
    nothing else.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    webhook_id = _only(values, b"webhook-id", WEBHOOK_ID)
    timestamp = _only(values, b"webhook-timestamp", TIMESTAMP)
    given = _digests(_only(values, b"webhook-signature", SIGNATURES))
    expected = [digest(secret.key, webhook_id, timestamp, body) for secret in secrets if secret.is_live(now)]
    # All of them first: every live secret meets every signature, whichever matches.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    if not any(matches):
        raise InvalidSignature("no signature matches a live secret")
    # Only now: who cannot sign is told nothing about clocks.
    age = now.timestamp() - int(timestamp)
    if abs(age) > TOLERANCE.total_seconds():
        raise StaleSignature(age)
    return webhook_id.decode("ascii")


def signed_by(keys: Iterable[bytes], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """All headers of a JSON webhook, with a signature by each key; `timestamp` in seconds since 1970."""
    signatures = [sign(key, webhook_id, timestamp, body) for key in keys]
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def sign(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature, as the header `webhook-signature` lists it."""
    signature = digest(key, webhook_id.encode("ascii"), str(timestamp).encode("ascii"), body)
    return f"{VERSION.decode()},{base64.b64encode(signature).decode()}"


def digest(key: bytes, webhook_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """What `v1` carries as base64."""
    return hmac.digest(key, b".".join((webhook_id, timestamp, body)), hashlib.sha256)


def _only(headers: Mapping[bytes, list[bytes]], name: bytes, shape: re.Pattern[bytes]) -> bytes:
    values = headers.get(name, [])
    if len(values) != 1 or not shape.fullmatch(values[0]):
        raise InvalidSignature(f"{name.decode()} must be there once and well formed")
    return values[0]


def _digests(header: bytes) -> list[bytes]:
    signatures = header.split(b" ")
    if len(signatures) > SIGNATURES_MAX:
        raise InvalidSignature("too many signatures")
    parts = [signature.partition(b",") for signature in signatures]
    if not all(version and comma and value for version, comma, value in parts):
        raise InvalidSignature("a signature is a version, a comma and base64")
    return [_decoded(value) for version, _, value in parts if version == VERSION]


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise InvalidSignature("a signature is not base64") from None
