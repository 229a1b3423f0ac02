"""Leads that leave the connected user's sight as they are created: sharing is private, and assignment rules
give them to somebody else. What we created waits until it is seen again, and few more are made meanwhile.
"""

from collections.abc import Iterable, Sequence

from app.states import WriteState
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import NO_NEW_LEAD_ACCESS, UserAccess
from app.sync.model.batch import PERSON, SlotKey
from app.sync.model.decisions import Blocked, ItemDecision
from app.sync.model.job_outcome import Obstacle
from app.sync.model.mapping_rules import LEAD_CREATED
from app.sync.model.work_item import WorkItem, is_lead_created_by_us, is_new_lead


def hold_back(missing: Sequence[WorkItem], access: UserAccess) -> tuple[list[WorkItem], list[ItemDecision]]:
    """Those of the items without a person who may be created now, and what keeps the others from it.

    Once an hour one Lead is tried.
    """
    if not access.has_lost_leads:
        return list(missing), []
    tried = 0 if access.hides_new_leads else 1
    leaving = [item for item in missing if _makes_lead(item) and item.job.rules.owner.runs_assignment_rules]
    held = {id(item) for item in leaving[tried:]}
    blocked = [ItemDecision(item, Blocked(Obstacle.ACCESS)) for item in leaving[tried:]]
    return [item for item in missing if id(item) not in held], blocked


def settle_lost(items: Iterable[WorkItem]) -> None:
    """Where something could be written to a new Lead, the user sees it: a rejection is its own."""
    for row in items:
        if row.lost_lead is not None and _is_in_use(row):
            row.fail(row.lost_lead)
            row.lost_lead = None


async def note_lost(store: WriteStore, items: Sequence[WorkItem], access: UserAccess) -> None:
    """Store whether new Leads stay visible, where this batch shows it; Leads of this run first."""
    if any(row.lost_lead is not None for row in items):
        await store.note_problems([NO_NEW_LEAD_ACCESS], about=())
    elif not access.has_lost_leads or access.hides_new_leads:
        return
    elif any(is_new_lead(row) and _is_in_use(row) for row in items):
        await store.note_problems([], about={NO_NEW_LEAD_ACCESS.code})
    elif any(Obstacle.LEAD_ACCESS in row.obstacles for row in items):
        await store.note_problems([NO_NEW_LEAD_ACCESS], about=())
    elif any(
        row.person is not None and is_lead_created_by_us(row.slots.get(SlotKey(PERSON))) for row in items
    ):
        await store.note_problems([], about={NO_NEW_LEAD_ACCESS.code})


def _makes_lead(item: WorkItem) -> bool:
    return item.job.rules.creates == LEAD_CREATED


def _is_in_use(item: WorkItem) -> bool:
    """Whether more than the person was written for the row."""
    return any(slot.state == WriteState.WRITTEN for key, slot in item.slots.items() if key.slot != PERSON)
