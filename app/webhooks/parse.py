"""One verified webhook, read: from bytes to a delivery that can be recorded."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from app.api.errors import FieldError, field_errors
from app.privacy.erasure import ErasureRequest
from app.privacy.unparsed_bodies import UnparsedBody
from app.webhooks.schemas import TYPES, Envelope, EnvelopeHeader, HostRef, missing_requirements
from app.webhooks.snapshot import event_state_from, registration_state_from
from app.webhooks.state_merge import EventState, RegistrationState
from app.webhooks.strict_json import InvalidJson, parse_object

ERASED = "attendee.erased"
KEPT_OF_ERASED = ("registration_ids",)
KEPT_OF_HOST = frozenset(HostRef.model_fields)


class Outcome(StrEnum):
    """What became of a delivery, in the words of the answer."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN_TYPE = "unknown_type"


@dataclass(frozen=True)
class ParsedDelivery:
    """A signed delivery of a known type, or of an unknown one (then without states).

    `payload` is the JSON text to store: as received, without what must not be stored. Of an unknown type it
    is the head alone, and `unread` has the body. `trace_context`: of the request, where it is collected.
    """

    webhook_id: str
    host_id: str
    host_name: str | None
    type: str
    occurred_at: datetime
    body_sha256: bytes
    payload: str = field(repr=False)
    event_id: str | None = None
    registration_id: str | None = None
    event: EventState | None = field(default=None, repr=False)
    registration: RegistrationState | None = field(default=None, repr=False)
    erasure: ErasureRequest | None = field(default=None, repr=False)
    unread: UnparsedBody | None = field(default=None, repr=False)
    trace_context: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.host_id, self.webhook_id

    @property
    def outcome(self) -> Outcome:
        return Outcome.ACCEPTED if self.type in TYPES else Outcome.UNKNOWN_TYPE


class InvalidDelivery(Exception):
    """Signed, but not a usable payload; `errors` name the places, never the values."""

    def __init__(self, reason: str, errors: list[FieldError]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.errors = errors


def parse_delivery(webhook_id: str, body: bytes) -> ParsedDelivery:
    """The delivery in a verified body. Raises InvalidDelivery."""
    try:
        payload = parse_object(body)
        head: EnvelopeHeader | Envelope = _shape_of(payload).model_validate(payload)
    except InvalidJson as error:
        raise InvalidDelivery(error.reason, []) from None
    except ValidationError as error:
        raise InvalidDelivery("shape", field_errors(error.errors())) from None
    envelope = head if isinstance(head, Envelope) else None
    if envelope is not None and (lacking := missing_requirements(envelope)):
        raise InvalidDelivery("incomplete", [FieldError(path=r.path, message=r.message) for r in lacking])
    return ParsedDelivery(
        webhook_id=webhook_id,
        host_id=head.data.host.id,
        host_name=head.data.host.name,
        type=head.type,
        occurred_at=head.timestamp,
        body_sha256=hashlib.sha256(body).digest(),
        payload=_storable_payload(payload, body),
        **(_states(envelope) if envelope else {}),
    )


def _storable_payload(payload: Mapping[str, Any], body: bytes) -> str:
    """Leave out an erasure's attendee, and members that the service does not read."""
    data, is_known = payload["data"], payload["type"] in TYPES
    is_whole = is_known and payload["type"] != ERASED
    if is_whole and data["host"].keys() <= KEPT_OF_HOST:
        return body.decode()
    kept = data if is_whole else {name: data[name] for name in KEPT_OF_ERASED if name in data and is_known}
    host = {name: value for name, value in data["host"].items() if name in KEPT_OF_HOST}
    head = {"type": payload["type"], "timestamp": payload["timestamp"]}
    return json.dumps(head | {"data": dict(kept) | {"host": host}})


def _shape_of(payload: Mapping[str, Any]) -> type[EnvelopeHeader | Envelope]:
    type_ = payload.get("type")
    return Envelope if isinstance(type_, str) and type_ in TYPES else EnvelopeHeader


def _states(envelope: Envelope) -> dict[str, Any]:
    event, registration = envelope.data.event, envelope.data.registration
    return {
        "event_id": event.id if event else None,
        "registration_id": registration.id if registration else None,
        "event": event_state_from(envelope),
        "registration": registration_state_from(envelope),
        "erasure": _erasure(envelope) if envelope.type == ERASED else None,
    }


def _erasure(envelope: Envelope) -> ErasureRequest:
    data = envelope.data
    assert data.attendee is not None
    return ErasureRequest(
        host_id=data.host.id,
        at=envelope.timestamp,
        attendee_id=data.attendee.id,
        email=data.attendee.email,
        registration_ids=tuple(data.registration_ids or ()),
    )
