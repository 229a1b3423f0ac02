"""A ticket that another attendee holds now: what was written for the first one becomes history."""

from collections.abc import Iterator
from dataclasses import replace

from app.sync.model.batch import FORMER, MEMBER, PERSON, Job, SlotKey, WrittenSlot
from app.sync.model.work_item import WorkItem

FORMER_MEMBER = FORMER + MEMBER


def work_item_for(job: Job) -> WorkItem:
    """The row of the job as `for_holder` has it; the database knows nothing of that yet."""
    now = for_current_holder(job)
    return WorkItem(now, slots=dict(now.written), saved=dict(job.written))


def for_current_holder(job: Job) -> Job:
    """Where another attendee holds the ticket now, what was written is kept as history."""
    return replace(job, written=dict(_renamed(job))) if is_transferred(job) else job


def is_transferred(job: Job) -> bool:
    """Another attendee id than the one we wrote for; an e-mail alone may change and the person stays.

    Not before every lost answer is settled: until then nobody knows what the old person has.
    """
    person = job.slot(PERSON)
    before = person.details.get("attendee_id") if person and person.sf_id else None
    if before is None or job.attendee.attendee_id in (None, before):
        return False
    return all(slot.state in ("written", "failed") for slot in job.written.values())


def previous_holder_count(job: Job) -> int:
    """How many people held the ticket before; it tells the references of their Tasks apart."""
    return sum(key.slot == FORMER + PERSON for key in job.written)


def _renamed(job: Job) -> Iterator[tuple[SlotKey, WrittenSlot]]:
    person = job.slot(PERSON)
    assert person is not None
    for key, slot in job.written.items():
        if key.slot.startswith(FORMER):
            yield key, slot
        elif slot.stands:
            whose = f"{key.discriminator}:{person.sf_id}" if key.slot == MEMBER else str(person.sf_id)
            yield SlotKey(FORMER + key.slot, whose), slot
