"""From claimed registration ids to a Batch: everything the planner needs, in narrow queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.joined_texts import Read
from app.infrastructure.named_rows import named_rows
from app.salesforce.ids import is_id
from app.states import StatusMeaning
from app.sync.jobs.load_emails import with_emails
from app.sync.jobs.load_queries import (
    CLAIMED,
    EVENTS,
    EXTRAS,
    HOST_ROW,
    OTHER_TICKETS,
    SIBLINGS,
    SLOTS,
    choices_of,
    link_of,
)
from app.sync.model.batch import (
    MEMBER,
    SLOT_COLUMNS,
    Attendee,
    Batch,
    EventSnapshot,
    Job,
    Link,
    RegistrationExtras,
    RegistrationFacts,
    SlotKey,
    WriteToggles,
    WrittenSlot,
)
from app.sync.model.cooperative import yielding
from app.sync.model.exclusions import ExclusionRules
from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules
from app.sync.model.slot_details import SlotDetails
from app.sync.model.ticket_transfer import PREVIOUS_HOLDER_MEMBER, is_transferred
from app.sync.model.write_settings import WriteSettings
from app.text.email_address import plain_address

Value = TypeVar("Value")
PersonKey = tuple[str, str]
"""A campaign and an e-mail key."""

ATTENDEE_FIELDS = ("first_name", "last_name", "name", "company", "job_title", "phone", "locale")
NO_EXTRAS = RegistrationExtras()

SLOT_VALUES = attrgetter(*SLOT_COLUMNS)
SIBLING_SLOT_VALUES = attrgetter(*(f"slot_{name}" for name in SLOT_COLUMNS))
"""The values of a slot, by the names of the columns, in the order of `WrittenSlot`."""


class Shared(NamedTuple):
    """What the jobs of one event share that came by links of the same kind."""

    event: EventSnapshot
    link: Link | None
    rules: MappingRules
    is_enabled: bool
    writes: WriteToggles


class LoadedEvent(NamedTuple):
    """What jobs carry of their event, by the kind of link that they came by."""

    personal: Shared
    general: Shared

    def shared_by(self, salesforce_id: str | None) -> Shared:
        """What a job with this Salesforce id carries."""
        return self.personal if _is_of_personal_link(salesforce_id) else self.general


class RelatedRegistration(NamedTuple):
    """One registration of a person for a campaign, and what was written of its member; `facts` are None where
    they count for nothing.
    """

    person: PersonKey
    facts: RegistrationFacts | None
    member: WrittenSlot | None


async def load_batch(
    session: AsyncSession, registration_ids: Sequence[str], *, host_id: str, org_id: str, fence: int
) -> Batch:
    """The claimed jobs with their registrations, events, links, written records and siblings."""
    batch = await load_claimed(session, registration_ids, host_id=host_id, org_id=org_id, fence=fence)
    return await with_siblings(session, batch)


async def load_claimed(
    session: AsyncSession, registration_ids: Sequence[str], *, host_id: str, org_id: str, fence: int
) -> Batch:
    """The same without siblings: what others are writing of the same people just now is not known yet."""
    whose = {"host_id": host_id, "org_id": org_id}
    of_host = (await session.execute(HOST_ROW, {"host_id": host_id})).one()
    settings = of_host.settings or {}
    rows = named_rows(await session.execute(CLAIMED, {"host_id": host_id, "ids": list(registration_ids)}))
    events = await events_of(session, {row.event_id for row in rows}, whose, of_host=of_host)
    mapped = [row.registration_id for row in rows if _is_mapped(row, events)]
    extras = await _extras(session, mapped, host_id)
    written = await _written(session, registration_ids, whose)
    exclusions = ExclusionRules.of(settings)
    jobs = [
        _job(
            row,
            events[row.event_id].shared_by(row.salesforce_id),
            written.get(row.registration_id, {}),
            exclusions,
            extras.get(row.registration_id, NO_EXTRAS),
        )
        async for row in yielding(rows)
        if row.event_id in events
    ]
    loaded = Batch(host_id, org_id, fence, of_host.now, tuple(jobs), **choices_of(of_host))
    return await with_emails(session, loaded) if any(job.writes.emails for job in jobs) else loaded


async def is_unchanged(session: AsyncSession, batch: Batch) -> bool:
    """Whether the host's choices, the events and their links are those that the batch was read with."""
    whose = {"host_id": batch.host_id, "org_id": batch.org_id}
    of_host = (await session.execute(HOST_ROW, {"host_id": batch.host_id})).one()
    # Jobs of one event differ by their links: one of each kind says what all carry.
    read = {(job.event.event_id, _is_of_personal_link(job.salesforce_id)): job for job in batch.jobs}
    events = await events_of(session, {event_id for event_id, _ in read}, whose, of_host=of_host)
    is_same = all(getattr(batch, name) == value for name, value in choices_of(of_host).items())
    return is_same and all(
        event_id in events and events[event_id].shared_by(job.salesforce_id) == _shared_of(job)
        for (event_id, _), job in read.items()
    )


