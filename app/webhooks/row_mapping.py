"""Between joined states and table rows: the columns others read, and what is needed to join again.

`merge_state` holds the orders of fields that the row's latest delivery did not tell (null: never told) and
the facts that columns do not show. It never holds personal data.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.sync.model.emails import new_email_kinds
from app.text.email_address import address_key
from app.webhooks.snapshot import ATTENDEE, ATTENDEE_FIELDS, EVENT_FIELDS, REGISTRATION_FIELDS
from app.webhooks.state_merge import (
    EventState,
    Fields,
    RegistrationState,
    ReportedFacts,
    Reschedule,
    SnapshotVersion,
    VersionedValue,
    merge_events,
    merge_registrations,
)

Row = Mapping[str, Any]

EVENT_DEFAULTS = {"kind": "in_person", "timezone": "UTC"}
PLAIN_FIELDS = ("event_id", *REGISTRATION_FIELDS)
TOLD_FIELDS = (*PLAIN_FIELDS, "registered_at")
"""Of a registration itself; an attendee's field that was never told has no place either."""
BOOKKEEPING_COLUMNS = frozenset({"snapshot_at", "version", "merge_state"})
UNWRITTEN_FACTS = frozenset({"rescheduled_from"})
"""Facts that no record and no source of a mapping shows."""
CALENDAR_FACTS = frozenset(
    {"cancel_reason", "completed_at", "last_checked_in_at", "reschedule_reason", "rescheduled_at"}
)
"""Facts that only a calendar Event shows."""
WRITTEN_ONCE = frozenset({"no_show_at"})
"""Facts of which other records show only that there is one; a later time is for a calendar Event."""
WRITTEN_WHERE_ON = frozenset({"emails"})
"""Facts that are written by a kind of write that few events have on."""
NOT_COMPARED = BOOKKEEPING_COLUMNS | UNWRITTEN_FACTS | CALENDAR_FACTS | WRITTEN_ONCE | WRITTEN_WHERE_ON
EVENT_IN_CALENDAR = ("starts_at", "ends_at", "location", "cancelled_at", "cancel_reason")
"""What calendar Events show of their event."""


def merge_into_event_row(row: Row | None, told: EventState) -> Row | None:
    """Merge the state into the event's columns; None if nothing changes."""
    if row is None:
        return event_row(told)
    return _if_changed(row, event_row(merge_events(event_state(row), told)))


def merge_into_registration_row(row: Row | None, told: RegistrationState) -> Row | None:
    """Merge the state into the registration's columns; None if nothing changes or the row is erased."""
    if row is None:
        return registration_row(told)
    if row["erased_at"] is not None:
        return None
    return _if_changed(row, registration_row(merge_registrations(registration_state(row), told)))


def has_relevant_change(before: Row | None, after: Row) -> bool:
    """Whether something changed that could be written to Salesforce."""
    if before is None:
        return True
    compared = after.keys() - NOT_COMPARED
    return any(before[name] != after[name] for name in compared) or any(
        (before[name] is None) != (after[name] is None) for name in WRITTEN_ONCE
    )


def has_calendar_change(before: Row | None, after: Row) -> bool:
    """Whether something changed that a calendar Event shows, if there is one."""
    return before is not None and any(before[name] != after[name] for name in CALENDAR_FACTS | WRITTEN_ONCE)


def moves_calendar(before: Row | None, after: Row) -> bool:
    """Whether an event changed in what the calendar Events of its registrations show."""
    return before is not None and any(before[name] != after[name] for name in EVENT_IN_CALENDAR)


def email_kinds_told(before: Row | None, after: Row) -> frozenset[str]:
    """The kinds of write of the e-mail facts that were not known before."""
    return new_email_kinds(before["emails"] if before else {}, after["emails"])


def event_row(state: EventState) -> dict[str, Any]:
    columns = _columns(state.fields, EVENT_FIELDS)
    for name, default in EVENT_DEFAULTS.items():
        columns[name] = default if columns[name] is None else columns[name]
    cancelled_at, published_at = state.cancelled[0] if state.cancelled else None, state.published_at
    times = {"cancelled_at": cancelled_at, "published_at": published_at}
    facts = {name: at.isoformat() for name, at in times.items() if at is not None}
    return columns | {
        "is_cancelled": state.cancelled_at is not None,
        "cancelled_at": state.cancelled_at,
        "cancel_reason": (state.cancelled[1] or None) if state.cancelled else None,
        "version": state.order.version,
        "snapshot_at": state.order.at,
        "merge_state": _packed(state.fields, state.order, names=EVENT_FIELDS, facts=facts),
    }


def event_state(row: Row) -> EventState:
    values = {name: row[name] for name in EVENT_FIELDS}
    facts = row["merge_state"].get("facts", {})
    times = {name: datetime.fromisoformat(at) for name, at in facts.items()}
    cancelled_at = times.get("cancelled_at")
    return EventState(
        _unpacked(values, row),
        cancelled=(cancelled_at, row["cancel_reason"] or "") if cancelled_at else None,
        published_at=times.get("published_at"),
    )


