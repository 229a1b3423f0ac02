"""The platform's side of a webhook: the signature of Standard Webhooks over id, timestamp and raw body."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import httpx

WHSEC = "whsec_"
WEBHOOK_PATH = "/webhooks/eventship"


class ApiSilent(Exception):
    """Nothing answers at the API's address."""


def signed_headers(secret: str, webhook_id: str, body: bytes, *, at: int | None = None) -> dict[str, str]:
    """The headers that make `body` a genuine delivery; `at` is Unix time, now when left out.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    timestamp = int(time.time()) if at is None else at
    key = base64.b64decode(secret.removeprefix(WHSEC))
    content = f"{webhook_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def registration_payload(
    type_: str, *, host: str, event: Mapping[str, Any], registration: Mapping[str, Any], at: str
) -> dict[str, Any]:
    """The envelope of a `registration.*` webhook; `at` is when it happened, RFC 3339."""
    data = {"host": {"id": host}, "event": dict(event), "registration": dict(registration)}
    return {"type": type_, "timestamp": at, "data": data}


def post_webhook(
    http: httpx.Client, url: str, *, secret: str, webhook_id: str, body: bytes
) -> httpx.Response:
    """Send one signed delivery to `<url>/webhooks/eventship`."""
    return http.post(url + WEBHOOK_PATH, content=body, headers=signed_headers(secret, webhook_id, body))
