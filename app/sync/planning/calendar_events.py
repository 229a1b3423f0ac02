"""Plan the calendar Events that are missing, and what those that stand do not show yet."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from app.states import JobReason, RegistrationStatus, WriteState
from app.sync.field_values.builder import digest
from app.sync.field_values.text import normalize_text
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import CALENDAR_EVENT, Batch, Job, SlotKey, WrittenSlot
from app.sync.model.calendar_status import CalendarStatus, is_open_for_previous_holder, status_of
from app.sync.model.cases import CASE_KEY
from app.sync.model.decisions import NO_PLAN, ItemDecision, Plan, joined
from app.sync.model.item_errors import EVENT_CANCELLED, ItemWarning
from app.sync.model.mapping_rules import DEFAULT_RULES
from app.sync.model.records import CONTACT, EVENT
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import pending_digests
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.activity_owner import activity_owner
from app.sync.planning.calendar_changes import plan_changes
from app.sync.planning.calendar_fields import KEY, CalendarObject, PlannedEvent, title_of
from app.sync.planning.calendar_times import WITHOUT_TIMES, event_times
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
from app.sync.planning.tasks import reference_of, with_reference
from app.user_messages.phrases import Phrase

OF_CANCELLED_EVENT: Final = ItemWarning(EVENT_CANCELLED, EVENT, None, Phrase("note.event_cancelled"))


def plan_calendar_events(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for the calendar Event of each registration that has to have one."""
    for item in items:
        if item.job.writes.calendar_event:
            person = persons[item.registration_id]
            yield plan_calendar_event(item, person, lookup, batch=batch, clock=clock)


