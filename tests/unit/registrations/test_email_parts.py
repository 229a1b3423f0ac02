"""A part for each kind of e-mail activity: the worst of its e-mails."""

from typing import Any

import pytest

from app.models import SyncJob
from app.registrations.email_parts import email_parts
from app.sync.model.batch import WriteToggles
from tests.factories import NOW
from tests.integration.registrations.sample_event import job, record, registration

ON = WriteToggles(email_sent=True, email_opened=True)
SENT = {"sent": {"at": "2026-11-22T08:00:00Z"}}
TWO = {"em_1": SENT, "em_2": SENT}


def written(message_id: str, **values: Any) -> Any:
    given = {"sf_id": f"02s{message_id}", "written_at": NOW, **values}
    return record("r1", "email_sent", sobject="EmailMessage", instance_key=message_id, **given)


def unwritten(message_id: str, state: str) -> Any:
    return written(message_id, sf_id=None, written_at=None, state=state)


@pytest.mark.parametrize(
    ("records", "work", "state"),
    [
        pytest.param([written("em_1"), written("em_2")], job("r1", "synced"), "synced", id="all stand"),
        pytest.param([written("em_1")], job("r1", "pending"), "pending", id="one is on its way"),
        pytest.param([written("em_1")], job("r1", "running"), "running", id="one is being written"),
        pytest.param([written("em_1")], job("r1", "synced"), "synced", id="the other was told before"),
        pytest.param([written("em_1")], job("r1", "failed"), "pending", id="waits with its registration"),
        pytest.param(
            [written("em_1"), unwritten("em_2", "failed")], job("r1", "synced"), "failed", id="one failed"
        ),
        pytest.param(
            [written("em_1"), unwritten("em_2", "failed")],
            job("r1", "pending"),
            "pending",
            id="and is retried",
        ),
        pytest.param(
            [unwritten("em_1", "failed"), unwritten("em_2", "ambiguous")],
            job("r1", "pending", settled_state="synced"),
            "ambiguous",
            id="an answer was lost",
        ),
        pytest.param([unwritten("em_1", "intended")], job("r1", "running"), "running", id="being sent"),
        pytest.param([], None, "not_wanted", id="no job"),
    ],
)
def test_the_worst_of_its_emails_counts(records: list[Any], work: SyncJob | None, state: str) -> None:
    if work is not None:
        work.attempts = 1
    [part] = email_parts(registration("r1", emails=TWO), work, records, ON)
    assert (part.kind, part.state) == ("email_sent", state)
    assert (part.written_at is not None) == (state == "synced")


def test_a_kind_that_is_off_is_not_wanted_but_what_stands_stays() -> None:
    told = registration("r1", emails={"em_1": {**SENT, "opened": {"at": "2026-11-22T08:00:00Z"}}})
    parts = email_parts(told, job("r1", "pending", attempts=1), [written("em_1")], WriteToggles())
    assert [(each.kind, each.state) for each in parts] == [
        ("email_sent", "synced"),
        ("email_opened", "not_wanted"),
    ]


def test_what_was_never_told_has_no_part() -> None:
    assert email_parts(registration("r1", emails={}), job("r1", "synced"), [], ON) == []
