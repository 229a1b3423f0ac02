"""Shapes of what the platform posts. Absent, null and a value are three things: see `model_fields_set`.

Unknown fields are ignored here and stay in the kept payload. What a later step can settle with a warning (a
bad time zone, a malformed address, a foreign Salesforce id) is not refused at the door.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from app.api.auth import OPAQUE_ID, Id64
from app.text.moments import parse_moment


def _https_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("must be an https address") from None
    if parts.scheme != "https" or not parts.netloc:
        raise ValueError("must be an https address")
    return value


Moment = Annotated[datetime, BeforeValidator(parse_moment)]
OpaqueId = Annotated[str, Field(pattern=OPAQUE_ID)]
Text255 = Annotated[str, Field(max_length=255)]
Text1000 = Annotated[str, Field(max_length=1000)]
HttpsUrl = Annotated[str, Field(max_length=2000), AfterValidator(_https_url)]
EventKind = Annotated[str, Field(max_length=64, examples=["in_person", "webinar", "on_demand", "meeting"])]
TicketKind = Annotated[str, Field(max_length=64, examples=["attendee", "speaker", "staff"])]
EmailKind = Annotated[str, Field(max_length=64, examples=["confirmation", "reminder", "follow_up", "other"])]
ZoneName = Annotated[str, Field(max_length=255, description="IANA name; another one counts as UTC")]
Version = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]
Status = Literal["pending", "waitlisted", "confirmed", "cancelled", "declined"]


class PayloadPart(BaseModel):
    """A frozen piece of a payload; unknown members are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class HostRef(PayloadPart):
    id: OpaqueId
    name: Text255 | None = None


class Organizer(PayloadPart):
    name: Text255 | None = None
    email: Annotated[str, Field(max_length=320)] | None = None


class EventIn(PayloadPart):
    """An event as it stood at the envelope's `timestamp`. `kind` is open: others count as in_person."""

    id: OpaqueId
    title: Annotated[str, Field(min_length=1, max_length=255)]
    kind: EventKind = "in_person"
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    timezone: ZoneName = "UTC"
    location: Text255 | None = None
    url: HttpsUrl | None = None
    organizer: Organizer | None = None
    version: Version | None = None


class Consent(PayloadPart):
    marketing: StrictBool | None
    at: Moment | None = None
    text: str | None = None


class AttendeeIn(PayloadPart):
    id: Id64 | None = None
    email: Annotated[str, Field(max_length=320)] | None
    first_name: Text255 | None = None
    last_name: Text255 | None = None
    name: Text255 | None = None
    company: Text1000 | None = None
    job_title: Text1000 | None = None
    phone: Text1000 | None = None
    consent: Consent | None = None
    locale: Text255 | None = None


class Ticket(PayloadPart):
    id: Text255 | None = None
    name: Text255
    kind: TicketKind | None = None


class Buyer(PayloadPart):
    """Who paid, when that is not the attendee; never synced as a person."""

    name: Text255 | None = None
    email: Annotated[str, Field(max_length=320)] | None = None


class Answer(PayloadPart):
    key: Text255
    label: str | None = None
    value: StrictBool | StrictInt | float | str | list[str] | None


class Utm(PayloadPart):
    source: Text255 | None = None
    medium: Text255 | None = None
    campaign: Text255 | None = None
    term: Text255 | None = None
    content: Text255 | None = None


class RegistrationIn(PayloadPart):
    """The whole snapshot of one registration."""

    id: OpaqueId
    status: Status
    registered_at: Moment | None = None
    checked_in_at: Moment | None = None
    cancelled_at: Moment | None = None
    starts_at: Annotated[Moment | None, Field(description="its own slot; null: the event's times")] = None
    ends_at: Moment | None = None
    attendee: AttendeeIn
    ticket: Ticket | None = None
    buyer: Buyer | None = None
    answers: Annotated[list[Answer], Field(max_length=100)] | None = None
    utm: Utm | None = None
    salesforce_id: Annotated[str, Field(max_length=255, description="15 or 18 characters")] | None = None
    version: Version | None = None


class PreviousTimes(PayloadPart):
    starts_at: Moment | None
    ends_at: Moment | None


class Replay(PayloadPart):
    watched_at: Moment
    seconds: Annotated[StrictInt, Field(ge=0)]
    percent: Annotated[float, Field(ge=0, le=100, strict=True)] | None = None


class EmailSender(PayloadPart):
    name: Text255 | None = None
    email: Annotated[str, Field(max_length=320)]


