"""Plan the Tasks that are missing."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.states import WriteState
from app.sync.field_values.lead_fields import truncate
from app.sync.field_values.text import normalize_text
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.parse import COMPLETED
from app.sync.model.batch import CHECKED_IN, REGISTERED, Batch, Job, SlotKey
from app.sync.model.decisions import NO_PLAN, ItemDecision, Plan
from app.sync.model.item_errors import ItemWarning
from app.sync.model.record_kinds import milestone_of
from app.sync.model.records import TASK
from app.sync.model.reference_tags import reference_tag
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.ticket_transfer import previous_holder_count
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.activity_owner import CONNECTED_USER, activity_owner
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    create_obstacle,
    dropped_fields,
    rejection_hints,
    with_key,
)
from app.user_messages.phrases import Phrase

PREFIXES = {REGISTERED: "Registered: ", CHECKED_IN: "Checked-in: "}


def plan_tasks(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for each Task that a registration has to have."""
    for item in items:
        for slot in required_tasks(item.job):
            person = persons[item.registration_id]
            yield plan_task(item, slot, person, lookup, batch=batch, clock=clock)


def required_tasks(job: Job) -> list[str]:
    """The slots of the Tasks that the registration has to have."""
    return [slot for slot in PREFIXES if job.writes.task and _happened_at(job, slot) is not None]


def plan_task(
    item: WorkItem, slot: str, person: PersonRef, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Create the Task of this slot, unless it exists or an earlier create may still be applied."""
    key = SlotKey(slot)
    before = item.slots.get(key)
    if before is not None and (before.state == WriteState.WRITTEN or before.exists_in_org):
        return NO_PLAN
    if recovered := lookup.recovered_slot(before):
        return Plan(decisions=(ItemDecision(item, slots={key: recovered}),))
    reference = reference_of(item.job, slot, batch)
    record_key = lookup.key_of(TASK, reference)
    obstacle = create_obstacle(item, key, clock, record_key=record_key)
    if obstacle is not None:
        return Plan(decisions=(obstacle,))
    return _create_task(item, key, person, lookup, batch=batch, reference=reference)


def _create_task(
    item: WorkItem, key: SlotKey, person: PersonRef, lookup: LookupResult, *, batch: Batch, reference: str
) -> Plan:
    before, org = item.slots.get(key), OrgContext(lookup.describes)
    status = item.job.rules.task_status or next(iter(lookup.closed_statuses), COMPLETED)
    fields, warnings = task_fields(item.job, key.slot, who_id=person.id, reference=reference, status=status)
    if (how := batch.settings.task_owner) != CONNECTED_USER:
        owner_id, without_owner = activity_owner(item.job, how, lookup)
        fields |= {"OwnerId": owner_id} if owner_id else {}
        warnings += without_owner
    try:
        draft = build_record(TASK, item.job, org, system_fields=fields, without=dropped_fields(before))
    except RecordBuildError as error:
        failure = build_failure([item], error, org, milestone=milestone_of(key.slot, None))
        return Plan(decisions=(ItemDecision(item, warnings=tuple(warnings)), *failure))
    operation = WriteOperation(
        key=key,
        jobs=(item.job,),
        record=draft.record,
        primary_registration_id=item.registration_id,
        reference_tag=reference,
        details=SlotDetails(subject=fields["Subject"]),
        headers=draft.headers,
        mapped=draft.mapped,
        describe=draft.describe,
        rejection_hints=rejection_hints(before),
    )
    operation = with_key(operation, lookup.key_of(TASK, reference))
    noted = (*warnings, *draft.warnings)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def reference_of(job: Job, slot: str, batch: Batch) -> str:
    """The tag by which a lost create is found; earlier holders of the ticket have their own."""
    earlier_holders = previous_holder_count(job)
    name = f"{slot}#{earlier_holders}" if earlier_holders else slot
    return reference_tag(batch.host_id, batch.org_id, job.registration_id, name)


def _happened_at(job: Job, slot: str) -> datetime | None:
    """When the thing that a Task tells happened, not when it is written."""
    return job.facts.checked_in_at if slot == CHECKED_IN else job.facts.confirmed_at


def task_fields(
    job: Job, slot: str, *, who_id: str, reference: str, status: str = COMPLETED
) -> tuple[dict[str, Any], list[ItemWarning]]:
    """A completed Task on a person. WhatId stays empty: Salesforce refuses it where WhoId is a Lead."""
    zone, warnings = _zone(job.event.timezone)
    happened_at = _happened_at(job, slot)
    assert happened_at is not None
    fields = {
        "Subject": task_subject(slot, job.event.title),
        "Status": status,
        "ActivityDate": happened_at.astimezone(zone).date().isoformat(),
        "WhoId": who_id,
        "Description": task_description(job, reference),
    }
    return fields, warnings


@lru_cache
def task_subject(slot: str, title: str) -> str:
    """Prefix and title in 255 characters; the prefix is never cut."""
    return truncate(TASK, "Subject", PREFIXES[slot] + (normalize_text(title) or "event"))


def task_description(job: Job, reference: str) -> str:
    """What a salesperson wants to know, and our reference in the last line."""
    event = job.event
    body = _told_of_event(event.title, event.timezone, event.starts_at, event.location, job.ticket, event.url)
    return _referenced(body, reference)


@lru_cache
def _told_of_event(
    title: str,
    timezone: str,
    starts_at: datetime | None,
    location: str | None,
    ticket: str | None,
    url: str | None,
) -> str:
    """What the Tasks of an event and a kind of ticket say alike."""
    local = starts_at.astimezone(_zone(timezone)[0]) if starts_at else None
    return _body(
        {
            "Event": normalize_text(title),
            "Starts": f"{local:%Y-%m-%d %H:%M} {local.tzinfo}" if local else None,
            "Where": normalize_text(location),
            "Ticket": normalize_text(ticket),
            "Link": normalize_text(url),
        }
    )


def with_reference(lines: Mapping[str, str | None], reference: str) -> str:
    """The lines that say something, by name, and our reference in the last line."""
    return _referenced(_body(lines), reference)


def _body(lines: Mapping[str, str | None]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)


def _referenced(body: str, reference: str) -> str:
    return f"{body}\n\nRef: {reference}"


def _zone(timezone: str) -> tuple[tzinfo, list[ItemWarning]]:
    try:
        return ZoneInfo(timezone), []
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text = Phrase("note.no_time_zone")
        return UTC, [ItemWarning("fallback_used", TASK, "ActivityDate", text)]
