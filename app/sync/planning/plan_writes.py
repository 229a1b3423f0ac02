"""Plan what has to exist for people who are known, minus what exists."""

from collections.abc import Iterable, Iterator, Sequence

from app.states import WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, SlotKey, WrittenSlot
from app.sync.model.clock import Clock
from app.sync.model.decisions import ItemDecision, Plan
from app.sync.model.work_item import WorkItem, open_items
from app.sync.planning.members import plan_member
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.person_updates import plan_person_updates
from app.sync.planning.previous_holder import plan_previous_holder_members
from app.sync.planning.tasks import plan_task, required_tasks


def plan_writes(
    items: Sequence[WorkItem], persons: Persons, found: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """The Tasks, members and person updates that are missing or differ, piece by piece."""
    known = [item for item in open_items(items) if item.job.registration_id in persons]
    for item in known:
        for slot in required_tasks(item.job, batch):
            person = persons[item.job.registration_id]
            yield plan_task(item, slot, person, found, batch=batch, clock=clock)
    groups: dict[tuple[str, PersonRef], list[WorkItem]] = {}
    for item in known:
        if item.job.link and batch.writes.member:
            key = (item.job.link.campaign_id, persons[item.job.registration_id])
            groups.setdefault(key, []).append(item)
    for (_, person), group in groups.items():
        yield plan_member(group, person, found, batch=batch, clock=clock)
    yield plan_person_updates(known, persons, found, batch=batch, clock=clock)
    yield plan_previous_holder_members(items, persons, found, batch=batch, clock=clock)


def settle_unplanned_slots(
    items: Iterable[WorkItem], found: LookupResult, *, clock: Clock
) -> list[ItemDecision]:
    """Lost writes that no planner asked for: checked while they may land, then taken as they are.

    A check-in that was undone, a campaign that was unlinked and a kind of write that was switched off leave
    such slots; without this nothing would ever settle them, nor set when to check again.
    """
    unsettled = (
        (item, key, slot)
        for item in items
        for key, slot in item.slots.items()
        if slot.state == WriteState.AMBIGUOUS and not (item.lacks_campaigns and key.slot == MEMBER)
    )
    settled = (_settle(*each, found, clock=clock) for each in unsettled)
    return [decision for decision in settled if decision is not None]


def _settle(
    item: WorkItem, key: SlotKey, slot: WrittenSlot, found: LookupResult, *, clock: Clock
) -> ItemDecision | None:
    if not clock.is_settled(slot):
        return ItemDecision(item, recheck_at=clock.next_look(slot))
    if item.person is None:
        return None
    return ItemDecision(item, slots={key: _reconciled(slot, found)})


def _reconciled(slot: WrittenSlot, found: LookupResult) -> WrittenSlot:
    if task_id := found.tasks.get(slot.reference or ""):
        return slot._replace(state=WriteState.WRITTEN, sf_id=task_id)
    return slot._replace(state=WriteState.WRITTEN if slot.stands else WriteState.FAILED)
