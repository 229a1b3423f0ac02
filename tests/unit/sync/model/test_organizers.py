"""Whose e-mail is looked up among users: only where a rule needs it, and what it owns is written."""

from dataclasses import replace
from typing import Any

import pytest

from app.sync.model.batch import WriteToggles
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.write_settings import CalendarEventSettings, WriteSettings
from tests.unit.sync.planning.builders import batch, item

TASKS = WriteSettings(task_owner="organizer")
EVENTS = WriteSettings(calendar_event=CalendarEventSettings(owner="organizer"))
PEOPLE = {"rules": MappingRules.of({"owner": {"how": "organizer"}})}
NO_TASK = WriteToggles(task=False)
EMAIL = "olga@acme.example"


@pytest.mark.parametrize(
    ("settings", "changes", "is_needed"),
    [
        pytest.param(WriteSettings(), {}, False, id="nobody wants it"),
        pytest.param(TASKS, {}, True, id="Tasks"),
        pytest.param(TASKS, {"writes": NO_TASK}, False, id="Tasks, which are off"),
        pytest.param(
            TASKS, {"writes": replace(NO_TASK, email_sent=True)}, True, id="e-mails, maybe as Tasks"
        ),
        pytest.param(EVENTS, {}, False, id="calendar Events, which are off"),
        pytest.param(EVENTS, {"writes": WriteToggles(calendar_event=True)}, True, id="calendar Events"),
        pytest.param(WriteSettings(), PEOPLE, True, id="people"),
    ],
)
def test_organizers_are_looked_up_where_they_shall_own(
    settings: WriteSettings, changes: dict[str, Any], is_needed: bool
) -> None:
    row = item(**changes)
    event = replace(row.job.event, organizer={"email": " Olga@Acme.example"})
    row = row._replace(job=replace(row.job, event=event))
    assert batch(row, settings=settings).organizers == ({EMAIL} if is_needed else set())
