"""Leads that leave the connected user's sight as they are created: sharing is private, and assignment rules
give them to somebody else. What we created waits until it is seen again, and few more are made meanwhile.
Beside it, whether a batch showed the user's campaigns to be open or closed.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from app.states import WriteState
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import NO_CAMPAIGN_ACCESS, NO_NEW_LEAD_ACCESS, UserAccess
from app.sync.model.batch import PERSON, SlotKey
from app.sync.model.cases import CASE_KEY
from app.sync.model.decisions import Blocked, ItemDecision, LeadAccessible
from app.sync.model.job_outcome import Obstacle
from app.sync.model.mapping_rules import CREATE_LEAD
from app.sync.model.work_item import WorkItem, is_lead_created_by_us, is_new_lead

NOT_ON_LEADS: Final = frozenset({PERSON, CASE_KEY.slot})
"""What is written without a word to the Lead: a Case has no Lead."""


def limit_lead_creates(
    without_person: Sequence[WorkItem], access: UserAccess
) -> tuple[list[WorkItem], list[ItemDecision]]:
    """Those of the items without a person who may be created now, and what keeps the others from it.

    Once an hour one Lead is tried.
    """
    if not access.has_inaccessible_leads:
        return list(without_person), []
    allowed = 0 if access.hides_new_leads else 1
    leaving = [
        item for item in without_person if _makes_lead(item) and item.job.rules.owner.runs_assignment_rules
    ]
    held_back = {item.registration_id for item in leaving[allowed:]}
    blocked = [ItemDecision(item, Blocked(Obstacle.ACCESS)) for item in leaving[allowed:]]
    return [item for item in without_person if item.registration_id not in held_back], blocked


def decide_accessible_leads(items: Iterable[WorkItem]) -> list[ItemDecision]:
    """Where something could be written to a new Lead, it is in sight: what was rejected failed for itself."""
    lost = [item for item in items if item.inaccessible_lead is not None]
    return [ItemDecision(item, LeadAccessible()) for item in lost if _is_in_use(item)]


async def store_lead_visibility(store: WriteStore, items: Sequence[WorkItem], access: UserAccess) -> None:
    """Keep whether new Leads stay in sight, where this batch tells; a Lead of this run says it best."""
    if any(item.inaccessible_lead is not None for item in items):
        await store.note_problems([NO_NEW_LEAD_ACCESS], about=())
    elif not access.has_inaccessible_leads or access.hides_new_leads:
        return
    elif any(is_new_lead(item) and _is_in_use(item) for item in items):
        await store.note_problems([], about={NO_NEW_LEAD_ACCESS.code})
    elif any(Obstacle.LEAD_ACCESS in item.obstacles for item in items):
        await store.note_problems([NO_NEW_LEAD_ACCESS], about=())
    elif any(
        item.person is not None and is_lead_created_by_us(item.slots.get(SlotKey(PERSON))) for item in items
    ):
        await store.note_problems([], about={NO_NEW_LEAD_ACCESS.code})


async def store_campaign_access(store: WriteStore, items: Sequence[WorkItem], access: UserAccess) -> None:
    """Keep whether the connected user may work with campaigns, where this batch tried."""
    if not access.lacks_campaign_access:
        await store.note_problem(
            NO_CAMPAIGN_ACCESS,
            known=access.problems,
            is_met=any(Obstacle.CAMPAIGN_ACCESS in item.obstacles for item in items),
            is_over=any(item.has_member for item in items),
        )


def _makes_lead(item: WorkItem) -> bool:
    return item.job.rules.creates == CREATE_LEAD


def _is_in_use(item: WorkItem) -> bool:
    """Whether this run wrote more than the person for the item, to this person and no earlier one."""
    return any(
        slot.state == WriteState.WRITTEN and slot != item.job.written.get(key)
        for key, slot in item.slots.items()
        if key.slot not in NOT_ON_LEADS and not key.is_of_previous_holder
    )
