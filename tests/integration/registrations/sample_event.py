"""A host's event with registrations in every state, put into the real database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Base, CampaignLink, Event, Host, Registration, SyncJob, WrittenRecord
from tests.factories import NOW, ORG_ID, connection_for

EVENT_ID = "evt_summit"
CAMPAIGN_ID = "7015g000000KqRsAAK"
INSTANCE_URL = "https://acme.my.salesforce.com"
STATUSES = {
    "registered": "Registered", "attended": "Attended", "cancelled": None, "no_show": "No Show",
    "replay_watched": None,
}  # fmt: skip

RULE = {
    "class": "data",
    "kind": "registered",
    "object": "Lead",
    "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "message": "Phone must start with +",
    "fields": ["Phone"],
    "field_label": None,
    "value": "030 1234567",
    "advice_code": "validation_rule",
    "http_status": 400,
}


async def save(database: Database, *rows: Base) -> None:
    """Commit these rows; parents first."""
    async with database.system() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def host(host_id: str = "host_a", **changes: Any) -> Host:
    return Host(host_id=host_id, **changes)


def event(host_id: str = "host_a", event_id: str = EVENT_ID, **changes: Any) -> Event:
    values = {"title": "Autumn Summit", "starts_at": NOW + timedelta(days=3), "snapshot_at": NOW}
    return Event(host_id=host_id, event_id=event_id, **(values | changes))


def registration(
    registration_id: str, host_id: str = "host_a", *, event_id: str = EVENT_ID, **changes: Any
) -> Registration:
    values: dict[str, Any] = {
        "status": "confirmed",
        "attendee": {
            "first_name": "Otti",
            "last_name": f"Otter {registration_id}",
            "email": f"{registration_id}@otter.example",
            "company": "Otter GmbH",
        },
        "answers": [],
        "snapshot_at": NOW,
        "registered_at": NOW,
        "confirmed_at": NOW,
    }
    return Registration(
        host_id=host_id, registration_id=registration_id, event_id=event_id, **(values | changes)
    )


def job(
    registration_id: str,
    state: str,
    host_id: str = "host_a",
    *,
    event_id: str = EVENT_ID,
    org_id: str = ORG_ID,
    error: dict[str, Any] | None = None,
    **changes: Any,
) -> SyncJob:
    if error is not None:
        changes = {
            "error_class": error["class"],
            "error_code": error["error_code"],
            "group_id": "g_rule",
            "error": error,
            "first_error_at": NOW,
            "last_error_at": NOW,
        } | changes
    return SyncJob(
        host_id=host_id,
        registration_id=registration_id,
        event_id=event_id,
        org_id=org_id,
        state=state,
        **{"failed_parts": [], **changes},
    )


def link(host_id: str = "host_a", **changes: Any) -> CampaignLink:
    values = {
        "state": "linked",
        "org_id": ORG_ID,
        "campaign_id": CAMPAIGN_ID,
        "campaign_name": "Autumn Summit",
        "is_active": True,
        "statuses": STATUSES,
        "available_statuses": ["Registered", "Attended", "No Show"],
        "linked_by": "user_17",
    }
    return CampaignLink(host_id=host_id, event_id=EVENT_ID, **(values | changes))


def record(
    registration_id: str,
    slot: str,
    *,
    sobject: str,
    sf_id: str | None,
    host_id: str = "host_a",
    **changes: Any,
) -> WrittenRecord:
    values: dict[str, Any] = {
        "state": "written",
        "action": "create",
        "instance_key": CAMPAIGN_ID if slot == "member" else "",
        "details": {},
        "written_at": NOW,
    }
    return WrittenRecord(
        host_id=host_id,
        org_id=ORG_ID,
        registration_id=registration_id,
        slot=slot,
        sobject=sobject,
        sf_id=sf_id,
        **(values | changes),
    )


async def add_connected_host(
    database: Database, vault: Encryptor, host_id: str = "host_a", **connection: Any
) -> None:
    """A connected host with an event."""
    values = {"instance_url": INSTANCE_URL} | connection
    await save(database, host(host_id), event(host_id), connection_for(vault, host_id, **values))


async def add(
    database: Database, *pairs: tuple[Registration, SyncJob | None], records: Sequence[WrittenRecord] = ()
) -> None:
    """Registrations with their jobs and written records."""
    rows: list[Base] = [each for pair in pairs for each in pair if each is not None]
    await save(database, *rows, *records)


def simple(registration_id: str, state: str, **changes: Any) -> tuple[Registration, SyncJob]:
    """A confirmed registration with a job in this state."""
    return registration(registration_id), job(registration_id, state, **changes)


def hours_ago(hours: float) -> datetime:
    return datetime.now(tz=NOW.tzinfo) - timedelta(hours=hours)


def in_hours(hours: float) -> datetime:
    return hours_ago(-hours)
