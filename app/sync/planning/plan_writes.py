"""Step three of a batch, planned: what should stand, minus what stands. Pure but for the rows."""

from collections.abc import Iterable, Iterator, Sequence

from app.states import WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, WrittenSlot
from app.sync.model.clock import Clock
from app.sync.model.work_item import WorkItem, WriteOperation, open_items
from app.sync.planning.members import plan_member
from app.sync.planning.person_updates import plan_person_updates
from app.sync.planning.previous_holder import plan_previous_holder_members
from app.sync.planning.tasks import plan_task, wanted_tasks


def plan_writes(
    rows: Sequence[WorkItem], found: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[list[WriteOperation]]:
    """The Tasks and members that are missing or differ, for rows whose person is known; piece by piece."""
    known = [row for row in open_items(rows) if row.person is not None]
    for row in known:
        for slot in wanted_tasks(row.job, batch):
            yield plan_task(row, slot, found, batch=batch, clock=clock)
    groups: dict[tuple[str, str], list[WorkItem]] = {}
    for row in known:
        if row.job.link and batch.writes.member and row.person:
            groups.setdefault((row.job.link.campaign_id, row.person.id), []).append(row)
    for key, alike in groups.items():
        yield plan_member(key, alike, found, batch=batch, clock=clock)
    yield plan_person_updates(known, found, batch=batch, clock=clock)
    yield plan_previous_holder_members(rows, found, batch=batch, clock=clock)


def settle_unplanned_slots(rows: Iterable[WorkItem], found: LookupResult, *, clock: Clock) -> None:
    """Lost writes that no plan asked for this time: looked at while they may land, then taken as they are.

    A check-in that was undone, a campaign that was unlinked and a kind of write that was switched off leave
    such slots; without this nothing would ever settle them, nor tell when to look again.
    """
    for row in rows:
        for key, slot in list(row.slots.items()):
            if row.lacks_campaigns and key.slot == MEMBER:
                continue
            if slot.state == WriteState.AMBIGUOUS and not clock.is_settled(slot):
                row.wait_until(clock.next_look(slot))
            elif slot.state == WriteState.AMBIGUOUS and row.person is not None:
                row.slots[key] = _reconciled(slot, found)


def _reconciled(slot: WrittenSlot, found: LookupResult) -> WrittenSlot:
    if task_id := found.tasks.get(slot.reference or ""):
        return slot._replace(state=WriteState.WRITTEN, sf_id=task_id)
    return slot._replace(state=WriteState.WRITTEN if slot.stands else WriteState.FAILED)
