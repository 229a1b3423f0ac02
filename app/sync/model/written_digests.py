"""What we said last of a record's fields, kept with its slot, so that our own word is told from another's."""

from collections.abc import Mapping
from typing import Any

from app.sync.model.batch import WrittenSlot


def written_digests(slot: WrittenSlot | None) -> Mapping[str, str]:
    """Digests by field. What an update says counts once it is known to be written."""
    if slot is None:
        return {}
    before: Mapping[str, str] = slot.details.get("asserted") or {}
    now: Mapping[str, str] = slot.details.get("asserting") or before
    return now if slot.state == "written" else before


def pending_digests(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Any]:
    """The details of a slot whose update says `now`; none where nothing is followed."""
    return {"asserted": dict(before), "asserting": dict(now)} if before or now else {}


def drop_pending(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a slot whose update was refused."""
    return {name: value for name, value in details.items() if name != "asserting"}
