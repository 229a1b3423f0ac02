"""Where a value comes from: paths like `answers.diet` read from a registration, and templates. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.sync.field_values.lead_fields import person_name
from app.sync.field_values.text import normalize_text
from app.sync.model.batch import Job
from app.sync.model.calendar_status import status_of

Value = str | bool | int | float | datetime | tuple[str, ...]
"""What a registration holds: several options are a tuple."""

ANSWERS: Final = "answers."
TEMPLATE_PART: Final = re.compile(r"\{([^{}]*)\}")

ATTENDEE: Final[dict[str, Callable[[Job], Any]]] = {
    "attendee.id": lambda job: job.attendee.attendee_id,
    "attendee.email": lambda job: job.attendee.email,
    "attendee.first_name": lambda job: person_name(job.attendee).first,
    "attendee.last_name": lambda job: person_name(job.attendee).last,
    "attendee.name": lambda job: _full_name(job),
    "attendee.company": lambda job: job.attendee.company,
    "attendee.job_title": lambda job: job.attendee.job_title,
    "attendee.phone": lambda job: job.attendee.phone,
    "attendee.locale": lambda job: job.attendee.locale,
    "consent.marketing": lambda job: job.attendee.consent.get("marketing"),
    "consent.at": lambda job: _moment(job.attendee.consent.get("at")),
    "consent.text": lambda job: job.attendee.consent.get("text"),
    "buyer.name": lambda job: job.extras.buyer.get("name"),
    "buyer.email": lambda job: job.extras.buyer.get("email"),
}
EVENT: Final[dict[str, Callable[[Job], Any]]] = {
    "event.id": lambda job: job.event.event_id,
    "event.title": lambda job: job.event.title,
    "event.kind": lambda job: job.event.kind,
    "event.starts_at": lambda job: job.event.starts_at,
    "event.ends_at": lambda job: job.event.ends_at,
    "event.timezone": lambda job: job.event.timezone,
    "event.location": lambda job: job.event.location,
    "event.url": lambda job: job.event.url,
    "event.organizer_name": lambda job: job.event.organizer.get("name"),
    "event.organizer_email": lambda job: job.event.organizer.get("email"),
}
REGISTRATION: Final[dict[str, Callable[[Job], Any]]] = {
    "registration.id": lambda job: job.registration_id,
    "registration.status": lambda job: job.facts.status,
    "registration.registered_at": lambda job: job.facts.registered_at,
    "registration.checked_in_at": lambda job: job.facts.checked_in_at,
    "registration.cancelled_at": lambda job: job.facts.cancelled_at,
    "registration.starts_at": lambda job: job.planned_times.starts_at,
    "registration.ends_at": lambda job: job.planned_times.ends_at,
    "ticket.id": lambda job: job.extras.ticket.get("id"),
    "ticket.name": lambda job: job.extras.ticket.get("name"),
    "ticket.kind": lambda job: job.extras.ticket.get("kind"),
    "utm.source": lambda job: job.extras.utm.get("source"),
    "utm.medium": lambda job: job.extras.utm.get("medium"),
    "utm.campaign": lambda job: job.extras.utm.get("campaign"),
    "utm.term": lambda job: job.extras.utm.get("term"),
    "utm.content": lambda job: job.extras.utm.get("content"),
    "replay.watched_at": lambda job: job.facts.replay_watched_at,
    "replay.seconds": lambda job: job.extras.replay.get("seconds"),
    "replay.percent": lambda job: job.extras.replay.get("percent"),
    "replay.status": lambda job: "watched" if job.facts.replay_watched_at else None,
}
CALENDAR: Final[dict[str, Callable[[Job], Any]]] = {
    "calendar.status": lambda job: str(status_of(job).status),
    "calendar.reason": lambda job: status_of(job).reason,
}
"""What a calendar Event shows of a registration; no reason is a value too: what was written before goes."""

EMAIL: Final[dict[str, Callable[[Job], Any]]] = {
    "email.id": lambda job: job.email and job.email.message_id,
    "email.subject": lambda job: job.email and job.email.subject,
    "email.kind": lambda job: job.email and job.email.kind,
    "email.at": lambda job: job.email and job.email.at,
    "email.url": lambda job: job.email and job.email.url,
    "email.snippet": lambda job: job.email and job.email.snippet,
    "email.from_name": lambda job: job.email and job.email.sender_name,
    "email.from_email": lambda job: job.email and job.email.sender_email,
}
"""Of the e-mail whose activity is being written; elsewhere nothing."""

EXTRA_PARTS: Final = frozenset({"ticket", "buyer", "utm", "replay"})
PATHS: Final = {**ATTENDEE, **EVENT, **REGISTRATION, **CALENDAR, **EMAIL}


class UnknownSource(ValueError):
    """A path that no registration has."""


def is_source(path: str) -> bool:
    """Whether a path may be read; any key of an answer may."""
    return path in PATHS or (path.startswith(ANSWERS) and len(path) > len(ANSWERS))


def read_value(path: str, job: Job) -> Value | None:
    """Read the value at a path; blank text and empty lists are None. Raises `UnknownSource`."""
    if path in PATHS:
        return _kept(PATHS[path](job))
    if not is_source(path):
        raise UnknownSource(path)
    key = path.removeprefix(ANSWERS)
    return next((_kept(each.get("value")) for each in job.extras.answers if each.get("key") == key), None)


def is_cleared(path: str, job: Job) -> bool:
    """Whether null was sent at a path, which is more than sending nothing."""
    if path in CALENDAR:
        return True
    part, _, name = path.partition(".")
    if part == "attendee":
        return name in job.attendee.cleared
    if part == "consent":
        return "consent" in job.attendee.cleared or _is_null(job.attendee.consent, name)
    if part == "answers":
        return next((each["value"] is None for each in job.extras.answers if each.get("key") == name), False)
    return part in EXTRA_PARTS and _is_null(getattr(job.extras, part), name)


def _is_null(given: Mapping[str, Any], name: str) -> bool:
    return name in given and given[name] is None


def render_template(template: str, job: Job) -> str | None:
    """The template with each `{path}` as text; None when none of its paths has a value.

    A template without any path is its own text. Raises `UnknownSource`.
    """
    paths = template_paths(template)
    values = {path: read_value(path, job) for path in paths}
    if paths and all(value is None for value in values.values()):
        return None
    zone = zone_of(job)
    return TEMPLATE_PART.sub(lambda part: format_value(values[part[1].strip()], zone), template)


def template_paths(template: str) -> tuple[str, ...]:
    """The paths that a template names, in order."""
    return tuple(part[1].strip() for part in TEMPLATE_PART.finditer(template))


def format_value(value: Value | None, zone: tzinfo) -> str:
    """A value as people read it: moments in the event's zone, several options with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{in_zone(value, zone):%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return value if isinstance(value, str) else f"{value}"


def zone_of(job: Job) -> tzinfo:
    """Return the event's time zone; UTC for an unknown one."""
    try:
        return ZoneInfo(job.event.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """The moment in a zone; as it is at the ends of the calendar, where there is no other day."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def day_of(moment: datetime, zone: tzinfo) -> date:
    return in_zone(moment, zone).date()


def _kept(value: Any) -> Value | None:
    if isinstance(value, str):
        return value if normalize_text(value) else None
    if isinstance(value, list | tuple):
        return tuple(str(each) for each in value if normalize_text(str(each))) or None
    return value if isinstance(value, bool | int | float | datetime) else None


def _moment(text: object) -> datetime | None:
    if isinstance(text, datetime):
        return text
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _full_name(job: Job) -> str:
    name = person_name(job.attendee)
    return f"{name.first} {name.last}" if name.first else name.last
