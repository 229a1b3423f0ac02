"""What a rule may name: where values come from, and fields that have rules of their own."""

from typing import Final

from app.salesforce.package import is_key
from app.sync.field_values.sources import ANSWERS, TEMPLATE_PART, is_source, template_paths
from app.sync.model.record_kinds import reserved_because, system_fields_of
from app.user_messages.catalog import say
from app.user_messages.phrases import Phrase

KEY_MAX: Final = 255

EXAMPLES: Final = {
    "attendee.id": "per_51",
    "attendee.email": "m.obrien@example.com",
    "attendee.first_name": "Mary Jane",
    "attendee.last_name": "O'Brien",
    "attendee.name": "Mary Jane O'Brien",
    "attendee.company": "Example GmbH",
    "attendee.job_title": "Head of Data",
    "attendee.phone": "+49 30 1234567",
    "attendee.locale": "de-DE",
    "consent.marketing": "true",
    "consent.at": "2026-11-10T14:02:51Z",
    "consent.text": "Send me news",
    "utm.source": "newsletter",
    "utm.medium": "email",
    "utm.campaign": "autumn",
    "utm.term": "data",
    "utm.content": "button",
    "ticket.id": "tkt_std",
    "ticket.name": "Standard",
    "ticket.kind": "attendee",
    "event.id": "evt_summit",
    "event.title": "Autumn Summit",
    "event.kind": "in_person",
    "event.starts_at": "2026-11-24T08:00:00Z",
    "event.ends_at": "2026-11-25T16:00:00Z",
    "event.timezone": "Europe/Berlin",
    "event.location": "Kraftwerk, Berlin",
    "event.url": "https://eventship.example/e/autumn-summit",
    "event.organizer_name": "Olga Host",
    "event.organizer_email": "olga@acme.example",
    "registration.id": "reg_8842",
    "registration.status": "confirmed",
    "registration.registered_at": "2026-11-10T14:03:00Z",
    "registration.checked_in_at": "2026-11-24T08:41:00Z",
    "registration.cancelled_at": "2026-11-20T09:00:00Z",
    "registration.starts_at": "2026-11-24T08:00:00Z",
    "registration.ends_at": "2026-11-24T09:00:00Z",
    "calendar.status": "Rescheduled",
    "calendar.reason": "Clash",
    "replay.watched_at": "2026-12-01T19:00:00Z",
    "replay.seconds": "1840",
    "replay.percent": "76",
    "replay.status": "watched",
    "email.id": "em_77",
    "email.subject": "See you on Tuesday",
    "email.kind": "reminder",
    "email.at": "2026-11-22T08:00:00Z",
    "email.url": "https://eventship.example/m/em_77",
    "email.snippet": "Can I bring a colleague?",
    "email.from_name": "Acme Events",
    "email.from_email": "events@acme.example",
    "buyer.name": "Berta Buyer",
    "buyer.email": "berta@example.com",
}
"""Where values come from, and what one looks like."""


def source_label(path: str) -> str:
    """What a source is for people, in the language that is spoken now."""
    return say(f"source.{path.replace('.', '_')}")


SOURCES: Final = tuple((path, source_label(path), example) for path, example in EXAMPLES.items())
"""Path, what it is in English, what a value looks like."""

KEY_RESERVED: Final = Phrase("owned.key")
WHY_OWNED: Final = {
    "Id": Phrase("owned.Id"),
    "Email": Phrase("owned.Email"),
    "PersonEmail": Phrase("owned.Email"),
    "Name": Phrase("owned.Name"),
    "IsConverted": Phrase("owned.IsConverted"),
    "AccountId": Phrase("owned.AccountId"),
    "OwnerId": Phrase("owned.OwnerId"),
    "RecordTypeId": Phrase("owned.RecordTypeId"),
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
