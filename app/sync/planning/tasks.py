"""Plan the Tasks that are missing."""

from collections.abc import Iterable, Iterator

from app.states import WriteState
from app.sync.field_values.closed_status import COMPLETED
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import CHECKED_IN, REGISTERED, Batch, Job, SlotKey
from app.sync.model.clock import Clock
from app.sync.model.decisions import NO_PLAN, ItemDecision, Plan
from app.sync.model.record_kinds import milestone_of
from app.sync.model.records import TASK
from app.sync.model.reference_tags import reference_tag
from app.sync.model.ticket_transfer import previous_holder_count
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.create_guard import create_obstacle
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    dropped_fields,
    rejection_hints,
)
from app.sync.planning.task_text import task_fields


def plan_tasks(
    items: Iterable[WorkItem], persons: Persons, found: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for each Task that a registration has to have."""
    for item in items:
        for slot in required_tasks(item.job, batch):
            person = persons[item.job.registration_id]
            yield plan_task(item, slot, person, found, batch=batch, clock=clock)


def required_tasks(job: Job, batch: Batch) -> list[str]:
    """The slots of the Tasks that the registration has to have."""
    if not batch.writes.task:
        return []
    is_registered = job.facts.confirmed_at is not None
    is_required = {REGISTERED: is_registered, CHECKED_IN: job.facts.checked_in_at is not None}
    return [slot for slot, required in is_required.items() if required]


def plan_task(
    item: WorkItem, slot: str, person: PersonRef, found: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Create the Task of this slot, unless it exists or an earlier create may still be applied."""
    key = SlotKey(slot)
    before = item.slots.get(key)
    if before is not None and before.state == WriteState.WRITTEN:
        return NO_PLAN
    if before is not None and (record_id := found.recovered.get(before.reference or "")):
        recovered = before._replace(state=WriteState.WRITTEN, sf_id=record_id)
        return Plan(decisions=(ItemDecision(item, slots={key: recovered}),))
    obstacle = create_obstacle(item, key, clock)
    if obstacle is not None:
        return Plan(decisions=(obstacle,))
    return _create_task(item, key, person, found, batch=batch)


def _create_task(
    item: WorkItem, key: SlotKey, person: PersonRef, found: LookupResult, *, batch: Batch
) -> Plan:
    before, org = item.slots.get(key), OrgContext(found.describes)
    reference = _reference(item.job, key.slot, batch)
    status = item.job.rules.task_status or next(iter(found.closed_statuses), COMPLETED)
    fields, warnings = task_fields(item.job, key.slot, who_id=person.id, reference=reference, status=status)
    try:
        draft = build_record(TASK, item.job, org, own=fields, without=dropped_fields(before))
    except RecordBuildError as error:
        failure = build_failure([item], error, org, kind=milestone_of(key.slot, None))
        return Plan(decisions=(ItemDecision(item, warnings=tuple(warnings)), *failure))
    operation = WriteOperation(
        key=key,
        rows=(item,),
        record=draft.record,
        primary_registration_id=item.job.registration_id,
        reference=reference,
        details={"subject": fields["Subject"]},
        headers=draft.headers,
        mapped=draft.mapped,
        describe=draft.describe,
        rejection_hints=rejection_hints(before),
    )
    noted = (*warnings, *draft.notices)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def _reference(job: Job, slot: str, batch: Batch) -> str:
    """The tag by which a lost create is found; earlier holders of the ticket have their own."""
    earlier_holders = previous_holder_count(job)
    name = f"{slot}#{earlier_holders}" if earlier_holders else slot
    return reference_tag(batch.host_id, batch.org_id, job.registration_id, name)
