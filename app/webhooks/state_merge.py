"""What deliveries add up to, whatever their order: states that join, with no database and no clock.

A field of a snapshot belongs to the delivery that told it last (by version, else by time). A fact belongs to
its own time and is never lost. Joining is associative and idempotent, and commutative but for ties, where the
first one stays; so any order and repetition of the same deliveries ends in the same state.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from app.states import RegistrationStatus

CHECK_INS_MAX = 20
EMAILS_MAX = 200


class SnapshotVersion(NamedTuple):
    """The order of a snapshot: its version, then its time."""

    version: int | None
    at: datetime

    def is_newer_than(self, other: "SnapshotVersion") -> bool:
        """By version when both have one, else by time; a tie is not newer."""
        if self.version is not None and other.version is not None:
            return self.version > other.version
        return self.at > other.at


class VersionedValue(NamedTuple):
    """One field's value, and the version of the snapshot that has it."""

    value: Any
    order: SnapshotVersion


Fields = Mapping[str, VersionedValue]
"""What is known of a snapshot; a field that nobody told yet is absent."""


def fields_as_of(order: SnapshotVersion, values: Mapping[str, Any]) -> Fields:
    """What one snapshot tells. The tuples are made without a call of Python for each."""
    made = tuple.__new__
    return {name: made(VersionedValue, (value, order)) for name, value in values.items()}


def merge_fields(stored: Fields, told: Fields) -> Fields:
    """Keep the newest value of each field; on a tie the stored one."""
    newer = {
        name: field
        for name, field in told.items()
        if name not in stored or field.order.is_newer_than(stored[name].order)
    }
    return {**stored, **newer}


class Reschedule(NamedTuple):
    """When it was moved and why, and the times before: ISO 8601, empty where there was none."""

    at: datetime
    reason: str
    starts_at: str
    ends_at: str


EmailFact = Mapping[str, Any]
Emails = Mapping[str, Mapping[str, EmailFact]]
"""By an e-mail's id, what was told of it: `sent`, `opened`, `replied`, each with its time `at`."""

Time = TypeVar("Time", datetime, tuple[datetime, str], Reschedule)


@dataclass(frozen=True)
class ReportedFacts:
    """What happened to a registration, each with its own time.

    `cancelled` is the latest explicit cancellation with its reason, `rescheduled` the latest move; of each
    e-mail the first sending, opening and reply count;
    `is_confirmed` whether it ever was; `first_told_at` stands in for `registered_at` until that is told.
    """

    first_told_at: datetime
    is_confirmed: bool = False
    check_ins: frozenset[datetime] = frozenset()
    check_in_reverted_at: datetime | None = None
    cancelled: tuple[datetime, str] | None = None
    no_show_at: datetime | None = None
    completed_at: datetime | None = None
    rescheduled: Reschedule | None = None
    replay: Mapping[str, Any] | None = None
    emails: Emails = field(default_factory=dict)

    @property
    def checked_in_at(self) -> datetime | None:
        """The first check-in that was not undone."""
        return min(self._standing_check_ins(), default=None)

    @property
    def last_checked_in_at(self) -> datetime | None:
        """The last check-in that was not undone: what a no-show is held against."""
        return max(self._standing_check_ins(), default=None)

    def _standing_check_ins(self) -> list[datetime]:
        undone = self.check_in_reverted_at
        return [at for at in self.check_ins if undone is None or at > undone]


def merge_facts(stored: ReportedFacts, told: ReportedFacts) -> ReportedFacts:
    """Both together: all check-ins and e-mails, the first confirmation, of every other fact the last."""
    return ReportedFacts(
        first_told_at=min(stored.first_told_at, told.first_told_at),
        is_confirmed=stored.is_confirmed or told.is_confirmed,
        check_ins=_bounded(stored.check_ins | told.check_ins),
        check_in_reverted_at=_last(stored.check_in_reverted_at, told.check_in_reverted_at),
        cancelled=_last(stored.cancelled, told.cancelled),
        no_show_at=_last(stored.no_show_at, told.no_show_at),
        completed_at=_last(stored.completed_at, told.completed_at),
        rescheduled=_last(stored.rescheduled, told.rescheduled),
        replay=max((r for r in (stored.replay, told.replay) if r), key=_replay_rank, default=None),
        emails=_merge_emails(stored.emails, told.emails),
    )


