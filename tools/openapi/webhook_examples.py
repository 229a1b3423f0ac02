"""One complete webhook of every type."""

from typing import Any, Final

EVENT: Final[dict[str, Any]] = {
    "id": "evt_summit",
    "title": "Autumn Summit",
    "kind": "in_person",
    "starts_at": "2026-11-24T08:00:00Z",
    "ends_at": "2026-11-25T16:00:00Z",
    "timezone": "Europe/Berlin",
    "location": "Kraftwerk, Berlin",
    "url": "https://eventship.example/e/autumn-summit",
    "organizer": {"name": "Olga Host", "email": "olga@acme.example"},
    "version": 4,
}
REGISTRATION: Final[dict[str, Any]] = {
    "id": "reg_8842",
    "status": "confirmed",
    "registered_at": "2026-11-10T14:03:00Z",
    "checked_in_at": None,
    "cancelled_at": None,
    "attendee": {
        "id": "per_51",
        "email": "mary@example.com",
        "first_name": "Mary Jane",
        "last_name": "O'Brien",
        "company": "Example GmbH",
        "job_title": "Head of Data",
        "phone": "+49 30 1234567",
        "consent": {"marketing": False, "at": "2026-11-10T14:02:51Z", "text": "Send me news"},
        "locale": "de-DE",
    },
    "ticket": {"id": "tkt_std", "name": "Standard", "kind": "attendee"},
    "buyer": None,
    "answers": [{"key": "team_size", "label": "Team size", "value": 12}],
    "utm": {"source": "newsletter", "medium": "email", "campaign": "autumn"},
    "salesforce_id": None,
    "version": 1,
}
CHECKED_IN: Final = {"checked_in_at": "2026-11-24T08:12:00Z", "version": 2}
CANCELLED: Final = {"status": "cancelled", "cancelled_at": "2026-11-20T09:00:00Z", "version": 2}
REMINDER: Final = {"id": "em_77", "subject": "See you on Tuesday", "at": "2026-11-22T08:00:00Z"}
THANKS: Final = {"id": "em_77", "at": "2026-11-22T09:01:00Z", "subject": "Re: See you on Tuesday"}

TEXTS: Final = {
    "registration.confirmed": ("Somebody registered", "A person, a Registered activity, and a member."),
    "registration.updated": (
        "A registration changed",
        "Its profile as it is now. A change to `confirmed` counts as confirmed, one away as cancelled.",
    ),
    "registration.cancelled": (
        "A registration was cancelled",
        "The member gets the cancelled status where one is chosen; nothing is deleted.",
    ),
    "registration.checked_in": (
        "Somebody arrived",
        "A Checked-in activity, and the member at the attended status; implies confirmed.",
    ),
    "registration.check_in_reverted": (
        "A check-in was a mistake",
        "No longer attended with us; `checked_in_at` is null.",
    ),
    "registration.no_show": (
        "Somebody did not come",
        "The member gets the no-show status where one is chosen, never over attended.",
    ),
    "registration.completed": ("A meeting took place", "The whole registration as it is now."),
    "registration.rescheduled": ("A meeting was moved", "`previous` holds the old times."),
    "event.published": ("An event is open", "It is known from now on; a campaign where the host wants one."),
    "event.updated": ("An event changed", "A new title is used by activities written from now on."),
    "event.cancelled": ("An event was cancelled", "It is known as cancelled; what was written stays."),
    "replay.watched": (
        "Somebody watched the replay",
        "The member gets the replay status where one is chosen.",
    ),
    "email.sent": ("An e-mail went out", "Kept with the registration."),
    "email.opened": ("An e-mail was opened", "Kept with the registration."),
    "email.replied": ("An e-mail was answered", "Kept with the registration."),
    "attendee.erased": (
        "Somebody asked to be forgotten",
        "Personal data goes from everything that we hold, and late webhooks do not bring it back.",
    ),
}
"""Of each type: what happened, and what we do."""


def example(type_: str, timestamp: str, **blocks: Any) -> dict[str, Any]:
    """One whole envelope."""
    host = {"id": "host_acme", "name": "Acme Events"}
    return {"type": type_, "timestamp": timestamp, "data": {"host": host, "event": EVENT, **blocks}}


def _told(type_: str, timestamp: str, *, changes: dict[str, Any] | None = None, **blocks: Any) -> Any:
    return example(type_, timestamp, registration=REGISTRATION | (changes or {}), **blocks)


def _erased() -> dict[str, Any]:
    whole = example("attendee.erased", "2026-12-02T10:00:00Z")
    del whole["data"]["event"]
    whole["data"] |= {"attendee": {"id": "per_51", "email": None}, "registration_ids": ["reg_8842"]}
    return whole


WEBHOOKS: Final[dict[str, dict[str, Any]]] = {
    each["type"]: each
    for each in (
        _told("registration.confirmed", "2026-11-10T14:03:00Z"),
        _told("registration.updated", "2026-11-12T09:30:00Z", changes={"version": 2}),
        _told("registration.cancelled", "2026-11-20T09:00:00Z", changes=CANCELLED, reason="Ill"),
        _told("registration.checked_in", "2026-11-24T08:12:00Z", changes=CHECKED_IN),
        _told(
            "registration.check_in_reverted",
            "2026-11-24T08:15:00Z",
            changes={"checked_in_at": None, "version": 3},
        ),
        _told("registration.no_show", "2026-11-25T17:00:00Z", changes={"version": 2}),
        _told("registration.completed", "2026-11-25T17:00:00Z", changes={"version": 2}),
        _told(
            "registration.rescheduled",
            "2026-11-15T09:00:00Z",
            changes={"version": 2},
            previous={"starts_at": "2026-11-24T08:00:00Z", "ends_at": "2026-11-24T09:00:00Z"},
            reason="Clash",
        ),
        example("event.published", "2026-11-01T09:00:00Z"),
        example("event.updated", "2026-11-12T09:00:00Z"),
        example("event.cancelled", "2026-11-18T09:00:00Z", reason="Storm"),
        _told(
            "replay.watched",
            "2026-12-01T19:40:00Z",
            replay={"watched_at": "2026-12-01T19:00:00Z", "seconds": 1840, "percent": 76},
        ),
        _told("email.sent", "2026-11-22T08:00:00Z", email=REMINDER | {"kind": "reminder"}),
        _told("email.opened", "2026-11-22T08:14:00Z", email={"id": "em_77", "at": "2026-11-22T08:14:00Z"}),
        _told("email.replied", "2026-11-22T09:01:00Z", email=THANKS | {"snippet": "Can I bring somebody?"}),
        _erased(),
    )
}
