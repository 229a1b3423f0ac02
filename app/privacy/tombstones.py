"""What must not be kept: deliveries that speak of somebody erased, found by keyed hashes.

Intake takes a host's lock shared and an erasure takes it alone, so that nothing slips in between the two.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from app.email_address import address_key
from app.infrastructure.raw_connection import Statements
from app.sync.model.reference_tags import fence_key
from app.webhooks.parse import Accepted
from app.webhooks.schemas import DATA_READ, OF_OTHERS_READ
from app.webhooks.state_merge import RegistrationState

REGISTRATION, EMAIL, ATTENDEE_ID, MENTION = "registration", "email", "attendee_id", "mention"
"""A mention is a text in a body that we do not read: it may be an id or an address."""

# What comes after it in the transaction goes by key. Plans are kept as long as a connection lives, also those
# that were made while a table was small and reading all of it was cheap.
LOCK_SHARED = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended(host_id, 11)),"
    " set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
    " FROM unnest(CAST(:hosts AS text[])) AS h (host_id)"
)
LOCK_ALONE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(host_id, 11))"
    " FROM unnest(CAST(:hosts AS text[])) AS h (host_id)"
)
KNOWN = text(
    "SELECT e.key, e.erased_at FROM erasures AS e"
    " JOIN unnest(CAST(:hosts AS text[]), CAST(:kinds AS text[]), CAST(:keys AS bytea[]))"
    " AS k (host_id, kind, key) ON e.host_id = k.host_id AND e.kind = k.kind AND e.key = k.key"
)


class Subject(NamedTuple):
    """Somebody, or a registration, of one host; e-mails as they are compared."""

    host_id: str
    kind: str
    value: str


def tombstone_key(pepper: bytes, subject: Subject) -> bytes:
    """What stays of the subject: without the pepper nobody can tell whom it names."""
    return fence_key(pepper, f"{subject.host_id}:{subject.kind}", subject.value)


@dataclass(frozen=True)
class Tombstones:
    """The tombstones that a group of deliveries meets: until when nothing of a subject is kept."""

    erased_at: Mapping[Subject, datetime]

    def spare(self, delivery: Accepted) -> Accepted:
        """The delivery without what must not be kept of it."""
        if not self.erased_at:
            return delivery
        if delivery.unread is not None and any(
            self._covers(subject, delivery.occurred_at) for subject in _mentioned_in(delivery)
        ):
            return replace(delivery, unread=None)
        if delivery.registration is None:
            return delivery
        if any(self._covers(subject, delivery.occurred_at) for subject in _whom(delivery)):
            return replace(delivery, payload=emptied(delivery), registration=None)
        buyer = _buyer(delivery.host_id, delivery.registration)
        if buyer is not None and self._covers(buyer, delivery.occurred_at):
            return _without_buyer(delivery, delivery.registration)
        return delivery

    def _covers(self, subject: Subject, at: datetime) -> bool:
        return covers(self.erased_at, subject, at)


def covers(erased_at: Mapping[Subject, datetime], subject: Subject, at: datetime) -> bool:
    """Whether nothing is kept of what was told of the subject at that time."""
    until = erased_at.get(subject)
    return until is not None and (subject.kind == REGISTRATION or at <= until)


async def lock_hosts(statements: Statements, deliveries: Iterable[Accepted]) -> None:
    """Keep erasures of these hosts out until the caller's transaction ends, and all intake for one of ours.

    What is looked at afterwards is as the last erasure left it.
    """
    alone = {delivery.host_id for delivery in deliveries if delivery.erasure is not None}
    shared = {delivery.host_id for delivery in deliveries} - alone
    await lock_alone(statements, alone)
    await lock_shared(statements, shared)


async def meet(statements: Statements, deliveries: Iterable[Accepted], *, pepper: bytes) -> Tombstones:
    """The tombstones that apply to them."""
    return Tombstones(await known(statements, _subjects(deliveries), pepper=pepper))


async def known(
    statements: Statements, wanted: Iterable[Subject], *, pepper: bytes
) -> dict[Subject, datetime]:
    """Those of the subjects that were erased, and when."""
    subjects = {tombstone_key(pepper, subject): subject for subject in wanted}
    if not subjects:
        return {}
    columns: dict[str, list[Any]] = {
        "hosts": [subject.host_id for subject in subjects.values()],
        "kinds": [subject.kind for subject in subjects.values()],
        "keys": list(subjects),
    }
    found = await statements.execute(KNOWN, columns)
    return {subjects[key]: erased_at for key, erased_at in found}


async def lock_shared(statements: Statements, host_ids: Iterable[str]) -> None:
    """Keep erasures of these hosts out until the caller's transaction ends."""
    if hosts := sorted(host_ids):
        await statements.execute(LOCK_SHARED, {"hosts": hosts})


async def lock_alone(statements: Statements, host_ids: Iterable[str]) -> None:
    """Keep every intake of these hosts out until the caller's transaction ends."""
    if hosts := sorted(host_ids):
        await statements.execute(LOCK_ALONE, {"hosts": hosts})


def emptied(delivery: Accepted) -> str:
    """What is kept of a payload about somebody erased: type, time and ids."""
    kept = {
        "type": delivery.type,
        "timestamp": delivery.occurred_at.isoformat(),
        "data": {"host": {"id": delivery.host_id}},
        "is_erased": True,
    }
    return json.dumps(kept)


def _subjects(deliveries: Iterable[Accepted]) -> Iterator[Subject]:
    for delivery in deliveries:
        yield from _mentioned_in(delivery)
        if delivery.registration is not None:
            yield from _whom(delivery)
            buyer = _buyer(delivery.host_id, delivery.registration)
            if buyer is not None:
                yield buyer


def _mentioned_in(delivery: Accepted) -> Iterator[Subject]:
    for each in delivery.unread.mentions if delivery.unread else ():
        yield from mentioned(delivery.host_id, each)


def mentioned(host_id: str, text: str) -> Iterator[Subject]:
    """Who or what a text in a body that we do not read may be."""
    kinds = (EMAIL,) if "@" in text else (ATTENDEE_ID, REGISTRATION, MENTION)
    yield from (Subject(host_id, kind, text) for kind in kinds)


def _whom(delivery: Accepted) -> Iterator[Subject]:
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


def _without_buyer(delivery: Accepted, registration: RegistrationState) -> Accepted:
    fields = {name: told for name, told in registration.fields.items() if name != "buyer"}
    payload = json.loads(delivery.payload)
    payload["data"] = {name: each for name, each in payload["data"].items() if name in DATA_READ}
    told = payload["data"]["registration"]
    payload["data"]["registration"] = {name: told[name] for name in told if name in OF_OTHERS_READ}
    changed = replace(registration, fields=fields)
    return replace(delivery, payload=json.dumps(payload), registration=changed)