class Email(PayloadPart):
    """One e-mail, or what became of it; without `from` the event's organizer sent it."""

    id: Id64
    at: Moment
    subject: str | None = None
    kind: EmailKind | None = None
    snippet: Annotated[str, Field(max_length=500)] | None = None
    sender: Annotated[EmailSender | None, Field(alias="from")] = None
    url: HttpsUrl | None = None


class ErasedAttendee(PayloadPart):
    id: Id64 | None = None
    email: Annotated[str, Field(max_length=320)] | None = None


class Data(PayloadPart):
    """What every envelope holds, and the blocks that single types add."""

    host: HostRef
    event: EventIn | None = None
    registration: RegistrationIn | None = None
    reason: Text255 | None = None
    previous: PreviousTimes | None = None
    replay: Replay | None = None
    email: Email | None = None
    attendee: ErasedAttendee | None = None
    registration_ids: list[OpaqueId] | None = None


TypeName = Annotated[str, Field(min_length=1, max_length=64)]


class Envelope(PayloadPart):
    """One happening; `timestamp` is when it happened, not when it was sent."""

    type: TypeName
    timestamp: Moment
    data: Data


class HeadData(PayloadPart):
    host: HostRef


class EnvelopeHeader(PayloadPart):
    """What every envelope has, of a known type or not."""

    type: TypeName
    timestamp: Moment
    data: HeadData


@dataclass(frozen=True)
class Requirement:
    """What a type asks for beyond the shapes; `path` is where it would stand."""

    path: str
    message: str
    is_met: Callable[[Data], bool]


def _given(path: str, read: Callable[[Data], Any]) -> Requirement:
    return Requirement(path, "must be given for this type", lambda data: read(data) is not None)


def _status(wanted: Status) -> Requirement:
    return Requirement(
        "data.registration.status",
        f"must be {wanted} for this type",
        lambda data: data.registration is not None and data.registration.status == wanted,
    )


def _is_undone(data: Data) -> bool:
    registration = data.registration
    return (
        registration is not None
        and "checked_in_at" in registration.model_fields_set
        and registration.checked_in_at is None
    )


EVENT = _given("data.event", lambda data: data.event)
REGISTRATION = _given("data.registration", lambda data: data.registration)
EMAIL = _given("data.email", lambda data: data.email)
STARTS_AT = Requirement(
    "data.event.starts_at",
    "must be given unless the event is on_demand",
    lambda data: (
        data.event is not None and (data.event.kind == "on_demand" or data.event.starts_at is not None)
    ),
)
CANCELLED_AT = _given(
    "data.registration.cancelled_at", lambda data: data.registration and data.registration.cancelled_at
)
CHECKED_IN_AT = _given(
    "data.registration.checked_in_at", lambda data: data.registration and data.registration.checked_in_at
)
UNDONE = Requirement("data.registration.checked_in_at", "must be null for this type", _is_undone)
SUBJECT = _given("data.email.subject", lambda data: data.email and data.email.subject)
SOMEBODY = Requirement(
    "data.attendee",
    "needs an id or an email",
    lambda data: data.attendee is not None and bool(data.attendee.id or data.attendee.email),
)
SNAPSHOT = (EVENT, REGISTRATION)

TYPES: dict[str, tuple[Requirement, ...]] = {
    "registration.confirmed": (*SNAPSHOT, _status("confirmed")),
    "registration.updated": SNAPSHOT,
    "registration.cancelled": (*SNAPSHOT, _status("cancelled"), CANCELLED_AT),
    "registration.checked_in": (*SNAPSHOT, CHECKED_IN_AT),
    "registration.check_in_reverted": (*SNAPSHOT, UNDONE),
    "registration.no_show": (*SNAPSHOT, _status("confirmed")),
    "registration.completed": (*SNAPSHOT, _status("confirmed")),
    "registration.rescheduled": (
        *SNAPSHOT,
        _status("confirmed"),
        _given("data.previous", lambda data: data.previous),
    ),
    "event.published": (EVENT, STARTS_AT),
    "event.updated": (EVENT, STARTS_AT),
    "event.cancelled": (EVENT, STARTS_AT),
    "replay.watched": (*SNAPSHOT, _given("data.replay", lambda data: data.replay)),
    "email.sent": (*SNAPSHOT, EMAIL, SUBJECT),
    "email.opened": (*SNAPSHOT, EMAIL),
    "email.replied": (*SNAPSHOT, EMAIL),
    "attendee.erased": (SOMEBODY,),
}
"""Every type we know, and what it requires."""


def missing_requirements(envelope: Envelope) -> list[Requirement]:
    """What the envelope lacks for its type, which must be a known one."""
    return [wanted for wanted in TYPES[envelope.type] if not wanted.is_met(envelope.data)]
