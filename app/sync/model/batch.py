"""The values that the engine plans with: a batch of claimed jobs and everything known about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from app.salesforce.value_class import value_class
from app.states import JobReason, RegistrationStatus, StatusMeaning, WriteState
from app.sync.model.emails import EMAIL_SLOTS, EmailFact, StoredEmails
from app.sync.model.exclusions import ExclusionRules
from app.sync.model.mapping_rules import DEFAULT_RULES, ORGANIZER, MappingRules
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.write_settings import WriteSettings
from app.text.email_address import address_key

PERSON, MEMBER = "person", "member"
ACCOUNT_SLOT, PERSON_UPDATE = "account", "person_update"
"""The Account that was made for a new Contact; what was changed of a person who stood before."""

PREVIOUS_HOLDER = "former:"
"""What was written for the person who held the ticket before; members carry campaign and person."""

REGISTERED, CHECKED_IN = "task:registered", "task:checked_in"
CALENDAR_EVENT = "calendar_event"


class SlotKey(NamedTuple):
    """The key of one record that is written for a registration; members carry their campaign."""

    slot: str
    instance_key: str = ""

    @property
    def is_of_previous_holder(self) -> bool:
        """Whether it was written for somebody who held the ticket before."""
        return self.slot.startswith(PREVIOUS_HOLDER)


class WrittenSlot(NamedTuple):
    """What our tables say of a slot. `state`: intended, written, ambiguous, failed.

    A tuple, since eight of them are made and a dozen compared for each attendee.
    """

    state: str
    action: str
    sobject: str
    sf_id: str | None = None
    meaning: str | None = None
    label: str | None = None
    reference: str | None = None
    details: SlotDetails = NO_DETAILS
    attempt_started_at: datetime | None = None
    first_attempt_at: datetime | None = None
    rounds: int = 0

    @property
    def digests(self) -> Mapping[str, str]:
        """Digests of what we wrote, by field; those of an update count once it is known to be written."""
        before = self.details.written_digests or {}
        return (self.details.pending_digests or before) if self.state == WriteState.WRITTEN else before

    @property
    def has_ended(self) -> bool:
        """Whether the call that may have written it is known to be over."""
        return bool(self.details.call_ended)

    @property
    def without_key(self) -> Self:
        """The slot as one whose lost create carried no unique key: it waits, and is looked for."""
        return self._replace(details=self.details._replace(sent_key=None))

    @property
    def exists_in_org(self) -> bool:
        """Whether a record is known to stand, even while an update of it is uncertain."""
        return self.sf_id is not None


SLOT_COLUMNS = WrittenSlot._fields
"""The columns of `written_records` that the engine plans with, in the order of `WrittenSlot`."""


@value_class(frozen=True)
class Attendee:
    """Who registered; e-mails are compared by `email_key`, `cleared` names what was sent as null."""

    attendee_id: str | None = None
    email: str | None = None
    email_key: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    company: str | None = None
    job_title: str | None = None
    phone: str | None = None
    locale: str | None = None
    consent: Mapping[str, Any] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()

    def personal_values(self) -> list[str]:
        """What the attendee brought, to be taken out of messages that are shown to others."""
        values = (
            self.email,
            self.first_name,
            self.last_name,
            self.name,
            self.company,
            self.job_title,
            self.phone,
        )
        return [value for value in values if value]


class PlannedTimes(NamedTuple):
    """When a registration takes place."""

    starts_at: datetime | None
    ends_at: datetime | None

    @classmethod
    def of(cls, own: "PlannedTimes", event: "PlannedTimes") -> Self:
        """Its own slot where it has one, else the event's times; the end of one does not end the other."""
        if own.starts_at is not None:
            return cls(own.starts_at, own.ends_at)
        return cls(event.starts_at, own.ends_at or event.ends_at)


@value_class(frozen=True)
class RegistrationFacts:
    """What happened, and when; a check-in that was reverted later is absent.

    Of check-ins the first and the last, of no-shows, completions and moves the last. `starts_at`, `ends_at`:
    its own slot.
    """

    status: str
    registered_at: datetime
    confirmed_at: datetime | None = None
    checked_in_at: datetime | None = None
    cancelled_at: datetime | None = None
    no_show_at: datetime | None = None
    replay_watched_at: datetime | None = None
    cancel_reason: str | None = None
    last_checked_in_at: datetime | None = None
    completed_at: datetime | None = None
    rescheduled_at: datetime | None = None
    reschedule_reason: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_cancelled(self) -> bool:
        return self.status in (RegistrationStatus.CANCELLED, RegistrationStatus.DECLINED)

    @property
    def is_counted(self) -> bool:
        """Confirmed once, or checked in: only these reach Salesforce."""
        return self.confirmed_at is not None or self.checked_in_at is not None

    def as_written(self, meaning: str | None) -> "RegistrationFacts":
        """The facts that a member of this meaning stands for, whatever happened since."""
        at = self.registered_at
        return RegistrationFacts(
            RegistrationStatus.CANCELLED
            if meaning == StatusMeaning.CANCELLED
            else RegistrationStatus.CONFIRMED,
            registered_at=at,
            confirmed_at=at,
            checked_in_at=at if meaning == StatusMeaning.ATTENDED else None,
            no_show_at=at if meaning == StatusMeaning.NO_SHOW else None,
            replay_watched_at=at if meaning == StatusMeaning.REPLAY_WATCHED else None,
        )


