"""How far each happening of a registration is written: the worst of the slots that it needs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.models import CampaignLink, Registration, SyncJob, WrittenRecord
from app.registrations.registration_state import AT_REST
from app.registrations.schemas import Part
from app.states import JobState, LinkState, Milestone, PartState, StatusMeaning, WriteState
from app.sync.model.batch import MEMBER, PERSON
from app.sync.model.record_kinds import milestones, slots_of_milestone

WORST_FIRST: Final = tuple(PartState)
LINK_WRITES: Final = (LinkState.LINKED, LinkState.BROKEN)

# The member's meaning that each milestone calls for.
MEANING: Final[Mapping[str, StatusMeaning]] = {
    Milestone.REGISTERED: StatusMeaning.REGISTERED,
    Milestone.CHECKED_IN: StatusMeaning.ATTENDED,
    Milestone.CANCELLED: StatusMeaning.CANCELLED,
    Milestone.NO_SHOW: StatusMeaning.NO_SHOW,
    Milestone.REPLAY_WATCHED: StatusMeaning.REPLAY_WATCHED,
}
# Meanings that a later fact does not lower.
NEVER_LOWERED: Final = frozenset({StatusMeaning.ATTENDED, StatusMeaning.REPLAY_WATCHED})
# Meanings that a member may have beyond its milestone's, so that there is nothing left to do.
SUPERSEDED_BY: Final[Mapping[str, frozenset[StatusMeaning]]] = {
    StatusMeaning.REGISTERED: NEVER_LOWERED,
    StatusMeaning.REPLAY_WATCHED: frozenset({StatusMeaning.ATTENDED}),
}


@dataclass(frozen=True)
class JobProgress:
    """The job's progress; no job for the connected org counts as a finished one."""

    state: str
    error_kind: str | None
    attempts: int

    @classmethod
    def of(cls, job: SyncJob | None) -> "JobProgress":
        if job is None:
            return cls(JobState.SKIPPED, None, 0)
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
    happened: dict[str, bool] = {
        Milestone.REGISTERED: registration.confirmed_at is not None,
        Milestone.CHECKED_IN: is_checked_in(registration),
        Milestone.CANCELLED: registration.cancelled_at is not None,
        Milestone.NO_SHOW: registration.no_show_at is not None,
        Milestone.REPLAY_WATCHED: bool(registration.replay),
    }
    written = {milestone for milestone in milestones() if slots.keys() & slots_of_milestone(milestone)}
    kinds = dict.fromkeys((*happened, *milestones()))
    return [kind for kind in kinds if happened.get(kind) or kind in written]


def _slots_needed(kind: str, registration: Registration, link: CampaignLink | None) -> list[str]:
    meaning = MEANING.get(kind)
    labels = link.statuses if link is not None and link.state in LINK_WRITES else {}
    has_member = meaning is not None and bool(labels.get(meaning))
    brings_person = kind == Milestone.REGISTERED or (
        kind == Milestone.CHECKED_IN and registration.confirmed_at is None
    )
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
    worst = min(states, key=WORST_FIRST.index, default=PartState.NOT_WANTED)
    written_at = _last_written(slots[slot] for slot in needed if slot in slots)
    return Part(
        kind=kind,
        state=worst,
        attempts=work.attempts,
        written_at=written_at if worst == PartState.SYNCED else None,
    )


def _slot_state(
    slot: str,
    kind: str,
    *,
    record: WrittenRecord | None,
    work: JobProgress,
    has_person: bool,
    link: CampaignLink | None,
) -> PartState:
    if record is not None and _is_written(record, kind, work):
        return PartState.SYNCED
    if work.state in AT_REST or (slot == MEMBER and _is_past(record, kind)):
        return PartState.NOT_WANTED
    if record is not None and record.state == WriteState.AMBIGUOUS:
        return PartState.AMBIGUOUS
    if record is not None and record.state == WriteState.INTENDED:
        return PartState.RUNNING if work.state == JobState.RUNNING else PartState.AMBIGUOUS
    if slot == MEMBER and link is not None and link.state == LinkState.BROKEN:
        return PartState.HELD
    return _open_state(kind, work, has_person=has_person)


def _is_written(record: WrittenRecord, kind: str, work: JobProgress) -> bool:
    if record.sf_id is None or (work.error_kind == kind and record.state == WriteState.FAILED):
        return False
    if record.slot != MEMBER:
        return True
    meaning = MEANING[kind]
    if record.meaning == meaning:
        return record.state == WriteState.WRITTEN or kind == Milestone.REGISTERED
    return record.meaning in SUPERSEDED_BY.get(meaning, ())


def _is_past(record: WrittenRecord | None, kind: str) -> bool:
    return (
        record is not None
        and kind in (Milestone.CANCELLED, Milestone.NO_SHOW)
        and record.meaning in NEVER_LOWERED
    )


def _open_state(kind: str, work: JobProgress, *, has_person: bool) -> PartState:
    if work.state in (JobState.RUNNING, JobState.HELD):
        return PartState(work.state)
    is_at_fault = work.error_kind == kind or not has_person
    return PartState.FAILED if work.state == JobState.FAILED and is_at_fault else PartState.PENDING


def _last_written(records: Iterable[WrittenRecord]) -> datetime | None:
    times = [each.written_at for each in records if each.written_at is not None]
    return max(times, default=None)
