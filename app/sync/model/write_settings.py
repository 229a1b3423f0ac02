"""What a host chose of the kinds of write, beyond their switches. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from app.states import ActivityOwner, EmailAs, GeneralLinks, ShowAs

CALENDAR_EVENT_WRITES, CASE_WRITES = "calendar_event", "case"
"""The kinds of write that are for some kinds of event only."""

MEETINGS: Final = frozenset({"meeting"})


@dataclass(frozen=True)
class CalendarEventSettings:
    """`kinds` are the event kinds that it is written for; `default_minutes`: its length without an end."""

    kinds: frozenset[str] = MEETINGS
    show_as: ShowAs = "busy"
    owner: ActivityOwner = "connected_user"
    default_minutes: int = 60


@dataclass(frozen=True)
class CaseSettings:
    """`kinds` are the event kinds that it is written for."""

    kinds: frozenset[str] = MEETINGS
    origin: str = "Web"
    close_when_completed: bool = False


@dataclass(frozen=True)
class WriteSettings:
    """`general_links`: what a registration without a Salesforce id may create."""

    task_owner: ActivityOwner = "connected_user"
    calendar_event: CalendarEventSettings = CalendarEventSettings()
    case: CaseSettings = CaseSettings()
    email_as: EmailAs = "auto"
    general_links: GeneralLinks = "as_mapping"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Read them from a host's stored settings; defaults where it chose nothing."""
        return cls(
            task_owner=settings.get("task", {}).get("owner", "connected_user"),
            calendar_event=CalendarEventSettings(**_with_kinds(settings.get("calendar_event", {}))),
            case=CaseSettings(**_with_kinds(settings.get("case", {}))),
            email_as=settings.get("email", {}).get("as", "auto"),
            general_links=settings.get("general_links", "as_mapping"),
        )

    def writes_not_for(self, event_kind: str) -> frozenset[str]:
        """The kinds of write that are not meant for events of this kind."""
        kinds = {CALENDAR_EVENT_WRITES: self.calendar_event.kinds, CASE_WRITES: self.case.kinds}
        return frozenset(write for write, meant_for in kinds.items() if event_kind.lower() not in meant_for)


def _with_kinds(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {name: frozenset(value) if name == "kinds" else value for name, value in chosen.items()}
