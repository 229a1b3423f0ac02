"""A rig whose event is a meeting with calendar Events on, and what its tests ask."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from app.models import Event, Host
from tests.integration.sync.conftest import EVENT, HOST, Rig

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
END = datetime(2026, 11, 24, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 9, tzinfo=UTC)
STATUS_FIELDS = (
    "evs__Event_Status__c | picklist(255) | CUNR | Status | "
    "Scheduled; Rescheduled; Completed; No-show; Canceled",
    "evs__Cancel_Reschedule_Reason__c | string(255) | CUN | Reason",
)
QUIET = 780


async def meeting(rig: Rig, *, package: bool = False, **chosen: Any) -> None:
    """Turn the rig's event into a meeting, and calendar Events on; `chosen` are settings of theirs."""
    await change_event(rig, kind="meeting", starts_at=START, ends_at=END, location="Berlin", timezone="UTC")
    await choose(rig, writes={"calendar_event": True}, calendar_event=chosen)
    if package:
        await rig.org.configure(extra_fields={"Activity": STATUS_FIELDS})


async def choose(rig: Rig, **settings: Any) -> None:
    """What the host chose, and nothing else."""
    async with rig.database.system() as session:
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings=settings))


async def change_event(rig: Rig, **values: Any) -> None:
    if not values:
        return
    async with rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(values))


async def the_event(rig: Rig) -> dict[str, Any]:
    """The one calendar Event."""
    [event] = await rig.records("Event")
    return event


async def warnings(rig: Rig, registration_id: str) -> dict[str | None, str]:
    """The codes of the warnings about the calendar Event, by field."""
    job = await rig.job(registration_id)
    return {each["field"]: each["code"] for each in job.warnings if each["object"] == "Event"}


async def calls(rig: Rig) -> int:
    return int((await rig.org.calls())["total"])


async def settle(rig: Rig, seconds: float = 60, rounds: int = 20) -> None:
    """Drain until no row moves by itself any more."""
    for _ in range(rounds):
        await rig.pass_time(seconds)
        await rig.drain()
        if set((await rig.states()).values()) <= {"synced", "failed", "skipped"}:
            return
