"""The platform's side of a webhook: makes the envelope, signs it and sends it."""

import time
from collections.abc import Mapping
from typing import Any

import httpx

from app.config.webhook_secret import WebhookSecret
from app.webhooks.signature import signed_by

WEBHOOK_PATH = "/webhooks/eventship"


class ApiUnreachable(Exception):
    """Nothing answers at the API's address."""


def registration_payload(
    type_: str, *, host: str, event: Mapping[str, Any], registration: Mapping[str, Any], at: str
) -> dict[str, Any]:
    """The envelope of a `registration.*` webhook; `at` is when it happened, RFC 3339."""
    data = {"host": {"id": host}, "event": dict(event), "registration": dict(registration)}
    return {"type": type_, "timestamp": at, "data": data}


def signed_headers(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """All headers that a JSON webhook needs which one secret signs."""
    return signed_by([key], webhook_id, timestamp, body)


def post_webhook(
    http: httpx.Client, url: str, *, secret: str, webhook_id: str, body: bytes
) -> httpx.Response:
    """Send one delivery to `<url>/webhooks/eventship`, signed now with a `whsec_…` secret."""
    key = WebhookSecret.parse(secret).key
    headers = signed_headers(key, webhook_id, int(time.time()), body)
    return http.post(url + WEBHOOK_PATH, content=body, headers=headers)
