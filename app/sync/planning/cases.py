"""Plan the Cases of meetings: one for each registration, closed once when the meeting took place."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from app.salesforce.composite import Record
from app.states import WriteAction, WriteState
from app.sync.field_values.lead_fields import is_usable_email, person_name, truncate
from app.sync.field_values.text import normalize_text
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch, Job, WrittenSlot
from app.sync.model.cases import CASE_KEY, SETTLED, CaseRow, is_to_be_closed, named_case_id
from app.sync.model.decisions import NO_PLAN, ItemDecision, Plan, joined
from app.sync.model.item_errors import EVENT_CANCELLED, LEFT_OUT, ItemWarning
from app.sync.model.record_kinds import CASE_KIND
from app.sync.model.records import CASE, CONTACT
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import (
    Draft,
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    create_obstacle,
    dropped_fields,
    rejection_hints,
    with_key,
)
from app.sync.planning.tasks import reference_of, task_description
from app.user_messages.phrases import Phrase

SUBJECT: Final = "Meeting: "
NO_CASES: Final = Phrase("note.no_cases")
NO_ADDRESS: Final = Phrase("note.case_without_address")
NOT_CLOSED: Final = Phrase("note.case_not_closed")
STATUS_REFUSED: Final = Phrase("note.case_status_refused")
OF_CANCELLED_EVENT: Final = ItemWarning(EVENT_CANCELLED, CASE, None, Phrase("note.case_of_cancelled_event"))


def plan_cases(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for each registration that has a Case, or shall have one."""
    for item in items:
        if item.job.writes.case or named_case_id(item.job):
            yield plan_case(item, persons[item.registration_id], lookup, batch=batch, clock=clock)


def plan_case(item: WorkItem, person: PersonRef, lookup: LookupResult, *, batch: Batch, clock: Clock) -> Plan:
    """Create the Case, take the one that the link names, or close the one that stands."""
    before = item.slots.get(CASE_KEY)
    if before is not None and before.exists_in_org:
        return _plan_closing(item, before, lookup, batch=batch, clock=clock)
    if recovered := lookup.recovered_slot(before):
        found = Plan(decisions=(ItemDecision(item, slots={CASE_KEY: recovered}),))
        return joined((found, _plan_closing(item, recovered, lookup, batch=batch, clock=clock)))
    named = lookup.cases.get(named_case_id(item.job) or "")
    is_named = named is not None and not named.is_deleted
    # What is not sent again, the key does not protect from landing late.
    record_key = None if is_named else lookup.key_of(CASE, reference_of(item.job, CASE_KEY.slot, batch))
    obstacle = create_obstacle(item, CASE_KEY, clock, record_key=record_key)
    if obstacle is not None:
        return Plan(decisions=(obstacle,))
    if named is not None and is_named:
        return Plan(decisions=(ItemDecision(item, slots={CASE_KEY: _slot_of_named(named)}),))
    if not is_due(item.job):
        return NO_PLAN
    if item.job.event.cancelled_at is not None:
        return Plan(decisions=(ItemDecision(item, warnings=(OF_CANCELLED_EVENT,)),))
    if not are_cases_createable(lookup):
        warning = ItemWarning(LEFT_OUT, CASE, None, NO_CASES)
        return Plan(decisions=(ItemDecision(item, warnings=(warning,)),))
    return _plan_create(item, person, lookup, batch=batch)


def is_due(job: Job) -> bool:
    """Whether the registration gets a Case where it has none and its event takes place."""
    return job.writes.case and job.facts.is_counted and not job.facts.is_cancelled


def are_cases_createable(lookup: LookupResult) -> bool:
    """Whether the org has Cases and lets the connected user create them."""
    described = lookup.describes.get(CASE)
    return described is not None and described.is_createable


def _slot_of_named(case: CaseRow) -> WrittenSlot:
    """The Case of somebody else that the link names: it is never changed."""
    details = SlotDetails(found_by="salesforce_id", is_created_by_us=False)
    return WrittenSlot(WriteState.WRITTEN, WriteAction.CREATE, CASE, case.id, details=details)


def _plan_create(item: WorkItem, person: PersonRef, lookup: LookupResult, *, batch: Batch) -> Plan:
    before, org, job = item.slots.get(CASE_KEY), _org(lookup), item.job
    reference = reference_of(job, CASE_KEY.slot, batch)
    without = dropped_fields(before) | _not_createable(lookup)
    fields, warnings = case_fields(job, person, reference=reference, origin=batch.settings.case.origin)
    try:
        draft = build_record(CASE, job, org, system_fields=fields, without=without)
    except RecordBuildError as error:
        return Plan(decisions=build_failure([item], error, org, milestone=CASE_KIND.milestone))
    closed, notes = _closed_status(item, before, lookup, batch)
    record = _with_status(draft, closed)
    operation = WriteOperation(
        key=CASE_KEY,
        jobs=(job,),
        record=record,
        primary_registration_id=item.registration_id,
        meaning=SETTLED if closed else None,
        label=record.fields.get("Status"),
        reference_tag=reference,
        details=SlotDetails(subject=fields["Subject"], found_by="created", is_created_by_us=True),
        headers=draft.headers,
        mapped=draft.mapped - ({"Status"} if closed else set()),
        describe=lookup.describes.get(CASE),
        rejection_hints=rejection_hints(before),
    )
    operation = with_key(operation, lookup.key_of(CASE, reference))
    noted = (*warnings, *draft.warnings, *notes)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def _org(lookup: LookupResult) -> OrgContext:
    return OrgContext(lookup.describes, owners=lookup.owners)


