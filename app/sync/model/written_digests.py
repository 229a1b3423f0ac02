"""Digests of the values we last wrote, stored with a slot, to distinguish our own writes from later edits."""

from collections.abc import Mapping

from app.states import WriteState
from app.sync.model.batch import WrittenSlot
from app.sync.model.slot_details import NO_DETAILS, SlotDetails


def written_digests(slot: WrittenSlot | None) -> Mapping[str, str]:
    """Return the digests by field. Those of an update count once it is known to be written."""
    if slot is None:
        return {}
    before = slot.details.written_digests or {}
    now = slot.details.pending_digests or before
    return now if slot.state == WriteState.WRITTEN else before


def pending_digests(before: Mapping[str, str], now: Mapping[str, str]) -> SlotDetails:
    """Return the slot details of an update that writes the digests `now`; empty if no field is tracked."""
    if not before and not now:
        return NO_DETAILS
    return SlotDetails(written_digests=dict(before), pending_digests=dict(now))
