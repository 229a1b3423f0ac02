"""What must not be kept: deliveries that speak of somebody erased, found by keyed hashes.

Intake takes a host's lock shared and an erasure takes it alone, so that nothing slips in between the two.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from app.addresses import address_key
from app.direct import Statements
from app.intake.delivery import Accepted
from app.intake.merge import RegistrationState
from app.sync.references import fence_key

REGISTRATION, EMAIL, ATTENDEE_ID = "registration", "email", "attendee_id"

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
        if not self.erased_at or delivery.registration is None:
            return delivery
        if any(self._covers(subject, delivery.occurred_at) for subject in _whom(delivery)):
            return replace(delivery, payload=emptied(delivery), registration=None)
        buyer = _buyer(delivery.host_id, delivery.registration)
        if buyer is not None and self._covers(buyer, delivery.occurred_at):
            return _without_buyer(delivery, delivery.registration)
        return delivery

    def _covers(self, subject: Subject, at: datetime) -> bool:
        erased_at = self.erased_at.get(subject)
        return erased_at is not None and (subject.kind == REGISTRATION or at <= erased_at)


async def lock_hosts(statements: Statements, deliveries: Iterable[Accepted]) -> None:
    """Keep erasures of these hosts out until the caller's transaction ends, and all intake for one of ours.

    What is looked at afterwards is as the last erasure left it.
    """
    alone = {delivery.host_id for delivery in deliveries if delivery.erasure is not None}
    shared = {delivery.host_id for delivery in deliveries} - alone
    await lock_alone(statements, alone)
    if shared:
        await statements.execute(LOCK_SHARED, {"hosts": sorted(shared)})


async def meet(statements: Statements, deliveries: Iterable[Accepted], *, pepper: bytes) -> Tombstones:
    """The tombstones that apply to them."""
    subjects = {tombstone_key(pepper, subject): subject for subject in _subjects(deliveries)}
    if not subjects:
        return Tombstones({})
    columns: dict[str, list[Any]] = {
        "hosts": [subject.host_id for subject in subjects.values()],
        "kinds": [subject.kind for subject in subjects.values()],
        "keys": list(subjects),
    }
    found = await statements.execute(KNOWN, columns)
    return Tombstones({subjects[key]: erased_at for key, erased_at in found})


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
        if delivery.registration is not None:
            yield from _whom(delivery)
            buyer = _buyer(delivery.host_id, delivery.registration)
            if buyer is not None:
                yield buyer


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
    payload.get("data", {}).get("registration", {}).pop("buyer", None)
    changed = replace(registration, fields=fields)
    return replace(delivery, payload=json.dumps(payload), registration=changed)
