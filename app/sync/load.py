"""From claimed registration ids to a Batch: everything the planner needs, in five queries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    func,
    inspect,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.models import Base, CampaignLink, Event, Host, Registration, SyncJob, WrittenRecord
from app.sync.batch import MEMBER, Attendee, Batch, EventView, Facts, Job, Link, SlotKey, Writes, Written
from app.sync.rules.exclusions import Exclusions

Entity = TypeVar("Entity", bound=Base)
Value = TypeVar("Value")
PersonKey = tuple[str, str]
"""A campaign and an e-mail key."""

ATTENDEE_FIELDS = ("first_name", "last_name", "name", "company", "job_title", "phone")


async def load_batch(
    session: AsyncSession, registration_ids: Sequence[str], *, host_id: str, org_id: str, fence: int
) -> Batch:
    """The claimed jobs with their registrations, events, links, written records and siblings."""
    query = _claimed_rows(registration_ids, host_id=host_id, org_id=org_id)
    found = (await session.execute(query)).all()
    written = await _written(session, registration_ids, host_id=host_id, org_id=org_id)
    settings = await session.scalar(select(Host.settings).where(Host.host_id == host_id)) or {}
    exclusions = Exclusions.of(settings)
    jobs = tuple(_job(*row, written.get(row[0].registration_id, {}), exclusions) for row in found)
    now = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    siblings = await _siblings(session, jobs, host_id=host_id, org_id=org_id)
    return Batch(
        host_id,
        org_id,
        fence,
        now,
        jobs,
        _writes(settings),
        _by_person(
            (person, facts_of(each)) for person, each, _ in siblings if not _is_excluded(each, exclusions)
        ),
        _by_person((person, _slot(record)) for person, _, record in siblings if record is not None),
    )


def facts_of(registration: Registration) -> Facts:
    """The facts with a check-in that was undone later taken away."""
    checked_in_at = registration.checked_in_at
    reverted_at = registration.check_in_reverted_at
    if checked_in_at is not None and reverted_at is not None and reverted_at >= checked_in_at:
        checked_in_at = None
    return Facts(
        status=registration.status,
        registered_at=registration.registered_at,
        confirmed_at=registration.confirmed_at,
        checked_in_at=checked_in_at,
        cancelled_at=registration.cancelled_at,
        no_show_at=registration.no_show_at,
        replay_watched_at=_watched_at(registration),
    )


def _claimed_rows(
    registration_ids: Sequence[str], *, host_id: str, org_id: str
) -> Select[SyncJob, Registration, Event, CampaignLink | None]:
    """Job, registration, event and link (or None) of each id, in the order of ids."""
    wanted = _wanted(registration_ids)
    job = _each(SyncJob, SyncJob.host_id == host_id, SyncJob.registration_id == wanted.c.id)
    registration = _each(
        Registration, Registration.host_id == host_id, Registration.registration_id == wanted.c.id
    )
    return (
        select(job, registration, Event, CampaignLink)
        .select_from(wanted)
        .join(job, true())
        .join(registration, true())
        .join(Event, (Event.host_id == host_id) & (Event.event_id == registration.event_id))
        .outerjoin(
            CampaignLink,
            (CampaignLink.host_id == host_id)
            & (CampaignLink.event_id == registration.event_id)
            & (CampaignLink.org_id == org_id),
        )
        .order_by(wanted.c.id)
    )


def _watched_at(registration: Registration) -> datetime | None:
    if not registration.replay:
        return None
    watched_at = registration.replay.get("watched_at")
    return datetime.fromisoformat(watched_at) if watched_at else registration.snapshot_at


def _job(
    job: SyncJob,
    registration: Registration,
    event: Event,
    link: CampaignLink | None,
    written: dict[SlotKey, Written],
    exclusions: Exclusions,
) -> Job:
    return Job(
        registration_id=job.registration_id,
        event=EventView(
            event.event_id, event.title, event.timezone, event.starts_at, event.location, event.url
        ),
        attendee=_attendee(registration),
        facts=facts_of(registration),
        link=_link(link),
        salesforce_id=registration.salesforce_id,
        ticket=(registration.ticket or {}).get("name"),
        why=job.why,
        asked_by=job.asked_by,
        attempts=job.attempts,
        deaths=job.deaths,
        running_version=job.running_version or 0,
        is_erased=registration.erased_at is not None,
        is_excluded=_is_excluded(registration, exclusions),
        written=written,
    )


def _is_excluded(registration: Registration, exclusions: Exclusions) -> bool:
    ticket_kind = (registration.ticket or {}).get("kind")
    return registration.excluded_at is not None or exclusions.cover(registration.email_key, ticket_kind)


def _attendee(registration: Registration) -> Attendee:
    given: dict[str, Any] = registration.attendee
    email = given.get("email")
    return Attendee(
        attendee_id=given.get("id"),
        email=email.strip() if email else None,
        email_key=registration.email_key,
        **{name: given.get(name) for name in ATTENDEE_FIELDS},
    )


def _link(link: CampaignLink | None) -> Link | None:
    if link is None or link.campaign_id is None or link.state not in ("linked", "broken"):
        return None
    labels = {meaning: label for meaning, label in link.statuses.items() if label}
    return Link(link.campaign_id, labels, is_broken=link.state == "broken", version=link.version)


async def _written(
    session: AsyncSession, registration_ids: Sequence[str], *, host_id: str, org_id: str
) -> dict[str, dict[SlotKey, Written]]:
    wanted = _wanted(registration_ids)
    row_of = _each(
        WrittenRecord,
        WrittenRecord.host_id == host_id,
        WrittenRecord.org_id == org_id,
        WrittenRecord.registration_id == wanted.c.id,
    )
    rows = await session.scalars(select(row_of).select_from(wanted).join(row_of, true()))
    slots: dict[str, dict[SlotKey, Written]] = {}
    for row in rows:
        slots.setdefault(row.registration_id, {})[SlotKey(row.slot, row.discriminator)] = _slot(row)
    return slots


def _slot(row: WrittenRecord) -> Written:
    return Written(
        state=row.state,
        action=row.action,
        sobject=row.sobject,
        sf_id=row.sf_id,
        meaning=row.meaning,
        label=row.label,
        reference=row.reference,
        details=row.details,
        attempt_started_at=row.attempt_started_at,
        first_attempt_at=row.first_attempt_at,
        looks=row.looks,
        rounds=row.rounds,
    )


def _writes(settings: dict[str, Any]) -> Writes:
    chosen = settings.get("writes", {})
    return Writes(**{kind: bool(chosen.get(kind, True)) for kind in ("person", "task", "member")})


def _wanted(registration_ids: Sequence[str]) -> TableValuedAlias:
    """The ids as a table: one array, so that the statement is the same for any number."""
    return func.unnest(_texts(registration_ids)).table_valued("id").render_derived("wanted")


def _each(entity: type[Entity], *conditions: ColumnElement[bool]) -> type[Entity]:
    """The entity's rows for each wanted id, by its primary key.

    Offset and order are fences for the planner: with statistics of a moment ago it would walk all rows of
    the host instead, and a backlog's cost would grow with its square.
    """
    by_key = select(entity).where(*conditions).order_by(*inspect(entity).primary_key)
    return aliased(entity, by_key.offset(literal_column("0")).lateral())


def _texts(values: Sequence[str]) -> BindParameter[Sequence[str]]:
    return bindparam(None, list(values), type_=ARRAY(Text), unique=True)


async def _siblings(
    session: AsyncSession, jobs: Sequence[Job], *, host_id: str, org_id: str
) -> list[tuple[PersonKey, Registration, WrittenRecord | None]]:
    """All registrations of the batch's people in the linked campaigns, other events included, each with what
    was written of its member."""
    wanted = {
        (job.link.campaign_id, job.attendee.email_key) for job in jobs if job.link and job.attendee.email_key
    }
    if not wanted:
        return []
    campaigns, emails = zip(*sorted(wanted), strict=True)
    asked = (
        func.unnest(_texts(campaigns), _texts(emails))
        .table_valued("campaign_id", "email_key")
        .render_derived("asked")
    )
    query = (
        select(CampaignLink.campaign_id, Registration, WrittenRecord)
        .select_from(asked)
        .join(
            Registration,
            (Registration.host_id == host_id) & (Registration.email_key == asked.c.email_key),
        )
        .join(
            CampaignLink,
            (CampaignLink.host_id == Registration.host_id)
            & (CampaignLink.event_id == Registration.event_id)
            & (CampaignLink.campaign_id == asked.c.campaign_id),
        )
        .outerjoin(
            WrittenRecord,
            (WrittenRecord.host_id == Registration.host_id)
            & (WrittenRecord.org_id == org_id)
            & (WrittenRecord.registration_id == Registration.registration_id)
            & (WrittenRecord.slot == MEMBER)
            & (WrittenRecord.discriminator == CampaignLink.campaign_id),
        )
        .where(Registration.erased_at.is_(None))
    )
    return [
        ((campaign_id or "", registration.email_key or ""), registration, record)
        for campaign_id, registration, record in await session.execute(query)
    ]


def _by_person(pairs: Iterable[tuple[PersonKey, Value]]) -> dict[PersonKey, tuple[Value, ...]]:
    found: dict[PersonKey, tuple[Value, ...]] = {}
    for person, value in pairs:
        found[person] = (*found.get(person, ()), value)
    return found
