"""The webhook's request as the OpenAPI document shows it: the route itself reads raw bytes."""

from collections.abc import Mapping
from typing import Any

from app.intake.schemas import TYPES, Envelope

DEFS = "#/$defs/"
EVENT = {
    "id": "evt_summit",
    "title": "Autumn Summit",
    "kind": "in_person",
    "starts_at": "2026-11-24T08:00:00Z",
    "ends_at": "2026-11-25T16:00:00Z",
    "timezone": "Europe/Berlin",
    "version": 4,
}
REGISTRATION = {
    "id": "reg_8842",
    "status": "confirmed",
    "registered_at": "2026-11-10T14:03:00Z",
    "attendee": {
        "id": "per_51",
        "email": "mary@example.com",
        "first_name": "Mary Jane",
        "last_name": "O'Brien",
        "company": "Example GmbH",
        "consent": {"marketing": False},
    },
    "ticket": {"id": "tkt_std", "name": "Standard", "kind": "attendee"},
    "answers": [{"key": "team_size", "label": "Team size", "value": 12}],
    "utm": {"source": "newsletter"},
    "version": 1,
}
CHECKED_IN = {"status": "confirmed", "checked_in_at": "2026-11-24T08:12:00Z", "version": 2}
CANCELLED = {"status": "cancelled", "cancelled_at": "2026-11-20T09:00:00Z", "version": 2}


def example(type_: str, timestamp: str, **blocks: Any) -> dict[str, Any]:
    """One whole envelope of the demo host."""
    host = {"id": "host_acme", "name": "Acme Events"}
    return {"type": type_, "timestamp": timestamp, "data": {"host": host, "event": EVENT, **blocks}}


EXAMPLES = {
    "confirmed": example("registration.confirmed", "2026-11-10T14:03:00Z", registration=REGISTRATION),
    "checked_in": example(
        "registration.checked_in", "2026-11-24T08:12:00Z", registration=REGISTRATION | CHECKED_IN
    ),
    "cancelled": example(
        "registration.cancelled",
        "2026-11-20T09:00:00Z",
        registration=REGISTRATION | CANCELLED,
        reason="Ill",
    ),
    "replay_watched": example(
        "replay.watched",
        "2026-12-01T19:40:00Z",
        registration=REGISTRATION,
        replay={"watched_at": "2026-12-01T19:00:00Z", "seconds": 1840, "percent": 76},
    ),
    "event_updated": example("event.updated", "2026-11-12T09:00:00Z"),
}


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema with its definitions put where they are referred to; ours do not recurse."""
    definitions = schema.get("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(member) for member in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref", "")
        if reference.startswith(DEFS):
            node = definitions[reference.removeprefix(DEFS)] | {k: v for k, v in node.items() if k != "$ref"}
        return {name: resolved(member) for name, member in node.items() if name != "$defs"}

    whole: dict[str, Any] = resolved(dict(schema))
    return whole


def _schema() -> dict[str, Any]:
    schema = inlined(Envelope.model_json_schema())
    schema["properties"]["type"]["examples"] = list(TYPES)
    return schema


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


WEBHOOK_REQUEST: dict[str, Any] = {
    "parameters": [
        _header("webhook-id", "The same on every retry; recorded once", maxLength=255),
        _header("webhook-timestamp", "Seconds since 1970, at most five minutes away", pattern=r"^\d{10}$"),
        _header("webhook-signature", "Standard Webhooks: up to eight of `v1,<base64>`, separated by spaces"),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": _schema(),
                "examples": {name: {"value": value} for name, value in EXAMPLES.items()},
            }
        },
    },
}
