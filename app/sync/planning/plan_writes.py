"""Plan what has to exist for people who are known, minus what exists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from app.states import WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, SlotKey, WrittenSlot
from app.sync.model.decisions import ItemDecision, Plan
from app.sync.model.job_outcome import Obstacle
from app.sync.model.retry_policy import Clock
from app.sync.model.work_item import WorkItem, undecided_items
from app.sync.planning.members import plan_members
from app.sync.planning.person_ref import Persons
from app.sync.planning.person_updates import plan_person_updates
from app.sync.planning.previous_holder import plan_previous_holder_members
from app.sync.planning.tasks import plan_tasks


class Planner(Protocol):
    """Plans one kind for items whose person is known; it heeds the kind's switch itself."""

    def __call__(
        self, items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
    ) -> Iterable[Plan]: ...


PLANNERS: Final[Mapping[str, Planner]] = {
    "task": plan_tasks,
    "member": plan_members,
    "person": plan_person_updates,
}
"""By the switch of the kinds that it plans, in their order. People are created before (`people.py`)."""


def plan_writes(
    items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """What each kind of record lacks or has to change, piece by piece."""
    known = [item for item in undecided_items(items) if item.registration_id in persons]
    for plan in PLANNERS.values():
        yield from plan(known, persons, lookup, batch=batch, clock=clock)
    yield plan_previous_holder_members(items, persons, lookup, batch=batch, clock=clock)


def settle_reported_slots(items: Iterable[WorkItem], lookup: LookupResult) -> list[ItemDecision]:
    """Forget the records that a verification missed and that are gone, so that they are made again."""
    reported = (
        (item, key, slot, lookup.reported.get(slot.sf_id or ""))
        for item in items
        for key, slot in item.slots.items()
        if slot.details.reported_missing
    )
    return [
        ItemDecision(item, slots={key: _standing(slot) if stands else None})
        for item, key, slot, stands in reported
        if stands is not None
    ]


def _standing(slot: WrittenSlot) -> WrittenSlot:
    return slot._replace(details=slot.details._replace(reported_missing=None))


def reconcile_unplanned_slots(
    items: Iterable[WorkItem], lookup: LookupResult, *, clock: Clock
) -> list[ItemDecision]:
    """Lost writes that no planner asked for: checked while they may land, then taken as they are.

    A check-in that was undone, a campaign that was unlinked and a kind of write that was switched off leave
    such slots; without this nothing would ever settle them, nor set when to check again.
    """
    uncertain = (
        (item, key, slot)
        for item in items
        for key, slot in item.slots.items()
        if slot.state == WriteState.AMBIGUOUS
        and not (key.slot == MEMBER and Obstacle.CAMPAIGN_ACCESS in item.obstacles)
    )
    decisions = (_reconcile(*each, lookup, clock=clock) for each in uncertain)
    return [decision for decision in decisions if decision is not None]


def _reconcile(
    item: WorkItem, key: SlotKey, slot: WrittenSlot, lookup: LookupResult, *, clock: Clock
) -> ItemDecision | None:
    if not clock.is_settled(slot):
        return ItemDecision(item, recheck_at=clock.next_recheck(slot))
    if item.person is None:
        return None
    return ItemDecision(item, slots={key: _reconciled(slot, lookup)})


def _reconciled(slot: WrittenSlot, lookup: LookupResult) -> WrittenSlot:
    if record_id := lookup.recovered.get(slot.reference or ""):
        return slot._replace(state=WriteState.WRITTEN, sf_id=record_id)
    return slot._replace(state=WriteState.WRITTEN if slot.exists_in_org else WriteState.FAILED)
