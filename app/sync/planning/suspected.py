"""After a restore: records that may stand without our knowing are looked for before they are made. Pure.

What a registration shall have and our tables say nothing of counts as a create whose answer was lost: it is
found by its reference, or made once nothing of before the restore can land any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from app.salesforce.ids import sobject_of
from app.states import WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import ACCOUNT_SLOT, CALENDAR_EVENT, PERSON, Batch, Job, SlotKey, WrittenSlot
from app.sync.model.cases import CASE_KEY
from app.sync.model.decisions import ItemDecision
from app.sync.model.mapping_rules import CREATE_CONTACT, CREATE_NOBODY
from app.sync.model.record_kinds import person_object
from app.sync.model.records import ACCOUNT, CAMPAIGN_MEMBER, CASE, EVENT, TASK
from app.sync.model.reference_tags import reference_tag
from app.sync.model.restored import RestoredWindow
from app.sync.model.slot_details import SlotDetails
from app.sync.model.ticket_transfer import previous_holder_count
from app.sync.model.work_item import WorkItem
from app.sync.planning.cases import is_due
from app.sync.planning.emails import wanted_emails
from app.sync.planning.tasks import required_tasks

HOLDERS: Final = 4
"""By how many holders of a ticket a reference is looked for: earlier ones may be forgotten, too."""

ROUNDS: Final = -1
"""The look itself is no try: those that may follow are as many as ever."""


def suspected_items(items: Iterable[WorkItem], batch: Batch, window: RestoredWindow) -> tuple[WorkItem, ...]:
    """The items with a slot in doubt for each record that they shall have and are not known to have."""
    return tuple(_suspected_item(item, batch, window) for item in items)


def suspected_jobs(jobs: Iterable[Job], batch: Batch, window: RestoredWindow) -> tuple[Job, ...]:
    """The same for jobs that are only looked up."""
    return tuple(replace(job, written={**job.written, **_suspects(job, batch, window)}) for job in jobs)


def settle_suspected(items: Iterable[WorkItem], lookup: LookupResult, batch: Batch) -> Iterator[ItemDecision]:
    """What the look-up found of them."""
    for item in items:
        found = {
            key: _found(slot, record_id)
            for key, slot in item.slots.items()
            if slot.details.is_suspected and (record_id := _record_id(item.job, key, lookup, batch))
        }
        if found:
            yield ItemDecision(item, slots=found)


def _suspected_item(item: WorkItem, batch: Batch, window: RestoredWindow) -> WorkItem:
    suspects = _suspects(item.job, batch, window)
    if not suspects:
        return item
    written = {**item.job.written, **suspects}
    return item._replace(
        job=replace(item.job, written=written),
        slots=written,
        # As if they stood there: a doubt that is not settled is raised again by the next look.
        persisted_slots={**item.persisted_slots, **suspects},
    )


def _suspects(job: Job, batch: Batch, window: RestoredWindow) -> dict[SlotKey, WrittenSlot]:
    if not window.may_have_written(job.facts):
        return {}
    return {
        key: _in_doubt(job.written.get(key), sobject, _references(job, key, batch)[0], window)
        for key, sobject in _wanted(job).items()
        if (before := job.written.get(key)) is None or before.state == WriteState.FAILED
    }


def _in_doubt(
    before: WrittenSlot | None, sobject: str, reference: str, window: RestoredWindow
) -> WrittenSlot:
    details = before.details if before else SlotDetails()
    return WrittenSlot(
        WriteState.AMBIGUOUS,
        WriteAction.CREATE,
        sobject,
        reference=reference,
        details=details._replace(is_suspected=True),
        attempt_started_at=window.restored_at,
        first_attempt_at=window.since,
        rounds=ROUNDS,
    )


def _wanted(job: Job) -> Mapping[SlotKey, str]:
    """The slots that the registration shall have, with their objects."""
    wanted: dict[SlotKey, str] = {SlotKey(slot): TASK for slot in required_tasks(job)}
    created = job.rules.creates
    if job.writes.person and created != CREATE_NOBODY:
        wanted[SlotKey(PERSON)] = person_object(created)
    if created == CREATE_CONTACT:
        wanted[SlotKey(ACCOUNT_SLOT)] = ACCOUNT
    if job.writes.calendar_event:
        wanted[SlotKey(CALENDAR_EVENT)] = EVENT
    if is_due(job):
        wanted[CASE_KEY] = CASE
    if job.member_key is not None and job.writes.member:
        wanted[job.member_key] = CAMPAIGN_MEMBER
    # Looked for among both: what an e-mail became, the org decided.
    return wanted | {SlotKey(fact.slot, fact.message_id): TASK for fact in wanted_emails(job)}


def _references(job: Job, key: SlotKey, batch: Batch) -> list[str]:
    """By which the record is known: that of the present holder first, then those that others would have."""
    name = f"{key.slot}:{key.instance_key}" if key.instance_key else key.slot
    if key.instance_key:
        return [reference_tag(batch.host_id, batch.org_id, job.registration_id, name)]
    known = previous_holder_count(job)
    counts = (known, *(count for count in range(HOLDERS) if count > known))
    names = (f"{name}#{count}" if count else name for count in counts)
    return [reference_tag(batch.host_id, batch.org_id, job.registration_id, each) for each in names]


def _record_id(job: Job, key: SlotKey, lookup: LookupResult, batch: Batch) -> str | None:
    found = (lookup.recovered.get(reference) for reference in _references(job, key, batch))
    return next((record_id for record_id in found if record_id), None)


def _found(slot: WrittenSlot, record_id: str) -> WrittenSlot:
    return slot._replace(
        state=WriteState.WRITTEN,
        sobject=sobject_of(record_id) or slot.sobject,
        sf_id=record_id,
        details=slot.details._replace(is_suspected=None),
        rounds=0,
    )