@dataclass(frozen=True)
class EventSnapshot:
    """The event's data that activities mention; `cancelled_at` is None where it takes place."""

    event_id: str
    title: str
    timezone: str = "UTC"
    starts_at: datetime | None = None
    location: str | None = None
    url: str | None = None
    kind: str = "in_person"
    ends_at: datetime | None = None
    organizer: Mapping[str, Any] = field(default_factory=dict)
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True)
class RegistrationExtras:
    """Further data of a registration as the platform sent it; empty where nothing was sent.

    `answers` holds `{"key", "label"?, "value"}` each.
    """

    answers: Sequence[Mapping[str, Any]] = ()
    ticket: Mapping[str, Any] = field(default_factory=dict)
    buyer: Mapping[str, Any] = field(default_factory=dict)
    utm: Mapping[str, Any] = field(default_factory=dict)
    replay: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """The event's campaign; `labels` maps meanings to the campaign's own statuses (absent: not chosen)."""

    campaign_id: str
    labels: Mapping[str, str]
    is_broken: bool = False
    version: int = 1


@dataclass(frozen=True)
class WriteToggles:
    """Which kinds of write are on; one member for each kind, with its default."""

    person: bool = True
    task: bool = True
    member: bool = True
    calendar_event: bool = False
    case: bool = False
    email_sent: bool = False
    email_opened: bool = False
    email_replied: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any], event: Mapping[str, Any], *, event_kind: str) -> Self:
        """What holds for an event: its own choice beats the host's, and that the default.

        A kind that the host's `settings` mean for other kinds of event is off, unless the event has it on.
        """
        not_meant = WriteSettings.of(settings).writes_not_for(event_kind)
        chosen = {**settings.get("writes", {}), **dict.fromkeys(not_meant, False), **event}
        return cls(**{each.name: bool(chosen[each.name]) for each in fields(cls) if each.name in chosen})

    @property
    def has_any(self) -> bool:
        return any(vars(self).values())

    @property
    def emails(self) -> frozenset[str]:
        """The kinds of e-mail facts that are on."""
        return frozenset(kind for kind in EMAIL_SLOTS if getattr(self, kind))


@value_class(frozen=True)
class Job:
    """One claimed registration, with the rules and the switches that the host has for its event.

    `emails` are loaded where one of their kinds is on; `email` is the one that a record is made of just now.
    """

    registration_id: str
    event: EventSnapshot
    attendee: Attendee
    facts: RegistrationFacts
    link: Link | None = None
    salesforce_id: str | None = None
    ticket: str | None = None
    reason: str = JobReason.LIVE
    requested_by: str | None = None
    attempts: int = 0
    worker_crashes: int = 0
    running_version: int = 1
    is_erased: bool = False
    is_excluded: bool = False
    extras: RegistrationExtras = RegistrationExtras()
    rules: MappingRules = DEFAULT_RULES
    is_enabled: bool = True
    writes: WriteToggles = WriteToggles()
    written: Mapping[SlotKey, WrittenSlot] = field(default_factory=dict)
    emails: StoredEmails = field(default_factory=dict)
    email: EmailFact | None = None
    failed_parts: Sequence[Mapping[str, Any]] = ()
    trace_context: str | None = None

    def slot(self, slot: str, instance_key: str = "") -> WrittenSlot | None:
        return self.written.get(SlotKey(slot, instance_key)) if self.written else None

    @property
    def organizer_key(self) -> str | None:
        """The e-mail of the event's organizer as it is compared."""
        return address_key(self.event.organizer.get("email"))

    @property
    def planned_times(self) -> PlannedTimes:
        """When the registration takes place: its own slot, or the event's times."""
        own, event = self.facts, self.event
        return PlannedTimes.of(
            PlannedTimes(own.starts_at, own.ends_at), PlannedTimes(event.starts_at, event.ends_at)
        )

    @property
    def has_emails(self) -> bool:
        """Whether e-mails are to be written, or were."""
        return bool(self.emails) or any(key.slot in EMAIL_SLOTS for key in self.written)

    @property
    def member_key(self) -> SlotKey | None:
        return SlotKey(MEMBER, self.link.campaign_id) if self.link else None


@dataclass(frozen=True)
class Batch:
    """Jobs of one host for one org. `siblings`: facts of all registrations, the batch's own included, by
    (campaign, e-mail);
    `sibling_members`: what was written of their members; `other_tickets`: by member, facts of other tickets
    of people who handed one on; `exclusions`: whom the host never wants written; `settings`: what it chose of
    the kinds of write; `api_cap_percent`: of the org's API calls, where it chose a share.
    """

    host_id: str
    org_id: str
    fence: int
    now: datetime
    jobs: tuple[Job, ...]
    siblings: Mapping[tuple[str, str], tuple[RegistrationFacts, ...]] = field(default_factory=dict)
    sibling_members: Mapping[tuple[str, str], tuple[WrittenSlot, ...]] = field(default_factory=dict)
    other_tickets: Mapping[str, tuple[RegistrationFacts, ...]] = field(default_factory=dict)
    exclusions: ExclusionRules = field(default_factory=ExclusionRules)
    settings: WriteSettings = field(default_factory=WriteSettings)
    api_cap_percent: int | None = None

    @property
    def organizers(self) -> frozenset[str]:
        """The e-mails of the organizers who shall own something that is written."""
        owns_tasks = self.settings.task_owner == ORGANIZER
        owns_events = self.settings.calendar_event.owner == ORGANIZER
        owning = (
            job.organizer_key
            for job in self.jobs
            if job.rules.owner.how == ORGANIZER
            or (owns_tasks and (job.writes.task or job.writes.emails))
            or (owns_events and job.writes.calendar_event)
        )
        return frozenset(filter(None, owning))

    def of_enabled_events(self) -> "Batch":
        """The batch with the jobs that may be written."""
        if all(job.is_enabled for job in self.jobs):
            return self
        return replace(self, jobs=tuple(job for job in self.jobs if job.is_enabled))