async def with_siblings(session: AsyncSession, batch: Batch) -> Batch:
    """Adds all registrations of the batch's people in the linked campaigns, other events included."""
    siblings = [*_in_batch(batch.jobs), *await _outside_batch(session, batch)]
    return replace(
        batch,
        siblings=_by_person((each.person, each.facts) for each in siblings if each.facts),
        sibling_members=_by_person((each.person, each.member) for each in siblings if each.member),
        other_tickets=await _ticket_holders(session, batch),
    )


def facts_of(registration: Any) -> RegistrationFacts:
    """The facts of a row with FACT_COLUMNS; a check-in that was undone later is taken away."""
    reverted_at = registration.check_in_reverted_at
    return RegistrationFacts(
        registration.status,
        registration.registered_at,
        registration.confirmed_at,
        _after(registration.checked_in_at, reverted_at),
        registration.cancelled_at,
        registration.no_show_at,
        _watched_at(registration),
        registration.cancel_reason,
        _after(registration.last_checked_in_at or registration.checked_in_at, reverted_at),
        registration.completed_at,
        registration.rescheduled_at,
        registration.reschedule_reason,
        registration.starts_at,
        registration.ends_at,
    )


def _after(checked_in_at: datetime | None, reverted_at: datetime | None) -> datetime | None:
    is_undone = checked_in_at is not None and reverted_at is not None and reverted_at >= checked_in_at
    return None if is_undone else checked_in_at


def _watched_at(registration: Any) -> datetime | None:
    if not registration.replay:
        return None
    watched_at = registration.replay.get("watched_at")
    moment: datetime = datetime.fromisoformat(watched_at) if watched_at else registration.snapshot_at
    return moment


def _job(
    row: Any,
    known: Shared,
    written: Mapping[SlotKey, WrittenSlot],
    exclusions: ExclusionRules,
    extras: RegistrationExtras,
) -> Job:
    return Job(
        registration_id=row.registration_id,
        event=known.event,
        attendee=attendee_of(row.attendee, row.email_key),
        facts=facts_of(row),
        link=known.link,
        salesforce_id=row.salesforce_id,
        ticket=row.ticket_name,
        reason=row.reason,
        requested_by=row.requested_by,
        attempts=row.attempts,
        worker_crashes=row.worker_crashes,
        running_version=row.running_version or 0,
        is_erased=row.erased_at is not None,
        is_excluded=_is_excluded(row, row.email_key, exclusions),
        extras=extras,
        rules=known.rules,
        is_enabled=known.is_enabled,
        writes=known.writes,
        written=written,
        failed_parts=row.failed_parts or (),
        trace_context=row.trace_context,
    )


def _is_excluded(registration: Any, email_key: str | None, exclusions: ExclusionRules) -> bool:
    return registration.excluded_at is not None or exclusions.cover(email_key, registration.ticket_kind)


def attendee_of(given: Mapping[str, Any], email_key: str | None) -> Attendee:
    named: dict[str, Any] = {name: given.get(name) for name in ATTENDEE_FIELDS}
    consent = given.get("consent") or {}
    cleared = frozenset(name for name, value in given.items() if value is None)
    email = plain_address(given.get("email"))
    return Attendee(given.get("id"), email, email_key, **named, consent=consent, cleared=cleared)


async def events_of(
    session: AsyncSession,
    event_ids: Iterable[str],
    whose: Mapping[str, str],
    *,
    of_host: Any,
) -> dict[str, LoadedEvent]:
    rows = await session.execute(EVENTS, {**whose, "event_ids": sorted(event_ids)})
    hosts = MappingRules.of(of_host.layer) if of_host.layer else DEFAULT_RULES
    settings = of_host.settings or {}
    general_links = WriteSettings.of(settings).general_links
    hosts_general = hosts.for_general_links(general_links)
    events: dict[str, LoadedEvent] = {}
    for row in rows:
        rules = MappingRules.of(of_host.layer, row.layer) if row.layer else hosts
        general = rules.for_general_links(general_links) if row.layer else hosts_general
        writes = WriteToggles.of(settings, row.writes, event_kind=row.kind)
        shared = Shared(event_of(row), link_of(row), rules, row.is_enabled is not False, writes)
        events[row.event_id] = LoadedEvent(shared, shared._replace(rules=general))
    return events


def event_of(row: Any) -> EventSnapshot:
    """The event of a row of EVENTS."""
    return EventSnapshot(**_known_values(EventSnapshot, row))


def _known_values(kind: type[EventSnapshot | RegistrationExtras], row: Any) -> dict[str, Any]:
    values = {each.name: getattr(row, each.name) for each in fields(kind)}
    return {name: value for name, value in values.items() if value is not None}


def _is_mapped(row: Any, events: Mapping[str, LoadedEvent]) -> bool:
    known = events.get(row.event_id)
    return known is not None and known.shared_by(row.salesforce_id).rules is not DEFAULT_RULES


def _is_of_personal_link(salesforce_id: str | None) -> bool:
    """Whether the registration named a record; what is no id of Salesforce names none."""
    return is_id(salesforce_id)


def _shared_of(job: Job) -> Shared:
    return Shared(job.event, job.link, job.rules, job.is_enabled, job.writes)