def registration_row(state: RegistrationState) -> dict[str, Any]:
    facts, fields = state.facts, state.fields
    attendee = {name: fields[ATTENDEE + name].value for name in ATTENDEE_FIELDS if ATTENDEE + name in fields}
    columns = _columns(fields, PLAIN_FIELDS)
    return columns | {
        "status": state.status,
        "attendee": attendee,
        "email_key": address_key(attendee.get("email")),
        "answers": columns["answers"] or [],
        "version": state.order.version,
        "snapshot_at": state.order.at,
        "registered_at": state.registered_at,
        "confirmed_at": state.confirmed_at,
        "checked_in_at": facts.checked_in_at,
        "last_checked_in_at": facts.last_checked_in_at,
        "check_in_reverted_at": facts.check_in_reverted_at,
        "cancelled_at": state.cancelled_at,
        "cancel_reason": (facts.cancelled[1] or None) if facts.cancelled else None,
        "no_show_at": facts.no_show_at,
        "completed_at": facts.completed_at,
        **_reschedule_columns(facts.rescheduled),
        "replay": facts.replay,
        "emails": facts.emails,
        "merge_state": _registration_merge_state(state),
    }


def _reschedule_columns(moved: Reschedule | None) -> dict[str, Any]:
    times = {"starts_at": moved.starts_at or None, "ends_at": moved.ends_at or None} if moved else None
    return {
        "rescheduled_at": moved.at if moved else None,
        "reschedule_reason": (moved.reason or None) if moved else None,
        "rescheduled_from": times,
    }


def _reschedule_in(row: Row) -> Reschedule | None:
    if row["rescheduled_at"] is None:
        return None
    before = {name: at or "" for name, at in row["rescheduled_from"].items()}
    return Reschedule(row["rescheduled_at"], row["reschedule_reason"] or "", **before)


def registration_state(row: Row) -> RegistrationState:
    facts = row["merge_state"].get("facts", {})
    values = {name: row[name] for name in (*PLAIN_FIELDS, "registered_at")}
    values["status"] = facts.get("status", row["status"])
    attendee = {ATTENDEE + name: value for name, value in row["attendee"].items()}
    return RegistrationState(_unpacked(values | attendee, row), _registration_facts(row, facts))


def _registration_merge_state(state: RegistrationState) -> dict[str, Any]:
    told_status, facts = state.fields["status"].value, state.facts
    hidden = {
        "status": told_status if told_status != state.status else None,
        "check_ins": sorted(at.isoformat() for at in facts.check_ins) or None,
        "cancelled_at": facts.cancelled[0].isoformat() if facts.cancelled else None,
    }
    told = {name: value for name, value in hidden.items() if value is not None}
    return _packed(state.fields, state.order, names=TOLD_FIELDS, facts=told)


def _registration_facts(row: Row, hidden: Mapping[str, Any]) -> ReportedFacts:
    cancelled_at, reason = hidden.get("cancelled_at"), row["cancel_reason"] or ""
    return ReportedFacts(
        first_told_at=row["registered_at"],
        is_confirmed=row["confirmed_at"] is not None,
        check_ins=frozenset(datetime.fromisoformat(at) for at in hidden.get("check_ins", ())),
        check_in_reverted_at=row["check_in_reverted_at"],
        cancelled=(datetime.fromisoformat(cancelled_at), reason) if cancelled_at else None,
        no_show_at=row["no_show_at"],
        completed_at=row["completed_at"],
        rescheduled=_reschedule_in(row),
        replay=row["replay"],
        emails=row["emails"],
    )


def _packed(fields: Fields, order: SnapshotVersion, *, names: Iterable[str], facts: Row) -> dict[str, Any]:
    """`names`: the fields that have a place whether they were told or not."""
    orders: dict[str, Any] = {name: None for name in names if name not in fields}
    for name, (_, of_field) in fields.items():
        if of_field is not order and of_field != order:
            orders[name] = [of_field.version, of_field.at.isoformat()]
    return {name: value for name, value in {"orders": orders, "facts": dict(facts)}.items() if value}


def _unpacked(values: Mapping[str, Any], row: Row) -> dict[str, VersionedValue]:
    latest = SnapshotVersion(row["version"], row["snapshot_at"])
    orders: Mapping[str, Any] = row["merge_state"].get("orders", {})
    never = {name for name, packed in orders.items() if packed is None}
    return {
        name: VersionedValue(value, _order(orders[name]) if name in orders else latest)
        for name, value in values.items()
        if name not in never
    }


def _order(packed: list[Any]) -> SnapshotVersion:
    return SnapshotVersion(packed[0], datetime.fromisoformat(packed[1]))


def _columns(fields: Fields, names: Iterable[str]) -> dict[str, Any]:
    """The values that were told last, null of what never was."""
    return {name: fields[name].value if name in fields else None for name in names}


def _if_changed(row: Row, columns: dict[str, Any]) -> Row | None:
    return columns if any(row[name] != value for name, value in columns.items()) else None
