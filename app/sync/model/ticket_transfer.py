"""Ticket transfer: records of the previous holder become history, the new holder gets a full write."""

from collections.abc import Iterator
from dataclasses import replace

from app.states import WriteState
from app.sync.model.batch import MEMBER, PERSON, PREVIOUS_HOLDER, Job, SlotKey, WrittenSlot
from app.sync.model.work_item import WorkItem

PREVIOUS_HOLDER_MEMBER = PREVIOUS_HOLDER + MEMBER


def work_item_for(job: Job) -> WorkItem:
    """Return the job's item after a ticket transfer, which the database does not have yet."""
    now = for_current_holder(job)
    return WorkItem(now, slots=now.written, persisted_slots=job.written)


def for_current_holder(job: Job) -> Job:
    """Return the job with the previous holder's slots renamed to history, if the ticket was transferred."""
    return replace(job, written=dict(_renamed(job))) if is_transferred(job) else job


def is_transferred(job: Job) -> bool:
    """Whether the attendee id differs from the one that was written; a changed e-mail alone is the same
    person.

    False while a lost response is unsettled: until then nobody knows which records the previous holder has.
    """
    person = job.slot(PERSON)
    before = person.details.attendee_id if person and person.sf_id else None
    if before is None or job.attendee.attendee_id in (None, before):
        return False
    return all(slot.state in (WriteState.WRITTEN, WriteState.FAILED) for slot in job.written.values())


def previous_holder_count(job: Job) -> int:
    """Return how many people held the ticket before; it distinguishes the reference tags of their Tasks."""
    return sum(key.slot == PREVIOUS_HOLDER + PERSON for key in job.written)


def _renamed(job: Job) -> Iterator[tuple[SlotKey, WrittenSlot]]:
    person = job.slot(PERSON)
    assert person is not None
    for key, slot in job.written.items():
        if key.is_of_previous_holder:
            yield key, slot
        elif slot.exists_in_org:
            whose = f"{key.instance_key}:{person.sf_id}" if key.instance_key else str(person.sf_id)
            yield SlotKey(PREVIOUS_HOLDER + key.slot, whose), slot
