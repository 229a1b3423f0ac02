"""What becomes of registrations after they are confirmed, and the webhooks that say so: all from one seed."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chaos.workload import (
    OPENED_AT,
    HostPlan,
    Registrant,
    Webhook,
    body_of,
    event_of,
    snapshot_of,
    time_of,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLANNED_AT = OPENED_AT + timedelta(days=10)
MOVED_TO = PLANNED_AT + DAY
MAILS = ("sent", "opened", "replied")
NOTHING: Mapping[str, Any] = {}
OWN_SLOT, MOVES, MAILED, TWICE, LATE_MAIL = 0.5, 0.4, 0.7, 0.1, 0.3
"""Shares: with a slot of their own; moved; with an e-mail; sent twice; the e-mail after what became of it."""


class End(StrEnum):
    """How a registration ended."""

    OPEN = "open"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    COMPLETED = "completed"
    CHECKED_IN = "checked_in"
    LATE = "late"
    """A no-show who came after all."""


ATTENDED = (End.CHECKED_IN, End.LATE)
OTHER_ENDS = (End.OPEN, End.CANCELLED, End.NO_SHOW, End.COMPLETED)


@dataclass(frozen=True)
class HostEvent:
    """The one event of a host: a meeting; it may be moved, and then be cancelled."""

    host_id: str
    is_moved: bool
    is_cancelled: bool

    @property
    def starts_at(self) -> datetime:
        return MOVED_TO if self.is_moved else PLANNED_AT

    @property
    def moved_id(self) -> str:
        return f"msg_{self.host_id}_moved"

    @property
    def cancelled_id(self) -> str:
        return f"msg_{self.host_id}_cancelled"


@dataclass(frozen=True)
class Life:
    """One registration: `slot` is its own time where it has one, `moved_to` where it was moved to.

    `mails` of the three that there may be of its one e-mail: sent, opened, replied.
    """

    one: Registrant
    event: HostEvent
    slot: datetime | None
    moved_to: datetime | None
    end: End
    mails: tuple[str, ...]

    @property
    def starts_at(self) -> datetime:
        """When it takes place in the end."""
        return self.moved_to or self.slot or self.event.starts_at

    @property
    def is_cancelled(self) -> bool:
        return self.end is End.CANCELLED or self.event.is_cancelled

    @property
    def email_id(self) -> str:
        return f"em_{self.one.registration_id}"

    @property
    def webhook_ids(self) -> list[str]:
        """All that are sent of it."""
        said = [*(["rescheduled"] if self.moved_to else []), *self.mails, *_said_at_end(self.end)]
        return [self.webhook_id(each) for each in ("confirmed", *said)]

    def webhook_id(self, what: str) -> str:
        return f"msg_{self.one.registration_id}_{what}"


def events_for(hosts: Sequence[HostPlan]) -> dict[str, HostEvent]:
    """Every second event is moved, the last one is cancelled as well."""
    last = len(hosts) - 1
    return {
        host.host_id: HostEvent(host.host_id, number % 2 == 1 or number == last, number == last)
        for number, host in enumerate(hosts)
    }


def lives_for(people: Iterable[Registrant], hosts: Sequence[HostPlan], chance: random.Random) -> list[Life]:
    """One for each registration."""
    events = events_for(hosts)
    return [_life(number, one, events[one.host_id], chance) for number, one in enumerate(people)]


def _life(number: int, one: Registrant, event: HostEvent, chance: random.Random) -> Life:
    slot = PLANNED_AT + number * HOUR if chance.random() < OWN_SLOT else None
    moves = chance.random() < MOVES
    mails = MAILS[: chance.randint(1, 3)] if chance.random() < MAILED else ()
    end = chance.choice(ATTENDED if one.checks_in else OTHER_ENDS)
    return Life(one, event, slot, PLANNED_AT + 3 * DAY + number * HOUR if moves else None, end, mails)


def waves_for(lives: Sequence[Life], chance: random.Random) -> list[list[Webhook]]:
    """Bookings; then moves and e-mails; then how it ended. Within a wave they come in any order."""
    events = {life.event.host_id: life.event for life in lives}.values()
    booked = [_said(life, "confirmed", version=1, is_moved=False) for life in lives]
    early = [_mail(life, "sent") for life in lives if "sent" in life.mails and chance.random() > LATE_MAIL]
    changes = [
        *(_of_event(event, "updated", event.moved_id) for event in events if event.is_moved),
        *(_moved(life) for life in lives if life.moved_to),
        # Those that were sent already come once more, as the same delivery.
        *(_mail(life, what) for life in lives for what in life.mails),
    ]
    ends = [
        *(_of_event(event, "cancelled", event.cancelled_id) for event in events if event.is_cancelled),
        *(_ended(life, what) for life in lives for what in _said_at_end(life.end)),
    ]
    return [_shuffled(wave, chance) for wave in ([*booked, *early], changes, ends)]


def _shuffled(wave: Sequence[Webhook], chance: random.Random) -> list[Webhook]:
    sent = [*wave, *(webhook for webhook in wave if chance.random() < TWICE)]
    chance.shuffle(sent)
    return sent


def _said_at_end(end: End) -> tuple[str, ...]:
    of_several: dict[End, tuple[str, ...]] = {End.OPEN: (), End.LATE: ("no_show", "checked_in")}
    return of_several.get(end, (end.value,))


def _moved(life: Life) -> Webhook:
    previous = {"starts_at": time_of(life.slot or PLANNED_AT), "ends_at": None}
    blocks = {"previous": previous, "reason": "Clash"}
    return _said(life, "rescheduled", version=2, after=HOUR, blocks=blocks)


def _ended(life: Life, what: str) -> Webhook:
    after, version = (3 * DAY, 4) if what == "checked_in" else (2 * DAY, 3)
    at = time_of(life.one.registered_at + after)
    changed = {
        "cancelled": {"status": "cancelled", "cancelled_at": at},
        "checked_in": {"checked_in_at": at},
    }
    blocks = {"reason": "Ill"} if what == "cancelled" else {}
    return _said(life, what, version=version, after=after, changed=changed.get(what, {}), blocks=blocks)


def _mail(life: Life, what: str) -> Webhook:
    """As the registration was when it was booked."""
    after = HOUR / 2 + HOUR / 6 * MAILS.index(what)
    email = {"id": life.email_id, "at": time_of(life.one.registered_at + after)}
    email |= {"sent": {"subject": f"See you, {life.one.registration_id}"}, "replied": {"snippet": "Yes"}}.get(
        what, {}
    )
    return _said(life, what, version=1, is_moved=False, after=after, of="email", blocks={"email": email})


def _said(
    life: Life,
    what: str,
    *,
    version: int,
    is_moved: bool = True,
    after: timedelta = timedelta(0),
    of: str = "registration",
    changed: Mapping[str, Any] = NOTHING,
    blocks: Mapping[str, Any] = NOTHING,
) -> Webhook:
    """One happening of a registration, `after` it was made; `is_moved`: with its times in the end."""
    slot = (life.moved_to or life.slot) if is_moved else life.slot
    snapshot = snapshot_of(life.one, version=version) | _times(slot) | dict(changed)
    at = time_of(life.one.registered_at + after)
    event = _event(life.event, is_moved=is_moved and life.event.is_moved)
    body = body_of(f"{of}.{what}", life.one, snapshot, at=at, event=event, blocks=blocks)
    return Webhook(life.webhook_id(what), body)


def _of_event(event: HostEvent, what: str, webhook_id: str) -> Webhook:
    version = {"updated": 2, "cancelled": 3}[what]
    data = {
        "host": {"id": event.host_id},
        "event": _event(event, is_moved=True) | {"version": version},
        **({"reason": "Storm"} if what == "cancelled" else {}),
    }
    happened = {"type": f"event.{what}", "timestamp": time_of(OPENED_AT + version * DAY), "data": data}
    return Webhook(webhook_id, json.dumps(happened).encode())


def _event(event: HostEvent, *, is_moved: bool) -> dict[str, Any]:
    kind = {"kind": "meeting", "version": 2 if is_moved else 1}
    return event_of(event.host_id) | kind | _times(MOVED_TO if is_moved else PLANNED_AT)


def _times(starts_at: datetime | None) -> dict[str, str | None]:
    if starts_at is None:
        return {"starts_at": None, "ends_at": None}
    return {"starts_at": time_of(starts_at), "ends_at": time_of(starts_at + HOUR)}
