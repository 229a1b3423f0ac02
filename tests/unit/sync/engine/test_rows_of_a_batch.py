"""What a batch writes by the thousand holds plain texts: a member of an enumeration costs the writer of JSON
as much as twenty of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from app.states import JobState, StatusMeaning, WriteAction, WriteState
from app.sync.engine.job_outcome import ended_row
from app.sync.execution.attempt_log import attempt_row
from app.sync.jobs.write_store import WRITTEN, slot_row
from app.sync.model.batch import MEMBER, Attendee, EventSnapshot, Job, RegistrationFacts, SlotKey, WrittenSlot
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.work_item import WorkItem

NOW = datetime(2026, 11, 10, tzinfo=UTC)
JOB = Job(
    "reg_1", EventSnapshot("evt_1", "Summit"), Attendee(), RegistrationFacts("confirmed", NOW), reason="live"
)
ITEM = WorkItem.of(JOB)
SYNCED = JobOutcome(JobState.SYNCED, NOW)


def enumerated(row: Sequence[Any]) -> list[Any]:
    return [each for each in row if isinstance(each, Enum)]


def test_a_slots_row_holds_plain_texts() -> None:
    slot = WrittenSlot(
        WriteState.WRITTEN, WriteAction.CREATE, "CampaignMember", "00v1", StatusMeaning.REGISTERED, "Sent"
    )

    row = slot_row("reg_1", SlotKey(MEMBER, "7011"), slot)

    assert enumerated(row) == []
    named = dict(zip(WRITTEN, row, strict=True))
    assert (named["state"], named["action"], named["meaning"]) == ("written", "create", "registered")
    assert (named["label"], named["details"], named["rounds"]) == ("Sent", {}, 0)


def test_a_slot_without_a_meaning_has_none() -> None:
    row = slot_row("reg_1", SlotKey("person"), WrittenSlot(WriteState.INTENDED, WriteAction.CREATE, "Lead"))

    assert dict(zip(WRITTEN, row, strict=True))["meaning"] is None


def test_the_rows_of_an_end_and_of_its_history_hold_plain_texts() -> None:
    assert enumerated(ended_row(ITEM, SYNCED, NOW)) == []
    assert enumerated(attempt_row(ITEM, SYNCED)) == []


def test_what_is_not_settled_is_settled_as_nothing() -> None:
    assert ended_row(ITEM, JobOutcome(JobState.PENDING, NOW), NOW)[-3] is None