def plan_calendar_event(
    item: WorkItem, person: PersonRef, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Create the calendar Event, unless it exists or an earlier create may still be applied; of one that
    exists, write what it does not show yet.
    """
    before = item.slots.get(KEY)
    if before is None or not before.exists_in_org:
        recovered = lookup.recovered_slot(before)
        if recovered is None:
            return _create(item, before, person, lookup, batch=batch, clock=clock)
        found = Plan(decisions=(ItemDecision(item, slots={KEY: recovered}),))
        return joined((found, plan_changes(_planned(item, recovered, lookup, batch), lookup, clock)))
    if _is_made_again(item, before, lookup):
        return _create(item, None, person, lookup, batch=batch, clock=clock)
    return plan_changes(_planned(item, before, lookup, batch), lookup, clock)


def _is_made_again(item: WorkItem, before: WrittenSlot, lookup: LookupResult) -> bool:
    """Whether it is known to be deleted and a person asked for it; an update in doubt is settled first."""
    is_asked = item.job.reason == JobReason.RETRY and before.state == WriteState.WRITTEN
    return is_asked and before.sf_id in lookup.deleted_events


def _planned(item: WorkItem, before: WrittenSlot | None, lookup: LookupResult, batch: Batch) -> PlannedEvent:
    others = {key: slot for key, slot in item.job.written.items() if key != KEY}
    job = replace(item.job, written={**others, **({KEY: before} if before is not None else {})})
    settings = batch.settings.calendar_event
    is_first_day = lookup.has_day_events_only or bool(before and before.details.is_first_day)
    return PlannedEvent(
        item,
        job,
        before,
        status_of(job),
        event_times(job, default_minutes=settings.default_minutes, is_first_day=is_first_day),
        settings.show_as,
        CalendarObject(lookup.describes.get(EVENT), dropped_fields(before), lookup.package_namespace),
    )


def _create(
    item: WorkItem,
    before: WrittenSlot | None,
    person: PersonRef,
    lookup: LookupResult,
    *,
    batch: Batch,
    clock: Clock,
) -> Plan:
    """What was cancelled before it was written is not written."""
    event, facts = _planned(item, before, lookup, batch), item.job.facts
    if not facts.is_counted or facts.is_cancelled:
        return NO_PLAN
    if event.shown.status is CalendarStatus.CANCELED:
        return Plan(decisions=(ItemDecision(item, warnings=(OF_CANCELLED_EVENT,)),))
    if event.times is None:
        return Plan(decisions=(ItemDecision(item, warnings=(WITHOUT_TIMES,)),))
    record_key = lookup.key_of(EVENT, reference_of(event.job, CALENDAR_EVENT, batch))
    obstacle = create_obstacle(item, KEY, clock, record_key=record_key) if before is not None else None
    if obstacle is not None:
        return Plan(decisions=(obstacle,))
    plan = _new_event(event, person, lookup, batch=batch)
    return replace(plan, operations=tuple(with_key(each, record_key) for each in plan.operations))


def _new_event(event: PlannedEvent, person: PersonRef, lookup: LookupResult, *, batch: Batch) -> Plan:
    item, job, org = event.item, event.job, OrgContext(lookup.describes)
    reference, how = reference_of(job, CALENDAR_EVENT, batch), batch.settings.calendar_event.owner
    owner_id, without_owner = activity_owner(job, how, lookup, sobject=EVENT)
    warnings = (*(event.times.warnings if event.times else ()), *without_owner)
    fields = _new_fields(event, person, reference, owner_id=owner_id)
    try:
        draft = build_record(EVENT, job, org, system_fields=fields, without=event.org.dropped)
    except RecordBuildError as error:
        failure = build_failure([item], error, org, milestone=CALENDAR_EVENT)
        return Plan(decisions=(ItemDecision(item, warnings=warnings), *failure))
    digests = {name: digest(value) for name, value in fields.items()}
    operation = WriteOperation(
        key=KEY,
        jobs=(item.job,),
        record=draft.record,
        primary_registration_id=item.registration_id,
        label=str(event.shown.status),
        reference_tag=reference,
        details=pending_digests({}, {**digests, **draft.digests})._replace(
            subject=fields["Subject"], created_as=_created_as(job)
        ),
        headers=draft.headers,
        mapped=draft.mapped,
        describe=event.org.describe,
        rejection_hints=rejection_hints(event.before),
    )
    noted = (*warnings, *draft.warnings)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def _new_fields(
    event: PlannedEvent, person: PersonRef, reference: str, *, owner_id: str | None
) -> dict[str, Any]:
    """The fields of a new calendar Event. Salesforce takes a Case of a Contact's only."""
    job, case = event.job, event.item.slots.get(CASE_KEY)
    lines = {
        "Event": normalize_text(job.event.title),
        "Ticket": normalize_text(job.ticket),
        "Link": normalize_text(job.event.url),
    }
    ours = {
        "WhoId": person.id,
        "WhatId": case.sf_id if case is not None and person.sobject == CONTACT else None,
        "IsReminderSet": False,
        "Description": with_reference(lines, reference),
        "OwnerId": owner_id,
    }
    taken = {name: value for name, value in ours.items() if event.org.takes(name, value, is_new=True)}
    fields = {"WhoId": person.id, **event.fields(title_of(job), is_new=True), **taken}
    return {name: value for name, value in fields.items() if value is not None}


def plan_previous_holder_events(
    items: Iterable[WorkItem], lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """Cancel the calendar Events of people who handed their ticket on: they do not come."""
    for item in items:
        for key, slot in item.slots.items():
            if is_open_for_previous_holder(key, slot):
                yield _end_event(item, key, slot, lookup, batch=batch, clock=clock)


def _end_event(
    item: WorkItem, key: SlotKey, slot: WrittenSlot, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """The host's rules tell of who holds the ticket now, so they say nothing here; times stay."""
    if slot.sf_id not in lookup.queried_events:
        return NO_PLAN
    if slot.sf_id not in lookup.events and slot.state == WriteState.WRITTEN:
        ended = slot._replace(label=str(CalendarStatus.CANCELED))
        return Plan(decisions=(ItemDecision(item, slots={key: ended}),))
    facts = replace(item.job.facts, status=RegistrationStatus.CANCELLED, cancel_reason=None)
    job = replace(item.job, facts=facts, rules=DEFAULT_RULES)
    event = _planned(item._replace(job=job), slot, lookup, batch)
    return plan_changes(replace(event, item=item, times=None, key=key), lookup, clock)


def _created_as(job: Job) -> dict[str, str | None]:
    starts_at, ends_at = job.planned_times
    return {
        "title": title_of(job),
        "starts_at": starts_at.isoformat() if starts_at else None,
        "ends_at": ends_at.isoformat() if ends_at else None,
    }