@dataclass(frozen=True)
class RegistrationState:
    """All that is known of one registration. `status` is in every snapshot, so its order is the latest."""

    fields: Fields
    facts: ReportedFacts

    @property
    def order(self) -> SnapshotVersion:
        return self.fields["status"].order

    @property
    def registered_at(self) -> datetime:
        told = self.fields.get("registered_at")
        return told.value if told else self.facts.first_told_at

    @property
    def status(self) -> str:
        """The latest snapshot's status, seen together with the facts.

        A cancellation after the moment of the snapshot counts; leaving `confirmed` for the queue counts as
        cancelled; somebody who is checked in is confirmed.
        """
        told: str = self.fields["status"].value
        cancelled = self.facts.cancelled
        if cancelled is not None and cancelled[0] > self.order.at:
            return RegistrationStatus.CANCELLED
        if told not in (RegistrationStatus.PENDING, RegistrationStatus.WAITLISTED):
            return told
        if self.facts.checked_in_at is not None:
            return RegistrationStatus.CONFIRMED
        return RegistrationStatus.CANCELLED if self.facts.is_confirmed else told

    @property
    def confirmed_at(self) -> datetime | None:
        return self.registered_at if self.facts.is_confirmed else None

    @property
    def cancelled_at(self) -> datetime | None:
        """Since when it is cancelled; None while it is not, whatever it was before."""
        if self.status not in (RegistrationStatus.CANCELLED, RegistrationStatus.DECLINED):
            return None
        cancelled = self.facts.cancelled
        is_of_this_time = cancelled is not None and cancelled[0] >= self.registered_at
        return cancelled[0] if cancelled is not None and is_of_this_time else self.order.at


def merge_registrations(stored: RegistrationState, told: RegistrationState) -> RegistrationState:
    """What is known when both are."""
    return RegistrationState(merge_fields(stored.fields, told.fields), merge_facts(stored.facts, told.facts))


@dataclass(frozen=True)
class EventState:
    """All that is known of one event. `title` is in every snapshot, so its order is the latest.

    `cancelled` is the latest cancellation with its reason; `published_at` when it was last published or
    changed.
    """

    fields: Fields
    cancelled: tuple[datetime, str] | None = None
    published_at: datetime | None = None

    @property
    def order(self) -> SnapshotVersion:
        return self.fields["title"].order

    @property
    def cancelled_at(self) -> datetime | None:
        """When it was cancelled; None where it was published or changed since."""
        cancelled_at = self.cancelled[0] if self.cancelled else None
        is_undone = cancelled_at and self.published_at and self.published_at > cancelled_at
        return None if is_undone else cancelled_at


def merge_events(stored: EventState, told: EventState) -> EventState:
    """What is known when both are; of each fact the last time."""
    return EventState(
        merge_fields(stored.fields, told.fields),
        cancelled=_last(stored.cancelled, told.cancelled),
        published_at=_last(stored.published_at, told.published_at),
    )


def _last(one: Time | None, other: Time | None) -> Time | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _bounded(times: frozenset[datetime]) -> frozenset[datetime]:
    """Keep the first and last check-ins only, so that no badge grows the row for ever."""
    if len(times) <= CHECK_INS_MAX:
        return times
    half, ordered = CHECK_INS_MAX // 2, sorted(times)
    return frozenset(ordered[:half] + ordered[-half:])


def _merge_emails(stored: Emails, told: Emails) -> Emails:
    """Of each e-mail the first of each fact; of too many the latest e-mails."""
    if not told or stored == told:
        return stored
    merged = {id_: _merge_email(stored.get(id_, {}), told.get(id_, {})) for id_ in {**stored, **told}}
    if len(merged) <= EMAILS_MAX:
        return merged
    latest = sorted(merged, key=lambda id_: (max(map(_email_rank, merged[id_].values())), id_))
    return {id_: merged[id_] for id_ in latest[-EMAILS_MAX:]}


def _merge_email(stored: Mapping[str, EmailFact], told: Mapping[str, EmailFact]) -> Mapping[str, EmailFact]:
    return {
        kind: min((facts[kind] for facts in (stored, told) if kind in facts), key=_email_rank)
        for kind in {**stored, **told}
    }


def _email_rank(fact: EmailFact) -> tuple[datetime, str]:
    return datetime.fromisoformat(fact["at"]), json.dumps(fact, sort_keys=True)


def _replay_rank(replay: Mapping[str, Any]) -> tuple[datetime, int, float]:
    return (
        datetime.fromisoformat(replay["watched_at"]),
        replay["seconds"],
        -1.0 if replay.get("percent") is None else replay["percent"],
    )
