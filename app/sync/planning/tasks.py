"""The Tasks that are missing, planned. Pure but for the rows."""

from app.states import WriteState
from app.sync.field_values.closed_status import COMPLETED
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.requirements import TASK
from app.sync.model.batch import CHECKED_IN, REGISTERED, Batch, Job, SlotKey
from app.sync.model.clock import Clock
from app.sync.model.reference_tags import reference_tag
from app.sync.model.ticket_transfer import previous_holder_count
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.create_guard import may_create
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    dropped_fields,
    fail_build,
    rejection_hints,
)
from app.sync.planning.record_builder import build_record as drafted
from app.sync.planning.task_text import task_fields


def wanted_tasks(job: Job, batch: Batch) -> list[str]:
    if not batch.writes.task:
        return []
    is_registered = job.facts.confirmed_at is not None
    is_wanted = {REGISTERED: is_registered, CHECKED_IN: job.facts.checked_in_at is not None}
    return [slot for slot, wanted in is_wanted.items() if wanted]


def plan_task(
    row: WorkItem, slot: str, found: LookupResult, *, batch: Batch, clock: Clock
) -> list[WriteOperation]:
    assert row.person is not None
    key = SlotKey(slot)
    before = row.slots.get(key)
    if before is not None and before.state == WriteState.WRITTEN:
        return []
    if before is not None and (task_id := found.tasks.get(before.reference or "")):
        row.slots[key] = before._replace(state=WriteState.WRITTEN, sf_id=task_id)
        return []
    if not may_create(row, key, clock):
        return []
    before_us = previous_holder_count(row.job)
    whose = f"{slot}#{before_us}" if before_us else slot
    reference = reference_tag(batch.host_id, batch.org_id, row.job.registration_id, whose)
    status = row.job.rules.task_status or next(iter(found.closed_statuses), COMPLETED)
    fields, notices = task_fields(row.job, slot, who_id=row.person.id, reference=reference, status=status)
    row.notices += notices
    try:
        draft = drafted(
            TASK, row.job, OrgContext(found.describes), own=fields, without=dropped_fields(before)
        )
    except RecordBuildError as reason:
        fail_build([row], reason, OrgContext(found.describes), kind=slot.partition(":")[2])
        return []
    row.notices += draft.notices
    return [
        WriteOperation(
            key=key,
            rows=(row,),
            record=draft.record,
            carrier=row.job.registration_id,
            reference=reference,
            details={"subject": fields["Subject"]},
            headers=draft.headers,
            mapped=draft.mapped,
            describe=draft.describe,
            tried=rejection_hints(before),
        )
    ]
