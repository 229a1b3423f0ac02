"""Digests of the values we last wrote, stored with a slot, to distinguish our own writes from later edits."""

from collections.abc import Mapping
from typing import Any

from app.states import WriteState
from app.sync.model.batch import WrittenSlot


def written_digests(slot: WrittenSlot | None) -> Mapping[str, str]:
    """Return the digests by field. Those of an update count once it is known to be written."""
    if slot is None:
        return {}
    before: Mapping[str, str] = slot.details.get("written_digests") or {}
    now: Mapping[str, str] = slot.details.get("pending_digests") or before
    return now if slot.state == WriteState.WRITTEN else before


def pending_digests(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Any]:
    """Return the slot details of an update that writes the digests `now`; empty if no field is tracked."""
    return {"written_digests": dict(before), "pending_digests": dict(now)} if before or now else {}


def drop_pending(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the slot details after a rejected update."""
    return {name: value for name, value in details.items() if name != "pending_digests"}
