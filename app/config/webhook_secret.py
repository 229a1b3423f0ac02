"""Signing secrets of Standard Webhooks, as settings hold them."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Self

WHSEC = "whsec_"


class WebhookSecret:
    """One signing secret, good until `expires_at` (None: until replaced)."""

    def __init__(self, key: bytes, expires_at: datetime | None = None) -> None:
        self.key = key
        self.expires_at = expires_at

    def is_live(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at

    @classmethod
    def parse(cls, text: str) -> Self:
        """`whsec_<base64>` with an optional `@<RFC 3339 time>` after which it is dead."""
        encoded, _, expiry = text.strip().partition("@")
        if not encoded.startswith(WHSEC):
            raise ValueError("a webhook secret starts with whsec_")
        try:
            key = base64.b64decode(encoded.removeprefix(WHSEC), validate=True)
        except binascii.Error:
            raise ValueError("a webhook secret is base64 after whsec_") from None
        if not 24 <= len(key) <= 64:
            raise ValueError("a webhook secret holds 24 to 64 bytes")
        expires_at = datetime.fromisoformat(expiry) if expiry else None
        if expires_at is not None and expires_at.tzinfo is None:
            expires_at = expires_at.replace(tzinfo=UTC)
        return cls(key, expires_at)
