"""How far each happening of a registration is written: the worst of the slots that it needs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.models import CampaignLink, Registration, SyncJob, WrittenRecord
from app.registrations.email_parts import email_parts
from app.registrations.registration_state import AT_REST
from app.registrations.schemas import Part
from app.states import JobState, LinkState, Milestone, PartState, StatusMeaning, WriteState
from app.sync.model.batch import MEMBER, PERSON, WriteToggles
from app.sync.model.emails import EMAIL_SLOTS
from app.sync.model.record_kinds import kind_of_slot, milestones, slots_of_milestone

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
    writes: WriteToggles,
    records: Sequence[WrittenRecord] = (),
) -> list[Part]:
    """One part per happening; `slots` are the written records by slot, the member that of the link.

    `writes` are the kinds that are on for the event; of e-mails there is one of the `records` for each.
    """
    progress = Progress(registration, job, slots, link, writes)
    parts = [progress.part(milestone) for milestone in progress.milestones()]
    has_emails = registration.emails or any(each.slot in EMAIL_SLOTS for each in records)
    return [*parts, *(email_parts(registration, job, records, writes) if has_emails else ())]


@dataclass(frozen=True)
class Progress:
    """A registration with what was written for it; no job for the connected org counts as a finished one."""

    registration: Registration
    job: SyncJob | None
    slots: Mapping[str, WrittenRecord]
    link: CampaignLink | None
    writes: WriteToggles

    @property
    def job_state(self) -> str:
        return (self.job.settled_state or self.job.state) if self.job else JobState.SKIPPED

    @property
    def failed_milestone(self) -> str | None:
        """The milestone whose write the job's error is about."""
        return (self.job.error or {}).get("kind") if self.job else None

    def milestones(self) -> list[str]:
        """What happened, and what was written."""
        registration = self.registration
        happened: dict[str, bool] = {
            Milestone.REGISTERED: registration.confirmed_at is not None,
            Milestone.CHECKED_IN: is_checked_in(registration),
            Milestone.CANCELLED: registration.cancelled_at is not None,
            Milestone.NO_SHOW: registration.no_show_at is not None,
            Milestone.REPLAY_WATCHED: bool(registration.replay),
            Milestone.CALENDAR_EVENT: self.writes.calendar_event and self._is_counted,
            Milestone.CASE: self.writes.case and self._is_counted,
        }
        of_one_slot = [each for each in milestones() if each not in EMAIL_SLOTS]
        written = {each for each in of_one_slot if self.slots.keys() & slots_of_milestone(each)}
        every = dict.fromkeys((*happened, *of_one_slot))
        return [each for each in every if happened.get(each) or each in written]

    @property
    def _is_counted(self) -> bool:
        return self.registration.confirmed_at is not None or is_checked_in(self.registration)

    def part(self, milestone: str) -> Part:
        needed = self._needed_slots(milestone)
        states = [self._slot_state(slot, milestone) for slot in needed]
        worst = min(states, key=WORST_FIRST.index, default=PartState.NOT_WANTED)
        times = [self.slots[slot].written_at for slot in needed if slot in self.slots]
        written_at = max((each for each in times if each is not None), default=None)
        return Part(
            kind=milestone,
            state=worst,
            attempts=self.job.attempts if self.job else 0,
            written_at=written_at if worst == PartState.SYNCED else None,
        )

    def _needed_slots(self, milestone: str) -> list[str]:
        meaning, link = MEANING.get(milestone), self.link
        labels = link.statuses if link is not None and link.state in LINK_WRITES else {}
        has_member = meaning is not None and bool(labels.get(meaning))
        brings_person = milestone == Milestone.REGISTERED or (
            milestone == Milestone.CHECKED_IN and self.registration.confirmed_at is None
        )
        written_for = [*slots_of_milestone(milestone), *([MEMBER] if has_member else [])]
        return [
            *([PERSON] if brings_person else []),
            *(slot for slot in written_for if self._is_on(slot) or self._stands(slot, milestone)),
        ]

    def _is_on(self, slot: str) -> bool:
        kind = kind_of_slot(slot)
        return kind is None or bool(getattr(self.writes, kind.toggle))

    def _stands(self, slot: str, milestone: str) -> bool:
        record = self.slots.get(slot)
        return record is not None and self._is_written(record, milestone)

    def _slot_state(self, slot: str, milestone: str) -> PartState:
        record = self.slots.get(slot)
        if record is not None and self._is_written(record, milestone):
            return PartState.SYNCED
        if self.job_state in AT_REST or (slot == MEMBER and _is_past(record, milestone)):
            return PartState.NOT_WANTED
        if record is not None and record.state == WriteState.AMBIGUOUS:
            return PartState.AMBIGUOUS
        if record is not None and record.state == WriteState.INTENDED:
            return PartState.RUNNING if self.job_state == JobState.RUNNING else PartState.AMBIGUOUS
        if slot == MEMBER and self.link is not None and self.link.state == LinkState.BROKEN:
            return PartState.HELD
        return self._open_state(milestone)

    def _is_written(self, record: WrittenRecord, milestone: str) -> bool:
        is_failed = self.failed_milestone == milestone and record.state == WriteState.FAILED
        if record.sf_id is None or is_failed or self._is_changing(record, milestone):
            return False
        if record.slot != MEMBER:
            return True
        meaning = MEANING[milestone]
        if record.meaning == meaning:
            return record.state == WriteState.WRITTEN or milestone == Milestone.REGISTERED
        return record.meaning in SUPERSEDED_BY.get(meaning, ())

    def _is_changing(self, record: WrittenRecord, milestone: str) -> bool:
        """Whether what happened since is on its way into the record, or was refused."""
        kind = kind_of_slot(record.slot)
        if kind is None or not kind.changes_later or self.job_state in AT_REST:
            return False
        return record.state != WriteState.WRITTEN or self.failed_milestone == milestone

    def _open_state(self, milestone: str) -> PartState:
        if self.job_state in (JobState.RUNNING, JobState.HELD):
            return PartState(self.job_state)
        has_person = PERSON in self.slots and self.slots[PERSON].sf_id is not None
        is_at_fault = self.failed_milestone == milestone or not has_person
        return PartState.FAILED if self.job_state == JobState.FAILED and is_at_fault else PartState.PENDING


def _is_past(record: WrittenRecord | None, milestone: str) -> bool:
    return (
        record is not None
        and milestone in (Milestone.CANCELLED, Milestone.NO_SHOW)
        and record.meaning in NEVER_LOWERED
    )
