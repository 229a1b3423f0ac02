"""Builders of webhooks: complete payloads with defaults, signed as the platform signs them."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from app.infrastructure.encryption import Encryptor
from app.privacy.unparsed_bodies import UnusableBody, encrypt_unusable
from app.webhooks.parse import ParsedDelivery, parse_delivery
from devtools.local_stack.webhook_sender import signed_headers
from tests.factories import ENCRYPTION_KEY, WEBHOOK_KEY

PATH = "/webhooks/eventship"
PEPPER = b"otters-hash-with-salt-water-only"
VAULT = Encryptor.from_texts([ENCRYPTION_KEY])
CONFIRMED_AT = "2026-11-10T14:03:00Z"


def event(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": "evt_otters",
        "title": "Otter Summit",
        "kind": "in_person",
        "starts_at": "2026-11-24T08:00:00Z",
        "ends_at": "2026-11-25T16:00:00Z",
        "timezone": "Europe/Berlin",
        "location": "Pond 4",
        "url": "https://eventship.example/e/otters",
        "organizer": {"name": "Olga Otter", "email": "olga@otter.example"},
        "version": 4,
    }
    return whole | changes


def registration(**changes: Any) -> dict[str, Any]:
    attendee = {
        "id": "per_51",
        "email": "Mary@Otter.example",
        "first_name": "Mary Jane",
        "last_name": "O'Brien",
        "company": "Otter GmbH",
        "job_title": None,
        "phone": None,
    }
    whole: dict[str, Any] = {
        "id": "reg_1",
        "status": "confirmed",
        "registered_at": CONFIRMED_AT,
        "attendee": attendee,
        "answers": [{"key": "team_size", "value": 12}],
        "version": 1,
    }
    changes["attendee"] = attendee | changes.get("attendee", {})
    return whole | changes


def webhook(
    type_: str = "registration.confirmed", timestamp: str = CONFIRMED_AT, **data: Any
) -> dict[str, Any]:
    """An envelope; give `registration=None` (or `event=None`) to leave that block out."""
    blocks = {
        "host": {"id": "host_a", "name": "Otters Inc"},
        "event": event(),
        "registration": registration(),
    }
    if type_.startswith("event."):
        del blocks["registration"]
    blocks |= data
    return {
        "type": type_,
        "timestamp": timestamp,
        "data": {name: block for name, block in blocks.items() if block},
    }


def delivery(payload: Mapping[str, Any] | None = None, webhook_id: str = "msg_1") -> ParsedDelivery:
    """The parsed delivery of a payload."""
    return parse_delivery(webhook_id, json.dumps(payload or webhook()).encode())


def unusable(body: bytes, webhook_id: str = "msg_1") -> UnusableBody:
    """The sealed record of a body that cannot be used."""
    return encrypt_unusable(VAULT, body, webhook_id=webhook_id, reason="shape", faults=[])


async def post(
    client: httpx.AsyncClient,
    payload: Mapping[str, Any] | bytes,
    webhook_id: str = "msg_1",
    *,
    key: bytes = WEBHOOK_KEY,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post one payload, signed just now; `headers` replace or add to the signed ones."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = signed_headers(key, webhook_id, int(time.time()), body)
    return await client.post(PATH, content=body, headers=signed | dict(headers or {}))
