"""What a rule may name: where values come from, and fields that have rules of their own."""

from typing import Final

from app.salesforce.package import is_key
from app.sync.field_values.sources import ANSWERS, TEMPLATE_PART, is_source, template_paths
from app.sync.model.record_kinds import reserved_because, system_fields_of

KEY_MAX: Final = 255

# path, what it is for people, what a value looks like
SOURCES: Final[tuple[tuple[str, str, str], ...]] = (
    ("attendee.id", "Attendee: id with Eventship", "per_51"),
    ("attendee.email", "Attendee: e-mail", "m.obrien@example.com"),
    ("attendee.first_name", "Attendee: first name", "Mary Jane"),
    ("attendee.last_name", "Attendee: last name", "O'Brien"),
    ("attendee.name", "Attendee: full name", "Mary Jane O'Brien"),
    ("attendee.company", "Attendee: company", "Example GmbH"),
    ("attendee.job_title", "Attendee: position", "Head of Data"),
    ("attendee.phone", "Attendee: phone", "+49 30 1234567"),
    ("attendee.locale", "Attendee: language", "de-DE"),
    ("consent.marketing", "Consent: marketing", "true"),
    ("consent.at", "Consent: given at", "2026-11-10T14:02:51Z"),
    ("consent.text", "Consent: wording", "Send me news"),
    ("utm.source", "UTM: source", "newsletter"),
    ("utm.medium", "UTM: medium", "email"),
    ("utm.campaign", "UTM: campaign", "autumn"),
    ("utm.term", "UTM: term", "data"),
    ("utm.content", "UTM: content", "button"),
    ("ticket.id", "Ticket: id", "tkt_std"),
    ("ticket.name", "Ticket: name", "Standard"),
    ("ticket.kind", "Ticket: kind", "attendee"),
    ("event.id", "Event: id", "evt_summit"),
    ("event.title", "Event: title", "Autumn Summit"),
    ("event.kind", "Event: kind", "in_person"),
    ("event.starts_at", "Event: start", "2026-11-24T08:00:00Z"),
    ("event.ends_at", "Event: end", "2026-11-25T16:00:00Z"),
    ("event.timezone", "Event: time zone", "Europe/Berlin"),
    ("event.location", "Event: place", "Kraftwerk, Berlin"),
    ("event.url", "Event: address on the web", "https://eventship.example/e/autumn-summit"),
    ("event.organizer_name", "Event: organiser's name", "Olga Host"),
    ("event.organizer_email", "Event: organiser's e-mail", "olga@acme.example"),
    ("registration.id", "Registration: id", "reg_8842"),
    ("registration.status", "Registration: status", "confirmed"),
    ("registration.registered_at", "Registration: made at", "2026-11-10T14:03:00Z"),
    ("registration.checked_in_at", "Registration: checked in at", "2026-11-24T08:41:00Z"),
    ("registration.cancelled_at", "Registration: cancelled at", "2026-11-20T09:00:00Z"),
    ("registration.starts_at", "Registration: start (its own, else the event's)", "2026-11-24T08:00:00Z"),
    ("registration.ends_at", "Registration: end (its own, else the event's)", "2026-11-24T09:00:00Z"),
    ("calendar.status", "Calendar Event: status", "Rescheduled"),
    ("calendar.reason", "Calendar Event: reason of a cancellation or move", "Clash"),
    ("replay.watched_at", "Replay: watched at", "2026-12-01T19:00:00Z"),
    ("replay.seconds", "Replay: seconds watched", "1840"),
    ("replay.percent", "Replay: share watched", "76"),
    ("replay.status", "Replay: status", "watched"),
    ("email.id", "E-mail (on its activity): id", "em_77"),
    ("email.subject", "E-mail (on its activity): subject", "See you on Tuesday"),
    ("email.kind", "E-mail (on its activity): kind", "reminder"),
    ("email.at", "E-mail (on its activity): when", "2026-11-22T08:00:00Z"),
    ("email.url", "E-mail (on its activity): link", "https://eventship.example/m/em_77"),
    ("email.snippet", "E-mail (on its activity): beginning of a reply", "Can I bring a colleague?"),
    ("email.from_name", "E-mail (on its activity): sender's name", "Acme Events"),
    ("email.from_email", "E-mail (on its activity): sender's address", "events@acme.example"),
    ("buyer.name", "Buyer: name", "Berta Buyer"),
    ("buyer.email", "Buyer: e-mail", "berta@example.com"),
)
KEY_RESERVED: Final = "Salesforce takes each of our records once by it"
WHY_OWNED: Final = {
    "Id": "Salesforce gives it",
    "Email": "people are matched by it",
    "PersonEmail": "people are matched by it",
    "Name": "Salesforce makes it of other fields",
    "IsConverted": "only a salesperson converts a Lead",
    "AccountId": "the Account is found by the attendee's company",
    "OwnerId": "choose it under owner",
    "RecordTypeId": "choose it under record_types",
}
"""Why a field has a rule of its own; for others the kind of record says it."""

EVERYWHERE: Final = ("Id", "OwnerId", "RecordTypeId")


def is_valid_source(path: str) -> bool:
    """Whether a value may come from here: one of the table, or `answers.` with the key of a question."""
    key = path.removeprefix(ANSWERS)
    return is_source(path) and len(key) <= KEY_MAX and not set("{}\0") & set(key)


def first_invalid_placeholder(template: str) -> str | None:
    """The first place of a template that cannot be filled; braces that do not match are one."""
    rest = TEMPLATE_PART.sub("", template)
    if "{" in rest or "}" in rest:
        return rest[min(rest.find(brace) for brace in "{}" if brace in rest) :][:40]
    return next((path for path in template_paths(template) if not is_valid_source(path)), None)


def reserved_reason(sobject: str, field: str) -> str | None:
    """Return why no rule may fill a field; None if one may. Names are compared as Salesforce does."""
    if is_key(field):
        return KEY_RESERVED
    own = {name.lower(): name for name in system_fields_of(sobject) or EVERYWHERE}
    name = own.get(field.lower())
    if name is None:
        return None
    return WHY_OWNED.get(name) or reserved_because(sobject)
