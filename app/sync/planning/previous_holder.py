"""A ticket that was handed on: the old records become history, the new person gets the full write. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.salesforce.composite import Record
from app.sync.lookup.lookup import Findings
from app.sync.model.batch import FORMER, MEMBER, PERSON, Batch, Job, SlotKey, Written
from app.sync.model.clock import Clock
from app.sync.model.work_item import Operation, Row
from app.sync.planning.member_status import highest

FORMER_MEMBER = FORMER + MEMBER


def row_of(job: Job) -> Row:
    """The row of the job as `for_holder` has it; the database knows nothing of that yet."""
    now = for_holder(job)
    return Row(now, slots=dict(now.written), saved=dict(job.written))


def for_holder(job: Job) -> Job:
    """Where another attendee holds the ticket now, what was written is kept as history."""
    return replace(job, written=dict(_renamed(job))) if is_handed_on(job) else job


def is_handed_on(job: Job) -> bool:
    """Another attendee id than the one we wrote for; an e-mail alone may change and the person stays.

    Not before every lost answer is settled: until then nobody knows what the old person has.
    """
    person = job.slot(PERSON)
    before = person.details.get("attendee_id") if person and person.sf_id else None
    if before is None or job.attendee.attendee_id in (None, before):
        return False
    return all(slot.state in ("written", "failed") for slot in job.written.values())


def holders(job: Job) -> int:
    """How many people held the ticket before; it tells the references of their Tasks apart."""
    return sum(key.slot == FORMER + PERSON for key in job.written)


def plan_former_members(
    rows: Sequence[Row], found: Findings, *, batch: Batch, clock: Clock
) -> list[Operation]:
    """The old person's member goes to the cancelled status if one was chosen and ours stands unchanged.

    Whoever has another ticket for the campaign stays what that one says.
    """
    return [
        operation
        for row in rows
        for key, slot in list(row.slots.items())
        if key.slot == FORMER_MEMBER and not _has_another_ticket(slot, batch)
        for operation in _end_membership(row, key, slot, found, clock)
    ]


def _renamed(job: Job) -> Iterator[tuple[SlotKey, Written]]:
    person = job.slot(PERSON)
    assert person is not None
    for key, slot in job.written.items():
        if key.slot.startswith(FORMER):
            yield key, slot
        elif slot.stands:
            whose = f"{key.discriminator}:{person.sf_id}" if key.slot == MEMBER else str(person.sf_id)
            yield SlotKey(FORMER + key.slot, whose), slot


def _has_another_ticket(slot: Written, batch: Batch) -> bool:
    return highest(batch.ticket_holders.get(slot.sf_id or "", ())) not in (None, "cancelled")


def _end_membership(
    row: Row, key: SlotKey, slot: Written, found: Findings, clock: Clock
) -> Iterator[Operation]:
    campaign_id, _, person_id = key.discriminator.partition(":")
    link = row.job.link
    label = link.labels.get("cancelled") if link and link.campaign_id == campaign_id else None
    current = found.members.get((campaign_id, person_id))
    if slot.state == "ambiguous" and not clock.is_settled(slot):
        row.wait_until(clock.next_look(slot))
        return
    row.slots[key] = slot = slot._replace(state="written")
    if label is None or current is None or slot.meaning in ("cancelled", "attended"):
        return
    if row.person is not None and row.person.id == person_id:
        return
    if current.status == label:
        row.slots[key] = slot._replace(meaning="cancelled", label=label)
    elif current.status == slot.label:
        yield Operation(
            key=key,
            rows=(row,),
            record=Record("CampaignMember", {"Status": label}, current.id),
            carrier=row.job.registration_id,
            meaning="cancelled",
            label=label,
            details=dict(slot.details),
        )
