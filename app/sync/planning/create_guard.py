"""Block a create while an earlier create with unknown outcome may still be applied."""

from app.states import WriteState
from app.sync.errors.row_error import OUTCOME_UNKNOWN
from app.sync.model.batch import SlotKey
from app.sync.model.clock import Clock
from app.sync.model.decisions import Fail, ItemDecision
from app.sync.model.retry_policy import MAX_ENDED_ROUNDS, MAX_ROUNDS
from app.sync.model.work_item import WorkItem


def create_obstacle(item: WorkItem, key: SlotKey, clock: Clock) -> ItemDecision | None:
    """Return what keeps the slot from being created now: a wait, or the failure after too many rounds."""
    slot = item.slots.get(key)
    if slot is None or slot.state != WriteState.AMBIGUOUS:
        return None
    if not clock.is_settled(slot):
        return ItemDecision(item, recheck_at=clock.next_look(slot))
    if slot.rounds + 1 >= (MAX_ENDED_ROUNDS if slot.has_ended else MAX_ROUNDS):
        failed = slot._replace(state=WriteState.FAILED, rounds=0)
        return ItemDecision(item, Fail(OUTCOME_UNKNOWN), slots={key: failed})
    return None
