"""Redact deliveries about erased attendees before they are stored."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.infrastructure.raw_connection import SqlExecutor
from app.privacy.erasure import DATA_READ, OTHERS_READ
from app.privacy.tombstones import (
    ATTENDEE_ID,
    EMAIL,
    REGISTRATION,
    Subject,
    covers,
    load_erased,
    lock_exclusive,
    lock_shared,
    mentioned_subjects,
)
from app.text.email_address import address_key
from app.webhooks.parse import ParsedDelivery
from app.webhooks.state_merge import RegistrationState


@dataclass(frozen=True)
class Tombstones:
    """The tombstones that apply to a group of deliveries: until when data of a subject is not stored."""

    erased_at: Mapping[Subject, datetime]

    def spare(self, delivery: ParsedDelivery) -> ParsedDelivery:
        """The delivery without what must not be kept of it."""
        if not self.erased_at:
            return delivery
        if delivery.unread is not None and any(
            self._covers(subject, delivery.occurred_at) for subject in _mentioned_in(delivery)
        ):
            return replace(delivery, unread=None)
        if delivery.registration is None:
            return delivery
        if any(self._covers(subject, delivery.occurred_at) for subject in _subjects_of(delivery)):
            return replace(delivery, payload=redacted_payload(delivery), registration=None)
        buyer = _buyer(delivery.host_id, delivery.registration)
        if buyer is not None and self._covers(buyer, delivery.occurred_at):
            return _redact_buyer(delivery, delivery.registration)
        return delivery

    def _covers(self, subject: Subject, at: datetime) -> bool:
        return covers(self.erased_at, subject, at)


async def lock_hosts(statements: SqlExecutor, deliveries: Iterable[ParsedDelivery]) -> None:
    """Lock the hosts until the transaction ends: shared, or exclusively where a delivery is an erasure.

    Reads after it see the result of the last erasure.
    """
    alone = {delivery.host_id for delivery in deliveries if delivery.erasure is not None}
    shared = {delivery.host_id for delivery in deliveries} - alone
    await lock_exclusive(statements, alone)
    await lock_shared(statements, shared)


async def load_tombstones(
    statements: SqlExecutor, deliveries: Iterable[ParsedDelivery], *, pepper: bytes
) -> Tombstones:
    return Tombstones(await load_erased(statements, _subjects(deliveries), pepper=pepper))


def redacted_payload(delivery: ParsedDelivery) -> str:
    """Return what is stored of a payload about an erased attendee: type, time and ids."""
    kept = {
        "type": delivery.type,
        "timestamp": delivery.occurred_at.isoformat(),
        "data": {"host": {"id": delivery.host_id}},
        "is_erased": True,
    }
    return json.dumps(kept)


def _subjects(deliveries: Iterable[ParsedDelivery]) -> Iterator[Subject]:
    for delivery in deliveries:
        yield from _mentioned_in(delivery)
        if delivery.registration is not None:
            yield from _subjects_of(delivery)
            buyer = _buyer(delivery.host_id, delivery.registration)
            if buyer is not None:
                yield buyer


def _mentioned_in(delivery: ParsedDelivery) -> Iterator[Subject]:
    for each in delivery.unread.mentions if delivery.unread else ():
        yield from mentioned_subjects(delivery.host_id, each)


def _subjects_of(delivery: ParsedDelivery) -> Iterator[Subject]:
    assert delivery.registration is not None
    fields = delivery.registration.fields
    if delivery.registration_id:
        yield Subject(delivery.host_id, REGISTRATION, delivery.registration_id)
    email = fields.get("attendee.email")
    if email is not None and (key := address_key(email.value)):
        yield Subject(delivery.host_id, EMAIL, key)
    attendee_id = fields.get("attendee.id")
    if attendee_id is not None and attendee_id.value:
        yield Subject(delivery.host_id, ATTENDEE_ID, attendee_id.value)


def _buyer(host_id: str, registration: RegistrationState) -> Subject | None:
    told = registration.fields.get("buyer")
    key = address_key((told.value or {}).get("email")) if told else None
    return Subject(host_id, EMAIL, key) if key else None


def _redact_buyer(delivery: ParsedDelivery, registration: RegistrationState) -> ParsedDelivery:
    fields = {name: told for name, told in registration.fields.items() if name != "buyer"}
    payload = json.loads(delivery.payload)
    payload["data"] = {name: each for name, each in payload["data"].items() if name in DATA_READ}
    told = payload["data"]["registration"]
    payload["data"]["registration"] = {name: told[name] for name in told if name in OTHERS_READ}
    changed = replace(registration, fields=fields)
    return replace(delivery, payload=json.dumps(payload), registration=changed)
