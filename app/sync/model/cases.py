"""Cases: which one belongs to a registration, and when it is closed. Pure."""

from dataclasses import dataclass
from typing import Final

from app.salesforce.ids import is_id, sobject_of, to18
from app.sync.model.batch import Job, SlotKey, WrittenSlot
from app.sync.model.records import CASE
from app.sync.model.write_settings import CaseSettings

CASE_KEY: Final = SlotKey("case")
SETTLED: Final = "settled"
"""The meaning of a Case whose closing was decided: we closed it, or somebody had changed its status."""


@dataclass(frozen=True)
class CaseRow:
    """A Case as a query shows it; `is_untouched`: nobody changed it since it was created."""

    id: str
    status: str | None = None
    is_closed: bool = False
    is_deleted: bool = False
    is_untouched: bool = False


@dataclass(frozen=True)
class CaseStatuses:
    """An org's statuses: those that close a Case, the one to take first, and those that a new one gets."""

    closed: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()


def named_case_id(job: Job) -> str | None:
    """The Case that the link names, if anything is written that it matters to."""
    is_used = job.writes.case or job.writes.calendar_event
    given = job.salesforce_id if is_used else None
    return to18(given) if given and is_id(given) and sobject_of(given) == CASE else None


def is_to_be_closed(job: Job, slot: WrittenSlot | None, settings: CaseSettings) -> bool:
    """Whether the meeting took place, and nobody decided yet about closing the Case that we make for it."""
    facts = job.facts
    took_place = facts.completed_at is not None or facts.checked_in_at is not None
    if not (job.writes.case and settings.close_when_completed and took_place) or facts.is_cancelled:
        return False
    if slot is None or not slot.exists_in_org:
        return True
    return slot.meaning != SETTLED and slot.details.is_created_by_us is not False
