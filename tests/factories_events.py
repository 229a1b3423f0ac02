"""Events, registrations and jobs as rows, with defaults."""

from datetime import timedelta
from typing import Any

from app.models import BACKFILL, Event, Registration, SyncJob
from tests.factories import NOW, ORG_ID


def event_for(host_id: str = "host_a", event_id: str = "evt_otters", **changes: Any) -> Event:
    """An upcoming event."""
    values: dict[str, Any] = {
        "title": "Otter Summit",
        "starts_at": NOW + timedelta(days=3),
        "snapshot_at": NOW,
    }
    return Event(host_id=host_id, event_id=event_id, **(values | changes))


def registration_for(number: int, *, host_id: str = "host_a", **changes: Any) -> Registration:
    """A confirmed registration; ids sort by number."""
    values: dict[str, Any] = {
        "event_id": "evt_otters",
        "status": "confirmed",
        "attendee": {"email": f"otter{number}@example.com", "name": f"Otter {number}"},
        "email_key": f"otter{number}@example.com",
        "snapshot_at": NOW,
        "registered_at": NOW,
        "confirmed_at": NOW,
    }
    return Registration(host_id=host_id, registration_id=f"reg_{number:05}", **(values | changes))


def job_for(number: int, *, host_id: str = "host_a", **changes: Any) -> SyncJob:
    """A backfill's job for the registration of this number."""
    values: dict[str, Any] = {
        "event_id": "evt_otters",
        "org_id": ORG_ID,
        "state": "pending",
        "priority": BACKFILL,
        "reason": "link",
    }
    return SyncJob(host_id=host_id, registration_id=f"reg_{number:05}", **(values | changes))
