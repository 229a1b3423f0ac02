"""Plan what becomes of the members of people who handed their ticket on."""

from collections.abc import Sequence

from app.salesforce.composite import Record
from app.states import StatusMeaning, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch, SlotKey, WrittenSlot
from app.sync.model.decisions import ItemDecision, Plan, joined
from app.sync.model.records import CAMPAIGN_MEMBER
from app.sync.model.retry_policy import Clock
from app.sync.model.ticket_transfer import PREVIOUS_HOLDER_MEMBER
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.member_status import highest_meaning
from app.sync.planning.person_ref import Persons


def plan_previous_holder_members(
    items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Set the previous holder's member to the cancelled status, if the host chose one and ours is unchanged.

    A previous holder with another ticket for the campaign keeps the status of that ticket.
    """
    return joined(
        _end_membership(item, key, slot, persons, lookup, clock=clock)
        for item in items
        if item.job.is_enabled and item.job.writes.member
        for key, slot in item.slots.items()
        if key.slot == PREVIOUS_HOLDER_MEMBER and not _has_another_ticket(slot, batch)
    )


def _has_another_ticket(slot: WrittenSlot, batch: Batch) -> bool:
    meaning = highest_meaning(batch.other_tickets.get(slot.sf_id or "", ()))
    return meaning not in (None, StatusMeaning.CANCELLED)


def _end_membership(
    item: WorkItem, key: SlotKey, slot: WrittenSlot, persons: Persons, lookup: LookupResult, *, clock: Clock
) -> Plan:
    if slot.state == WriteState.AMBIGUOUS and not clock.is_settled(slot):
        return Plan(decisions=(ItemDecision(item, recheck_at=clock.next_recheck(slot)),))
    written = slot._replace(state=WriteState.WRITTEN)
    campaign_id, _, person_id = key.instance_key.partition(":")
    link, holder = item.job.link, persons.get(item.registration_id)
    label = link.labels.get(StatusMeaning.CANCELLED) if link and link.campaign_id == campaign_id else None
    current = lookup.members.get((campaign_id, person_id))
    kept = Plan(decisions=(ItemDecision(item, slots={key: written}),))
    is_final = written.meaning in (StatusMeaning.CANCELLED, StatusMeaning.ATTENDED)
    is_same_person = holder is not None and holder.id == person_id
    if label is None or current is None or is_final or is_same_person:
        return kept
    if current.status == label:
        cancelled = written._replace(meaning=StatusMeaning.CANCELLED, label=label)
        return Plan(decisions=(ItemDecision(item, slots={key: cancelled}),))
    if current.status != written.label:
        return kept
    operation = WriteOperation(
        key=key,
        jobs=(item.job,),
        record=Record(CAMPAIGN_MEMBER, {"Status": label}, current.id),
        primary_registration_id=item.registration_id,
        meaning=StatusMeaning.CANCELLED,
        label=label,
        details=written.details,
    )
    return Plan((operation,), kept.decisions)
