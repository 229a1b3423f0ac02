"""Who registers where in one run, and the webhooks that say so: all from one seed."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from devtools.local_stack.webhook_sender import registration_payload

OPENED_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EVENT_ID = "evt_otters"
SHARED, KNOWN, CHECKED_IN, TWICE, EARLY = 0.15, 0.15, 0.4, 0.1, 0.3
"""Shares: registered with both hosts of an org; a Contact before; checks in; sent twice; check-in first."""


@dataclass(frozen=True)
class HostPlan:
    """One host, its org by number, and the host on the same org, if there is one."""

    host_id: str
    org: int
    sibling: str | None = None


@dataclass(frozen=True)
class Registrant:
    """One registration; the same e-mail may register with the other host of the org, too."""

    registration_id: str
    host_id: str
    org: int
    email: str
    is_known: bool
    checks_in: bool
    registered_at: datetime

    @property
    def confirmed_id(self) -> str:
        """The id of the webhook that confirms it."""
        return f"msg_{self.registration_id}_confirmed"

    @property
    def checked_in_id(self) -> str:
        return f"msg_{self.registration_id}_checked_in"


@dataclass(frozen=True)
class Webhook:
    """One delivery; the same id always carries the same body."""

    webhook_id: str
    body: bytes


def hosts_for(orgs: int) -> list[HostPlan]:
    """One host per org, and a second one on the first two orgs."""
    hosts = [HostPlan(f"host_{org}a", org) for org in range(orgs)]
    for org in range(min(2, orgs)):
        hosts[org] = replace(hosts[org], sibling=f"host_{org}b")
        hosts.append(HostPlan(f"host_{org}b", org, f"host_{org}a"))
    return hosts


def registrants_for(
    hosts: Sequence[HostPlan], count: int, chance: random.Random, *, shared: float = SHARED
) -> list[Registrant]:
    """So many registrations, spread over the hosts in turn."""
    people = []
    for number in range(count):
        host = hosts[number % len(hosts)]
        email = f"p{number}@org{host.org}.example"
        one = Registrant(
            f"reg_{number:05}_a",
            host.host_id,
            host.org,
            email,
            is_known=chance.random() < KNOWN,
            checks_in=chance.random() < CHECKED_IN,
            registered_at=OPENED_AT + timedelta(seconds=number),
        )
        people.append(one)
        if host.sibling and chance.random() < shared:
            people.append(
                replace(one, registration_id=f"reg_{number:05}_b", host_id=host.sibling, checks_in=False)
            )
    return people


def webhooks_for(people: Sequence[Registrant], chance: random.Random) -> list[Webhook]:
    """Confirmations in order, check-ins somewhat later or a little early, some sent twice."""
    placed: list[tuple[float, Webhook]] = []
    for number, one in enumerate(people):
        confirmed = confirmation(one)
        placed.append((number, confirmed))
        if chance.random() < TWICE:
            placed.append((number + chance.uniform(0, 30), confirmed))
        if one.checks_in:
            shift = chance.uniform(-5, 0) if chance.random() < EARLY else chance.uniform(1, 60)
            placed.append((number + shift, check_in(one)))
    return [webhook for _, webhook in sorted(placed, key=lambda pair: pair[0])]


def confirmation(one: Registrant, **attendee: Any) -> Webhook:
    """`registration.confirmed`; `attendee` changes the person's fields."""
    snapshot = snapshot_of(one, version=1)
    snapshot["attendee"] = snapshot["attendee"] | attendee
    body = body_of("registration.confirmed", one, snapshot, at=time_of(one.registered_at))
    return Webhook(one.confirmed_id, body)


def check_in(one: Registrant) -> Webhook:
    """`registration.checked_in`."""
    at = one.registered_at + timedelta(days=2)
    snapshot = snapshot_of(one, version=2) | {"checked_in_at": time_of(at)}
    return Webhook(one.checked_in_id, body_of("registration.checked_in", one, snapshot, at=time_of(at)))


def snapshot_of(one: Registrant, *, version: int) -> dict[str, Any]:
    """The whole registration, confirmed."""
    name = one.email.partition("@")[0]
    return {
        "id": one.registration_id,
        "status": "confirmed",
        "registered_at": time_of(one.registered_at),
        "attendee": {"email": one.email, "first_name": "Otter", "last_name": name, "company": "Pond"},
        "version": version,
    }


def body_of(
    type_: str,
    one: Registrant,
    snapshot: dict[str, Any],
    *,
    at: str,
    event: Mapping[str, Any] | None = None,
    blocks: Mapping[str, Any] | None = None,
) -> bytes:
    """What happened to a registration; `blocks` are beside its snapshot."""
    event = event_of(one.host_id) if event is None else event
    payload = registration_payload(type_, host=one.host_id, event=event, registration=snapshot, at=at)
    payload["data"] |= blocks or {}
    return json.dumps(payload).encode()


def event_of(host_id: str) -> dict[str, Any]:
    """The one event of a host."""
    return {"id": EVENT_ID, "title": f"Summit of {host_id}", "kind": "in_person", "version": 1}


def time_of(moment: datetime) -> str:
    """As webhooks write a time."""
    return moment.isoformat().replace("+00:00", "Z")
