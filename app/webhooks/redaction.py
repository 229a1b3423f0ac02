"""Redact deliveries about erased attendees before they are stored."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from app.infrastructure.raw_connection import SqlExecutor
from app.privacy.erasure import DATA_READ, OTHERS_READ
from app.privacy.tombstones import (
    ATTENDEE_ID,
    EMAIL,
    REGISTRATION,
    Subject,
    covers,
    lock_exclusive,
    lock_shared,
    mentioned_subjects,
)
from app.text.email_address import address_key
from app.webhooks.parse import ParsedDelivery


def redact_erased(delivery: ParsedDelivery, erased_at: Mapping[Subject, datetime]) -> ParsedDelivery:
    """The delivery without what must not be kept of it; `erased_at` says until when of which subject."""

    def is_erased(subjects: Iterable[Subject]) -> bool:
        return any(covers(erased_at, subject, delivery.occurred_at) for subject in subjects)

    if not erased_at:
        return delivery
    if is_erased(_mentioned_in(delivery)):
        return replace(delivery, unread=None)
    if is_erased(_attendee_of(delivery)):
        return replace(delivery, payload=redacted_payload(delivery), registration=None)
    if is_erased(_replier_of(delivery)):
        delivery = _without_reply(delivery)
    return _without_buyer(delivery) if is_erased(_buyer_of(delivery)) else delivery


async def lock_hosts(statements: SqlExecutor, deliveries: Iterable[ParsedDelivery]) -> None:
    """Lock the hosts until the transaction ends: shared, or exclusively where a delivery is an erasure.

    Reads after it see the result of the last erasure.
    """
    alone = {delivery.host_id for delivery in deliveries if delivery.erasure is not None}
    shared = {delivery.host_id for delivery in deliveries} - alone
    await lock_exclusive(statements, alone)
    await lock_shared(statements, shared)


def subjects_of(deliveries: Iterable[ParsedDelivery]) -> Iterator[Subject]:
    """Everybody whom the deliveries are about."""
    for delivery in deliveries:
        yield from _mentioned_in(delivery)
        yield from _attendee_of(delivery)
        yield from _buyer_of(delivery)
        yield from _replier_of(delivery)


def redacted_payload(delivery: ParsedDelivery) -> str:
    """Return what is stored of a payload about an erased attendee: type, time and ids."""
    kept = {
        "type": delivery.type,
        "timestamp": delivery.occurred_at.isoformat(),
        "data": {"host": {"id": delivery.host_id}},
        "is_erased": True,
    }
    return json.dumps(kept)


def _mentioned_in(delivery: ParsedDelivery) -> Iterator[Subject]:
    for each in delivery.unread.mentions if delivery.unread else ():
        yield from mentioned_subjects(delivery.host_id, each)


def _attendee_of(delivery: ParsedDelivery) -> Iterator[Subject]:
    if delivery.registration is None:
        return
    fields = delivery.registration.fields
    if delivery.registration_id:
        yield Subject(delivery.host_id, REGISTRATION, delivery.registration_id)
    email = fields.get("attendee.email")
    if email is not None and (key := address_key(email.value)):
        yield Subject(delivery.host_id, EMAIL, key)
    attendee_id = fields.get("attendee.id")
    if attendee_id is not None and attendee_id.value:
        yield Subject(delivery.host_id, ATTENDEE_ID, attendee_id.value)


def _buyer_of(delivery: ParsedDelivery) -> Iterator[Subject]:
    told = delivery.registration.fields.get("buyer") if delivery.registration else None
    if told is not None and (key := address_key((told.value or {}).get("email"))):
        yield Subject(delivery.host_id, EMAIL, key)


def _replier_of(delivery: ParsedDelivery) -> Iterator[Subject]:
    """Who replied to an e-mail, who need not be the attendee."""
    for facts in delivery.registration.facts.emails.values() if delivery.registration else ():
        sender = facts.get("replied", {}).get("from") or {}
        if key := address_key(sender.get("email")):
            yield Subject(delivery.host_id, EMAIL, key)


def _without_reply(delivery: ParsedDelivery) -> ParsedDelivery:
    assert delivery.registration is not None
    payload = json.loads(delivery.payload)
    payload["data"] = {name: each for name, each in payload["data"].items() if name in DATA_READ}
    payload["data"]["email"] = {name: payload["data"]["email"][name] for name in ("id", "at")}
    facts = replace(delivery.registration.facts, emails={})
    return replace(
        delivery, payload=json.dumps(payload), registration=replace(delivery.registration, facts=facts)
    )


def _without_buyer(delivery: ParsedDelivery) -> ParsedDelivery:
    assert delivery.registration is not None
    fields = {name: told for name, told in delivery.registration.fields.items() if name != "buyer"}
    payload = json.loads(delivery.payload)
    payload["data"] = {name: each for name, each in payload["data"].items() if name in DATA_READ}
    told = payload["data"]["registration"]
    payload["data"]["registration"] = {name: told[name] for name in told if name in OTHERS_READ}
    changed = replace(delivery.registration, fields=fields)
    return replace(delivery, payload=json.dumps(payload), registration=changed)
