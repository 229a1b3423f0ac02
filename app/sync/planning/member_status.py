"""Which status a campaign member gets. A newer fact may raise or lower the status that we set; a status that
somebody else set is only ever raised. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.salesforce.value_class import value_class
from app.states import JobReason, StatusMeaning, WriteState
from app.sync.model.batch import RegistrationFacts, WrittenSlot
from app.sync.model.records import MemberRow

HIGHEST_FIRST: Final = (
    StatusMeaning.ATTENDED,
    StatusMeaning.REPLAY_WATCHED,
    StatusMeaning.REGISTERED,
    StatusMeaning.NO_SHOW,
    StatusMeaning.CANCELLED,
)
"""Of several meanings the first one wins."""
RANK: Final[Mapping[str, int]] = {meaning: rank for rank, meaning in enumerate(reversed(HIGHEST_FIRST))}
FALLBACK_MEANING: Final[Mapping[str, StatusMeaning]] = {
    StatusMeaning.REPLAY_WATCHED: StatusMeaning.REGISTERED,
    StatusMeaning.NO_SHOW: StatusMeaning.REGISTERED,
}
"""What is written where the host chose no status for a meaning; a check-in always has one."""


@value_class(frozen=True)
class CreateMember:
    meaning: str
    label: str


@dataclass(frozen=True)
class UpdateMember:
    id: str
    meaning: str
    label: str


@dataclass(frozen=True)
class KeepMember:
    """Nothing to write: it stands as it should, or as a person wants it (`is_manual`)."""

    id: str
    meaning: str
    label: str
    is_manual: bool = False


@dataclass(frozen=True)
class NoMember:
    """There is none and none is needed, or a salesperson removed it."""


MemberDecision = CreateMember | UpdateMember | KeepMember | NoMember


def meaning_of(facts: RegistrationFacts) -> StatusMeaning | None:
    """What one registration means for its member: a check-in outlives a cancellation."""
    if facts.checked_in_at is not None:
        return StatusMeaning.ATTENDED
    if not facts.is_counted:
        return None
    if facts.is_cancelled:
        return StatusMeaning.CANCELLED
    if facts.replay_watched_at is not None:
        return StatusMeaning.REPLAY_WATCHED
    return StatusMeaning.NO_SHOW if facts.no_show_at is not None else StatusMeaning.REGISTERED


def highest_meaning(registrations: Iterable[RegistrationFacts]) -> str | None:
    """The meaning of a person with several registrations: the highest of them."""
    meanings = [meaning for meaning in map(meaning_of, registrations) if meaning is not None]
    return max(meanings, key=RANK.__getitem__, default=None)


def decide_member(
    required: str | None,
    current: MemberRow | None,
    *,
    written: WrittenSlot | None,
    labels: Mapping[str, str],
    reason: str = JobReason.LIVE,
) -> MemberDecision:
    """What to do about one member. `written` is ours as last written; `labels` are the chosen statuses.

    `reason` is the reason of the work: a Retry re-adds a removed member, a re-apply renames what we wrote.
    """
    meaning = _chosen(required, labels)
    if current is None:
        return _without_member(required, meaning, written, labels, reason)
    is_foreign = not was_last_set_by_us(current, written)
    if meaning is None:
        kept = written.meaning if written and written.meaning else StatusMeaning.REGISTERED
        return KeepMember(current.id, kept, current.status, is_foreign)
    if current.status == labels[meaning]:
        manual = is_foreign and _was_set_manually(meaning, current, written)
        return KeepMember(current.id, meaning, current.status, manual)
    known = _meaning_of_label(current.status, labels)
    if _may_change(meaning, known, current, written, reason):
        return UpdateMember(current.id, meaning, labels[meaning])
    kept = known or (StatusMeaning.ATTENDED if current.has_responded else meaning)
    return KeepMember(current.id, kept, current.status, is_foreign)


def was_last_set_by_us(current: MemberRow, written: WrittenSlot | None) -> bool:
    """Whether the member says what we wrote last, as opposed to what we found and left."""
    return written is not None and written.label == current.status and not written.details.is_manual


def _was_set_manually(meaning: str, current: MemberRow, written: WrittenSlot | None) -> bool:
    """Of a status that is just what we want: a person's own Attended, or what we left to a person before."""
    if written is not None and written.state == WriteState.AMBIGUOUS:
        return False
    return meaning == StatusMeaning.ATTENDED or (written is not None and written.label == current.status)


def _chosen(required: str | None, labels: Mapping[str, str]) -> str | None:
    while required is not None and required not in labels:
        required = FALLBACK_MEANING.get(required)
    return required


def _without_member(
    required: str | None,
    meaning: str | None,
    written: WrittenSlot | None,
    labels: Mapping[str, str],
    reason: str,
) -> MemberDecision:
    if meaning is None or required == StatusMeaning.CANCELLED:
        return NoMember()
    was_written = written is not None and written.sf_id is not None and written.state == WriteState.WRITTEN
    is_new_fact = meaning == StatusMeaning.ATTENDED and (
        written is None or written.meaning != StatusMeaning.ATTENDED
    )
    if was_written and not is_new_fact and reason != JobReason.RETRY:
        return NoMember()
    return CreateMember(meaning, labels[meaning])


def _may_change(
    meaning: str, known: str | None, current: MemberRow, written: WrittenSlot | None, reason: str
) -> bool:
    """Whether the status may become that of `meaning`; `known` is what the present one means."""
    if was_last_set_by_us(current, written):
        assert written is not None
        # Our own status, unchanged: a newer fact may lower it; the same meaning is renamed only when asked.
        return meaning != written.meaning or reason == JobReason.REAPPLY
    if known is not None:
        return RANK[meaning] > RANK[known]
    if written is None:
        return not current.has_responded
    return meaning == StatusMeaning.ATTENDED and not current.has_responded


def _meaning_of_label(label: str, labels: Mapping[str, str]) -> str | None:
    """The highest meaning that a label stands for: two meanings may share one label."""
    return next((meaning for meaning in HIGHEST_FIRST if labels.get(meaning) == label), None)
