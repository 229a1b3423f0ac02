"""When something may be created: not while a lost create of it may still land."""

from app.states import WriteState
from app.sync.errors.row_error import OUTCOME_UNKNOWN
from app.sync.model.batch import SlotKey
from app.sync.model.clock import Clock
from app.sync.model.retry_policy import MAX_ENDED_ROUNDS, MAX_ROUNDS
from app.sync.model.work_item import WorkItem


def may_create(row: WorkItem, key: SlotKey, clock: Clock) -> bool:
    """Whether a slot may be created now: not while a lost create of it may still land."""
    slot = row.slots.get(key)
    if slot is None or slot.state != WriteState.AMBIGUOUS:
        return True
    if not clock.is_settled(slot):
        row.wait_until(clock.next_look(slot))
        return False
    if slot.rounds + 1 >= (MAX_ENDED_ROUNDS if slot.has_ended else MAX_ROUNDS):
        row.slots[key] = slot._replace(state=WriteState.FAILED, rounds=0)
        row.fail(OUTCOME_UNKNOWN)
        return False
    return True