def _with_status(draft: Draft, status: str | None) -> Record:
    """The record as it is created after the meeting took place: closed, whatever status new ones get."""
    fields = {**draft.record.fields, "Status": status} if status else draft.record.fields
    return replace(draft.record, fields=fields)


def _not_createable(lookup: LookupResult) -> frozenset[str]:
    """What the org lacks, or does not let the connected user fill, of what a Case can stand without."""
    known = lookup.describes[CASE].fields
    return frozenset(
        name
        for name in CASE_KIND.optional_fields
        if (field := known.get(name)) is None or not field.is_createable
    )


def case_fields(
    job: Job, person: PersonRef, *, reference: str, origin: str
) -> tuple[dict[str, Any], list[ItemWarning]]:
    """The engine's own fields. Who is met is told in words too, as a Lead cannot be the Contact of a Case."""
    attendee = job.attendee
    name = person_name(attendee)
    address = attendee.email if attendee.email and is_usable_email(attendee.email) else None
    supplied = {
        "SuppliedName": " ".join(part for part in (name.first, name.last) if part),
        "SuppliedPhone": normalize_text(attendee.phone),
        "SuppliedCompany": normalize_text(attendee.company),
    }
    cut = {field: truncate(CASE, field, value) for field, value in supplied.items() if value}
    warnings = [
        ItemWarning("value_cut", CASE, field, Phrase("note.cut", length=len(value)))
        for field, value in cut.items()
        if value != supplied[field]
    ]
    if attendee.email and address is None:
        warnings.append(ItemWarning("field_dropped", CASE, "SuppliedEmail", NO_ADDRESS))
    return {
        "Subject": case_subject(job.event.title),
        "Origin": origin,
        **({"ContactId": person.id} if person.sobject == CONTACT else {}),
        **({"SuppliedEmail": address} if address else {}),
        **cut,
        "Description": task_description(job, reference),
    }, warnings


def case_subject(title: str) -> str:
    """Prefix and title in 255 characters; the prefix is never cut."""
    return truncate(CASE, "Subject", SUBJECT + (normalize_text(title) or "event"))


def _closed_status(
    item: WorkItem, slot: WrittenSlot | None, lookup: LookupResult, batch: Batch
) -> tuple[str | None, tuple[ItemWarning, ...]]:
    """The status to close the Case with; None with a reason where it is to be closed and cannot."""
    if not is_to_be_closed(item.job, slot, batch.settings.case) or lookup.case_statuses is None:
        return None, ()
    closed = next(iter(lookup.case_statuses.closed), None)
    if closed is None or "Status" in dropped_fields(slot) or not _takes_status(lookup, slot):
        text = STATUS_REFUSED if closed else NOT_CLOSED
        return None, (ItemWarning("picklist_dropped", CASE, "Status", text),)
    return closed, ()


def _takes_status(lookup: LookupResult, slot: WrittenSlot | None) -> bool:
    is_new = slot is None or not slot.exists_in_org
    described = lookup.describes.get(CASE)
    field = described.fields.get("Status") if described else None
    if described is None or field is None:
        return False
    return field.is_createable if is_new else described.is_updateable and field.is_updateable


def _plan_closing(
    item: WorkItem, slot: WrittenSlot, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Close our Case once, and never over a status that somebody set since it was created."""
    closed, notes = _closed_status(item, slot, lookup, batch)
    noted = (ItemDecision(item, warnings=notes),) if notes else ()
    current = lookup.cases.get(slot.sf_id or "")
    if closed is None or current is None or current.is_deleted:
        return Plan(decisions=noted)
    if slot.state == WriteState.AMBIGUOUS and not clock.is_settled(slot):
        return Plan(decisions=(ItemDecision(item, recheck_at=clock.next_recheck(slot)),))
    if current.is_closed or not _is_as_created(current, slot, lookup):
        settled = slot._replace(state=WriteState.WRITTEN, meaning=SETTLED, label=current.status)
        return Plan(decisions=(ItemDecision(item, slots={CASE_KEY: settled}),))
    operation = WriteOperation(
        key=CASE_KEY,
        jobs=(item.job,),
        record=Record(CASE, {"Status": closed}, slot.sf_id),
        primary_registration_id=item.registration_id,
        meaning=SETTLED,
        label=closed,
        reference_tag=slot.reference,
        details=slot.details.without_hints(),
        describe=lookup.describes.get(CASE),
        rejection_hints=rejection_hints(slot),
    )
    return Plan((operation,))


def _is_as_created(current: CaseRow, slot: WrittenSlot, lookup: LookupResult) -> bool:
    """Whether the status is the one that we gave, or the org gives, a new Case."""
    initial = lookup.case_statuses.initial if lookup.case_statuses else ()
    return current.is_untouched or current.status in ((slot.label,) if slot.label else initial)
