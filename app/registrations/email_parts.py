"""How far the activities of a registration's e-mails are: a part for each kind, the worst of its e-mails."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.models import Registration, SyncJob, WrittenRecord
from app.registrations.registration_state import AT_REST
from app.registrations.schemas import Part
from app.states import JobState, PartState, WriteState
from app.sync.model.batch import WriteToggles
from app.sync.model.emails import SLOT_OF_FACT

WORST_FIRST: Final = tuple(PartState)
Records = Mapping[str, WrittenRecord]
"""By the id of the e-mail."""


def email_parts(
    registration: Registration,
    job: SyncJob | None,
    records: Sequence[WrittenRecord],
    writes: WriteToggles,
) -> list[Part]:
    """The kinds of which something was told or written, in the order in which it happens."""
    parts = []
    for fact, slot in SLOT_OF_FACT.items():
        told = {id_ for id_, facts in (registration.emails or {}).items() if fact in facts}
        written = {each.instance_key: each for each in records if each.slot == slot}
        if told or written:
            states = {
                id_: _state(written.get(id_), job, is_on=slot in writes.emails)
                for id_ in told | written.keys()
            }
            parts.append(_part(slot, states, written, job))
    return parts


def _part(kind: str, states: Mapping[str, PartState], written: Records, job: SyncJob | None) -> Part:
    worst = min(states.values(), key=WORST_FIRST.index)
    times = [each.written_at for each in written.values() if each.written_at is not None]
    return Part(
        kind=kind,
        state=worst,
        attempts=job.attempts if job else 0,
        written_at=max(times, default=None) if worst == PartState.SYNCED else None,
    )


def _state(record: WrittenRecord | None, job: SyncJob | None, *, is_on: bool) -> PartState:
    if record is not None and record.sf_id is not None:
        return PartState.SYNCED
    if not is_on or job is None:
        return PartState.NOT_WANTED
    if record is not None and record.state == WriteState.FAILED:
        return PartState.PENDING if _is_on_its_way(job) else PartState.FAILED
    if record is not None and record.state in (WriteState.AMBIGUOUS, WriteState.INTENDED):
        return PartState.RUNNING if _is_running(job, record) else PartState.AMBIGUOUS
    if _is_on_its_way(job):
        return PartState.RUNNING if job.state == JobState.RUNNING else PartState.PENDING
    return PartState.NOT_WANTED if job.state in AT_REST else PartState.PENDING


def _is_running(job: SyncJob, record: WrittenRecord) -> bool:
    return job.state == JobState.RUNNING and record.state == WriteState.INTENDED


def _is_on_its_way(job: SyncJob) -> bool:
    """Whether a run is to come; after one that failed it waits with the registration."""
    return job.state in (JobState.PENDING, JobState.RUNNING, JobState.AMBIGUOUS)
