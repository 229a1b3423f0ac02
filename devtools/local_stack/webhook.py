"""Sends one signed webhook, from a file or made of flags, as the platform would."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from devtools.local_stack.webhook_sender import ApiUnreachable, post_webhook, registration_payload

ATTENDEE_FLAGS = ("email", "first_name", "last_name", "name", "company", "job_title", "phone")
CHECKED_IN = "registration.checked_in"


def send_webhook(flags: Mapping[str, Any], *, url: str, secret: str) -> int:
    """Print the answer; exit code 0 for a 2xx."""
    body = Path(flags["file"]).read_bytes() if flags["file"] else json.dumps(payload_of(flags)).encode()
    webhook_id = flags["id"] or f"msg_{uuid4().hex}"
    try:
        with httpx.Client(trust_env=False, timeout=15) as http:
            answer = post_webhook(http, url, secret=secret, webhook_id=webhook_id, body=body)
    except httpx.TransportError as error:
        raise ApiUnreachable(f"{url} does not answer ({error}): set PORT or --url") from None
    sys.stdout.write(f"{answer.status_code} {answer.text}\n")
    return 0 if answer.is_success else 1


def _event_of(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a registration: without --title at version 0, so that a known event stays as it is."""
    if flags["title"]:
        return {"id": flags["event"], "title": flags["title"]}
    return {"id": flags["event"], "title": flags["event"], "version": 0}


def payload_of(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope that the flags ask for; what happened, happened now."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    event = _event_of(flags)
    attendee = {name: flags[name] for name in ATTENDEE_FLAGS if flags[name] is not None}
    registration = {
        "id": flags["registration"] or f"reg_{uuid4().hex[:12]}",
        "status": "confirmed",
        "attendee": {"email": None} | attendee,
    }
    if flags["type"] == CHECKED_IN:
        registration["checked_in_at"] = now
    return registration_payload(
        flags["type"], host=flags["host"], event=event, registration=registration, at=now
    )
