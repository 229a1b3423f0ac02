"""Extract event and registration state from one webhook payload."""

from typing import Any

from app.webhooks.schemas import AttendeeIn, Data, Envelope, EventIn, RegistrationIn
from app.webhooks.state_merge import (
    EventState,
    Fields,
    RegistrationState,
    ReportedFacts,
    Reschedule,
    SnapshotVersion,
    fields_as_of,
)

EVENT_FIELDS = ("title", "kind", "starts_at", "ends_at", "timezone", "location", "url", "organizer")
ATTENDEE_FIELDS = tuple(AttendeeIn.model_fields)
SLOT_FIELDS = ("starts_at", "ends_at")
REGISTRATION_FIELDS = ("status", "ticket", "buyer", "answers", "utm", "salesforce_id", *SLOT_FIELDS)
ATTENDEE = "attendee."
SUBJECT_MAX = 1000
CHECKED_IN = "registration.checked_in"
EVENT_TAKES_PLACE = ("event.published", "event.updated")
"""Types that undo an earlier cancellation of the event."""


def event_state_from(envelope: Envelope) -> EventState | None:
    """The event as this delivery shows it, or None when it shows none."""
    event = envelope.data.event
    if event is None:
        return None
    at = envelope.timestamp
    return EventState(
        event_fields(event, SnapshotVersion(event.version, at)),
        cancelled=(at, envelope.data.reason or "") if envelope.type == "event.cancelled" else None,
        published_at=at if envelope.type in EVENT_TAKES_PLACE else None,
    )


def event_fields(event: EventIn, order: SnapshotVersion) -> Fields:
    """The event's fields that were sent, as of `order`; times stay times."""
    sent = event.model_fields_set
    values = {name: getattr(event, name) for name in EVENT_FIELDS if name in sent}
    if event.organizer is not None and "organizer" in values:
        values["organizer"] = event.organizer.model_dump(mode="json", exclude_unset=True)
    return fields_as_of(order, values)


def registration_state_from(envelope: Envelope) -> RegistrationState | None:
    """The registration as this delivery shows it, or None when it shows none."""
    registration, event = envelope.data.registration, envelope.data.event
    if registration is None or event is None:
        return None
    order = SnapshotVersion(registration.version, envelope.timestamp)
    fields = registration_fields(registration, order, event_id=event.id)
    return RegistrationState(fields, _facts(envelope, registration))


def registration_fields(registration: RegistrationIn, order: SnapshotVersion, *, event_id: str) -> Fields:
    """The fields that were sent, as of `order`; nested parts as plain JSON without what was not sent."""
    sent = registration.model_dump(mode="json", exclude_unset=True)
    values = {name: sent[name] for name in REGISTRATION_FIELDS if name in sent} | {"event_id": event_id}
    if "answers" in values and values["answers"] is None:
        values["answers"] = []
    values |= {name: getattr(registration, name) for name in SLOT_FIELDS if name in values}
    if registration.registered_at is not None:
        values["registered_at"] = registration.registered_at
    for name, value in sent["attendee"].items():
        values[ATTENDEE + name] = value
    return fields_as_of(order, values)


def _facts(envelope: Envelope, registration: RegistrationIn) -> ReportedFacts:
    facts = ReportedFacts(
        first_told_at=registration.registered_at or envelope.timestamp,
        is_confirmed=_shows_confirmed(envelope.type, registration),
    )
    add = FACTS_BY_TYPE.get(envelope.type)
    return ReportedFacts(**(vars(facts) | add(envelope, registration, envelope.data))) if add else facts


def _shows_confirmed(type_: str, registration: RegistrationIn) -> bool:
    """A check-in without a time of registration leaves the confirmation to the late registration."""
    is_dated = type_ != CHECKED_IN or registration.registered_at is not None
    return registration.status == "confirmed" and is_dated


def _checked_in(envelope: Envelope, registration: RegistrationIn, data: Data) -> dict[str, Any]:
    assert registration.checked_in_at is not None
    return {"check_ins": frozenset({registration.checked_in_at})}


def _cancelled(envelope: Envelope, registration: RegistrationIn, data: Data) -> dict[str, Any]:
    assert registration.cancelled_at is not None
    return {"cancelled": (registration.cancelled_at, data.reason or "")}


def _rescheduled(envelope: Envelope, registration: RegistrationIn, data: Data) -> dict[str, Any]:
    assert data.previous is not None
    previous = data.previous.model_dump(mode="json")
    return {
        "rescheduled": Reschedule(
            envelope.timestamp,
            data.reason or "",
            starts_at=previous["starts_at"] or "",
            ends_at=previous["ends_at"] or "",
        )
    }


def _emailed(envelope: Envelope, registration: RegistrationIn, data: Data) -> dict[str, Any]:
    assert data.email is not None
    sent = data.email.model_dump(mode="json", by_alias=True, exclude={"id"}, exclude_none=True)
    if "subject" in sent:
        sent["subject"] = sent["subject"][:SUBJECT_MAX]
    return {"emails": {data.email.id: {envelope.type.removeprefix("email."): sent}}}


def _replayed(envelope: Envelope, registration: RegistrationIn, data: Data) -> dict[str, Any]:
    assert data.replay is not None
    return {"replay": data.replay.model_dump(mode="json", exclude_unset=True)}


FACTS_BY_TYPE = {
    CHECKED_IN: _checked_in,
    "registration.check_in_reverted": lambda envelope, *_: {"check_in_reverted_at": envelope.timestamp},
    "registration.cancelled": _cancelled,
    "registration.no_show": lambda envelope, *_: {"no_show_at": envelope.timestamp},
    "registration.completed": lambda envelope, *_: {"completed_at": envelope.timestamp},
    "registration.rescheduled": _rescheduled,
    "replay.watched": _replayed,
    **dict.fromkeys(("email.sent", "email.opened", "email.replied"), _emailed),
}
"""What the types add to the facts; the times of other types' snapshots are not taken."""
