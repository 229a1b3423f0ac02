"""What a host chose of the kinds of write, and which kinds hold for an event."""

from typing import Any

import pytest

from app.sync.model.batch import WriteToggles
from app.sync.model.write_settings import CalendarEventSettings, CaseSettings, WriteSettings

ON = {"writes": {"calendar_event": True}}


def test_a_host_that_chose_nothing_has_the_defaults() -> None:
    assert WriteSettings.of({}) == WriteSettings()


def test_choices_are_read_as_they_are_stored() -> None:
    stored = {
        "task": {"owner": "organizer"},
        "calendar_event": {
            "kinds": ["webinar"],
            "show_as": "free",
            "owner": "organizer",
            "default_minutes": 30,
        },
        "case": {"kinds": [], "origin": "Phone", "close_when_completed": True},
        "email": {"as": "task"},
        "general_links": "nobody",
    }
    assert WriteSettings.of(stored) == WriteSettings(
        task_owner="organizer",
        calendar_event=CalendarEventSettings(frozenset({"webinar"}), "free", "organizer", 30),
        case=CaseSettings(frozenset(), "Phone", close_when_completed=True),
        email_as="task",
        general_links="nobody",
    )


@pytest.mark.parametrize(
    ("settings", "event", "event_kind", "is_on"),
    [
        pytest.param({}, {}, "meeting", False, id="off by default"),
        pytest.param(ON, {}, "meeting", True, id="on for meetings"),
        pytest.param(ON, {}, "Meeting", True, id="in whatever letters"),
        pytest.param(ON, {}, "in_person", False, id="for meetings only"),
        pytest.param(
            ON,
            {"calendar_event": True},
            "in_person",
            True,
            id="by the event",
        ),
        pytest.param(ON, {"calendar_event": False}, "meeting", False, id="event's no"),
        pytest.param({}, {"calendar_event": True}, "meeting", True, id="the event's own choice"),
        pytest.param(
            {**ON, "calendar_event": {"kinds": ["in_person"]}},
            {},
            "in_person",
            True,
            id="for the kinds that the host chose",
        ),
    ],
)
def test_kinds_of_event_decide_where_the_event_does_not(
    settings: dict[str, Any], event: dict[str, bool], event_kind: str, is_on: bool
) -> None:
    assert WriteToggles.of(settings, event, event_kind=event_kind).calendar_event is is_on
