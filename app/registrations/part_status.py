"""How far each happening of a registration is written: the worst of the slots that it needs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.models import CampaignLink, Registration, SyncJob, WrittenRecord
from app.registrations.schemas import Part
from app.sync.model.batch import MEMBER, PERSON
from app.sync.model.record_kinds import milestones, slots_of_milestone

WORST_FIRST: Final = ("failed", "ambiguous", "held", "running", "pending", "synced", "not_wanted")
AT_REST: Final = ("synced", "skipped")
LINK_WRITES: Final = ("linked", "broken")

# The member's meaning that each happening asks for.
MEANING: Final = {
    "registered": "registered",
    "checked_in": "attended",
    "cancelled": "cancelled",
    "no_show": "no_show",
    "replay_watched": "replay_watched",
}
# Meanings that a member may have beyond the one asked for, so that there is nothing left to do.
SUPERSEDED_BY: Final[dict[str, frozenset[str]]] = {
    "registered": frozenset({"attended", "replay_watched"}),
    "replay_watched": frozenset({"attended"}),
}
# Meanings that a later fact does not lower.
NEVER_LOWERED: Final = frozenset({"attended", "replay_watched"})


@dataclass(frozen=True)
class JobProgress:
    """The job's progress; no job for the connected org counts as a finished one."""

    state: str
    error_kind: str | None
    attempts: int

    @classmethod
    def of(cls, job: SyncJob | None) -> "JobProgress":
        if job is None:
            return cls("skipped", None, 0)
        return cls(job.state, (job.error or {}).get("kind"), job.attempts)


def is_checked_in(registration: Registration) -> bool:
    """Checked in, and not undone later."""
    checked_in, reverted = registration.checked_in_at, registration.check_in_reverted_at
    return checked_in is not None and (reverted is None or reverted < checked_in)


def parts_of(
    registration: Registration,
    job: SyncJob | None,
    *,
    slots: Mapping[str, WrittenRecord],
    link: CampaignLink | None,
) -> list[Part]:
    """One part per happening; `slots` are the written records by slot, the member that of the link."""
    work = JobProgress.of(job)
    return [
        _part(kind, _slots_needed(kind, registration, link), work=work, slots=slots, link=link)
        for kind in _kinds(registration, slots)
    ]


def _kinds(registration: Registration, slots: Mapping[str, WrittenRecord]) -> list[str]:
    happened = {
        "registered": registration.confirmed_at is not None,
        "checked_in": is_checked_in(registration),
        "cancelled": registration.cancelled_at is not None,
        "no_show": registration.no_show_at is not None,
        "replay_watched": bool(registration.replay),
    }
    written = {milestone for milestone in milestones() if slots.keys() & slots_of_milestone(milestone)}
    kinds = dict.fromkeys((*happened, *milestones()))
    return [kind for kind in kinds if happened.get(kind) or kind in written]


def _slots_needed(kind: str, registration: Registration, link: CampaignLink | None) -> list[str]:
    meaning = MEANING.get(kind)
    labels = link.statuses if link is not None and link.state in LINK_WRITES else {}
    has_member = meaning is not None and bool(labels.get(meaning))
    brings_person = kind == "registered" or (kind == "checked_in" and registration.confirmed_at is None)
    return [
        *([PERSON] if brings_person else []),
        *slots_of_milestone(kind),
        *([MEMBER] if has_member else []),
    ]


def _part(
    kind: str,
    needed: list[str],
    *,
    work: JobProgress,
    slots: Mapping[str, WrittenRecord],
    link: CampaignLink | None,
) -> Part:
    has_person = PERSON in slots and slots[PERSON].sf_id is not None
    states = [
        _slot_state(slot, kind, record=slots.get(slot), work=work, has_person=has_person, link=link)
        for slot in needed
    ]
    worst = min(states, key=WORST_FIRST.index, default="not_wanted")
    written_at = _last_written(slots[slot] for slot in needed if slot in slots)
    return Part(
        kind=kind, state=worst, attempts=work.attempts, written_at=written_at if worst == "synced" else None
    )


def _slot_state(
    slot: str,
    kind: str,
    *,
    record: WrittenRecord | None,
    work: JobProgress,
    has_person: bool,
    link: CampaignLink | None,
) -> str:
    if record is not None and _is_written(record, kind, work):
        return "synced"
    if work.state in AT_REST or (slot == MEMBER and _is_past(record, kind)):
        return "not_wanted"
    if record is not None and record.state == "ambiguous":
        return "ambiguous"
    if record is not None and record.state == "intended":
        return "running" if work.state == "running" else "ambiguous"
    if slot == MEMBER and link is not None and link.state == "broken":
        return "held"
    return _open_state(kind, work, has_person=has_person)


def _is_written(record: WrittenRecord, kind: str, work: JobProgress) -> bool:
    if record.sf_id is None or (work.error_kind == kind and record.state == "failed"):
        return False
    if record.slot != MEMBER:
        return True
    meaning = MEANING[kind]
    if record.meaning == meaning:
        return record.state == "written" or kind == "registered"
    return record.meaning in SUPERSEDED_BY.get(meaning, ())


def _is_past(record: WrittenRecord | None, kind: str) -> bool:
    return record is not None and kind in ("cancelled", "no_show") and record.meaning in NEVER_LOWERED


def _open_state(kind: str, work: JobProgress, *, has_person: bool) -> str:
    if work.state in ("running", "held"):
        return work.state
    is_at_fault = work.error_kind == kind or not has_person
    return "failed" if work.state == "failed" and is_at_fault else "pending"


def _last_written(records: Iterable[WrittenRecord]) -> datetime | None:
    times = [each.written_at for each in records if each.written_at is not None]
    return max(times, default=None)