async def _extras(
    session: AsyncSession, registration_ids: Sequence[str], host_id: str
) -> dict[str, RegistrationExtras]:
    if not registration_ids:
        return {}
    values = {"host_id": host_id, "ids": list(registration_ids)}
    return {row.registration_id: extras_of(row) for row in await session.execute(EXTRAS, values)}


def extras_of(row: Any) -> RegistrationExtras:
    """What else was sent of the registration of a row of EXTRAS."""
    return RegistrationExtras(**_known_values(RegistrationExtras, row))


async def _written(
    session: AsyncSession, registration_ids: Sequence[str], whose: Mapping[str, str]
) -> dict[str, dict[SlotKey, WrittenSlot]]:
    slots: dict[str, dict[SlotKey, WrittenSlot]] = {}
    for row in await session.execute(SLOTS, {**whose, "ids": list(registration_ids)}):
        key = SlotKey(row.slot, row.instance_key)
        slots.setdefault(row.registration_id, {})[key] = written_slot(SLOT_VALUES(row))
    return slots


def written_slot(values: Iterable[Any]) -> WrittenSlot:
    """The slot of these values of its columns."""
    named = dict(zip(SLOT_COLUMNS, values, strict=True))
    return WrittenSlot(**named | {"details": SlotDetails.parse(named["details"])})


def _in_batch(jobs: Iterable[Job]) -> Iterable[RelatedRegistration]:
    """The batch's own registrations, so that the database need not be asked for them again."""
    for job in jobs:
        if job.link and job.attendee.email_key and not job.is_erased:
            campaign_id = job.link.campaign_id
            person = (campaign_id, job.attendee.email_key)
            member = job.slot(MEMBER, campaign_id)
            is_written = job.is_enabled and job.writes.member
            yield _related(person, job.facts, member, is_excluded=job.is_excluded, is_written=is_written)


def _related(
    person: PersonKey,
    facts: RegistrationFacts,
    member: WrittenSlot | None,
    *,
    is_excluded: bool,
    is_written: bool,
) -> RelatedRegistration:
    """Where its event writes no members, a registration counts as far as it was written: that stays."""
    if is_excluded or (not is_written and (member is None or not member.exists_in_org)):
        return RelatedRegistration(person, None, member)
    if member is None or is_written:
        return RelatedRegistration(person, facts, member)
    return RelatedRegistration(person, facts.as_written(member.meaning), member)


def siblings_read(batch: Batch) -> Read | None:
    """What `with_siblings` asks of those outside of the batch; None where it asks nothing."""
    known = {
        job.registration_id: (job.link.campaign_id, job.attendee.email_key)
        for job in batch.jobs
        if job.link and job.attendee.email_key
    }
    if not known:
        return None
    campaigns, emails = zip(*sorted(set(known.values())), strict=True)
    people = {"campaigns": list(campaigns), "emails": list(emails), "known": list(known)}
    return SIBLINGS, {"host_id": batch.host_id, "org_id": batch.org_id, **people, "member": MEMBER}


async def _outside_batch(session: AsyncSession, batch: Batch) -> list[RelatedRegistration]:
    asked = siblings_read(batch)
    if asked is None:
        return []
    return [
        _related(
            (row.campaign_id, row.email_key),
            facts_of(row),
            written_slot(SIBLING_SLOT_VALUES(row)) if row.slot_state is not None else None,
            is_excluded=_is_excluded(row, row.email_key, batch.exclusions),
            is_written=row.is_enabled is not False
            and WriteToggles.of(row.host_settings or {}, row.event_writes, event_kind=row.event_kind).member,
        )
        for row in await session.execute(*asked)
    ]


async def _ticket_holders(session: AsyncSession, batch: Batch) -> dict[str, tuple[RegistrationFacts, ...]]:
    """The other tickets of people who handed one on; asked for only where somebody did."""
    transferred = {job.registration_id for job in batch.jobs if is_transferred(job)}
    members = {
        slot.sf_id
        for job in batch.jobs
        for key, slot in job.written.items()
        if slot.meaning not in (StatusMeaning.CANCELLED, StatusMeaning.ATTENDED)
        if key.slot == PREVIOUS_HOLDER_MEMBER or (key.slot == MEMBER and job.registration_id in transferred)
    }
    if not members:
        return {}
    values = {
        "host_id": batch.host_id,
        "org_id": batch.org_id,
        "members": sorted(filter(None, members)),
        "member": MEMBER,
        "transferred": sorted(transferred),
    }
    found: dict[str, tuple[RegistrationFacts, ...]] = {}
    for row in await session.execute(OTHER_TICKETS, values):
        if not _is_excluded(row, row.email_key, batch.exclusions):
            found[row.sf_id] = (*found.get(row.sf_id, ()), facts_of(row))
    return found


def _by_person(pairs: Iterable[tuple[PersonKey, Value]]) -> dict[PersonKey, tuple[Value, ...]]:
    found: dict[PersonKey, tuple[Value, ...]] = {}
    for person, value in pairs:
        found[person] = (*found.get(person, ()), value)
    return found
