"""The webhook's request as the OpenAPI document shows it: the route itself reads raw bytes."""

from collections.abc import Mapping
from typing import Any

from app.webhooks.schemas import TYPES, Envelope

DEFS = "#/$defs/"


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
        "content": {"application/json": {"schema": _schema()}},
    },
}
