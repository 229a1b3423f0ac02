"""A ticket that was handed on: the old records become history, the new person gets the full write. Pure."""

from collections.abc import Iterator, Sequence

from app.salesforce.composite import Record
from app.states import StatusMeaning, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch, SlotKey, WrittenSlot
from app.sync.model.clock import Clock
from app.sync.model.ticket_transfer import FORMER_MEMBER
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.member_status import highest_meaning


def plan_previous_holder_members(
    rows: Sequence[WorkItem], found: LookupResult, *, batch: Batch, clock: Clock
) -> list[WriteOperation]:
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


def _has_another_ticket(slot: WrittenSlot, batch: Batch) -> bool:
    return highest_meaning(batch.ticket_holders.get(slot.sf_id or "", ())) not in (
        None,
        StatusMeaning.CANCELLED,
    )


def _end_membership(
    row: WorkItem, key: SlotKey, slot: WrittenSlot, found: LookupResult, clock: Clock
) -> Iterator[WriteOperation]:
    campaign_id, _, person_id = key.instance_key.partition(":")
    link = row.job.link
    label = link.labels.get(StatusMeaning.CANCELLED) if link and link.campaign_id == campaign_id else None
    current = found.members.get((campaign_id, person_id))
    if slot.state == WriteState.AMBIGUOUS and not clock.is_settled(slot):
        row.wait_until(clock.next_look(slot))
        return
    row.slots[key] = slot = slot._replace(state=WriteState.WRITTEN)
    if label is None or current is None or slot.meaning in (StatusMeaning.CANCELLED, StatusMeaning.ATTENDED):
        return
    if row.person is not None and row.person.id == person_id:
        return
    if current.status == label:
        row.slots[key] = slot._replace(meaning=StatusMeaning.CANCELLED, label=label)
    elif current.status == slot.label:
        yield WriteOperation(
            key=key,
            rows=(row,),
            record=Record("CampaignMember", {"Status": label}, current.id),
            carrier=row.job.registration_id,
            meaning=StatusMeaning.CANCELLED,
            label=label,
            details=dict(slot.details),
        )
