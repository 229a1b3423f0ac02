"""The platform's deliveries for a scenario: bodies that never change under an id, in a telling order."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devtools.demo.scenario import (
    EVENT_ENDS_AT,
    EVENT_ID,
    EVENT_STARTS_AT,
    HOST_ID,
    HOST_NAME,
    TITLE,
    ZONE,
    Registrant,
)
from devtools.local_stack.webhook_sender import registration_payload


@dataclass(frozen=True)
class Delivery:
    """One webhook: the same id always carries the same body."""

    webhook_id: str
    body: bytes


def deliveries(registrants: Sequence[Registrant]) -> Iterator[Delivery]:
    """The event, who checks in too early, all registrations (some twice), then the other check-ins."""
    yield event_published()
    yield from (check_in(one) for one in registrants if one.is_checked_in_first)
    for one in registrants:
        yield from [registration(one)] * (2 if one.is_sent_twice else 1)
    yield from (check_in(one) for one in registrants if one.checks_in and not one.is_checked_in_first)


def event_published() -> Delivery:
    payload = {
        "type": "event.published",
        "timestamp": _time(datetime.fromisoformat("2026-11-01T09:00:00+00:00")),
        "data": {"host": {"id": HOST_ID, "name": HOST_NAME}, "event": _event()},
    }
    return Delivery(f"msg_{EVENT_ID}_published", _body(payload))


def registration(one: Registrant) -> Delivery:
    """`registration.confirmed` of one registrant."""
    payload = registration_payload(
        "registration.confirmed",
        host=HOST_ID,
        event=_event(),
        registration=_snapshot(one, version=1),
        at=_time(one.registered_at),
    )
    return Delivery(f"msg_{one.registration_id}_confirmed", _body(payload))


def check_in(one: Registrant) -> Delivery:
    """`registration.checked_in` of one registrant."""
    assert one.checked_in_at is not None
    snapshot = _snapshot(one, version=2) | {"checked_in_at": _time(one.checked_in_at)}
    payload = registration_payload(
        "registration.checked_in",
        host=HOST_ID,
        event=_event(),
        registration=snapshot,
        at=_time(one.checked_in_at),
    )
    return Delivery(f"msg_{one.registration_id}_checked_in", _body(payload))


def _event() -> dict[str, Any]:
    return {
        "id": EVENT_ID,
        "title": TITLE,
        "kind": "in_person",
        "starts_at": _time(EVENT_STARTS_AT),
        "ends_at": _time(EVENT_ENDS_AT),
        "timezone": ZONE,
        "location": "Kraftwerk, Berlin",
        "version": 1,
    }


def _snapshot(one: Registrant, *, version: int) -> dict[str, Any]:
    return {
        "id": one.registration_id,
        "status": "confirmed",
        "registered_at": _time(one.registered_at),
        "attendee": one.attendee,
        "version": version,
        "answers": [{"key": key, "label": key, "value": value} for key, value in one.answers.items()],
    }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _body(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()
