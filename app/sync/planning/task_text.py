"""What stands on the timeline: the completed Tasks for registration and check-in. Pure."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.sync.field_values.closed_status import COMPLETED
from app.sync.field_values.lead_fields import normalize_text, truncate
from app.sync.model.batch import CHECKED_IN, REGISTERED, EventSnapshot, Job
from app.sync.model.notices import ItemWarning
from app.sync.model.records import TASK

PREFIXES = {REGISTERED: "Registered: ", CHECKED_IN: "Checked-in: "}


def task_happened_at(job: Job, slot: str) -> datetime:
    """When the thing that a Task tells happened, not when it is written."""
    if slot == CHECKED_IN:
        assert job.facts.checked_in_at is not None
        return job.facts.checked_in_at
    return job.facts.confirmed_at or job.facts.registered_at


def task_fields(
    job: Job, slot: str, *, who_id: str, reference: str, status: str = COMPLETED
) -> tuple[dict[str, Any], list[ItemWarning]]:
    """A completed Task on a person. WhatId stays empty: Salesforce refuses it where WhoId is a Lead."""
    zone, warnings = _zone(job.event)
    happened_on: date = task_happened_at(job, slot).astimezone(zone).date()
    fields = {
        "Subject": task_subject(slot, job.event.title),
        "Status": status,
        "ActivityDate": happened_on.isoformat(),
        "WhoId": who_id,
        "Description": task_description(job, reference),
    }
    return fields, warnings


def task_subject(slot: str, title: str) -> str:
    """Prefix and title in 255 characters; the prefix is never cut."""
    return truncate(TASK, "Subject", PREFIXES[slot] + (normalize_text(title) or "event"))


def task_description(job: Job, reference: str) -> str:
    """What a salesperson wants to know, and our reference in the last line."""
    event = job.event
    starts_at = event.starts_at.astimezone(_zone(event)[0]) if event.starts_at else None
    lines = {
        "Event": normalize_text(event.title),
        "Starts": f"{starts_at:%Y-%m-%d %H:%M} {_zone_name(event)}" if starts_at else None,
        "Where": normalize_text(event.location),
        "Ticket": normalize_text(job.ticket),
        "Link": normalize_text(event.url),
    }
    body = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    return f"{body}\n\nRef: {reference}"


def _zone_name(event: EventSnapshot) -> str:
    return event.timezone if not _zone(event)[1] else "UTC"


def _zone(event: EventSnapshot) -> tuple[tzinfo, list[ItemWarning]]:
    try:
        return ZoneInfo(event.timezone), []
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text = "The event's time zone is not known, so days are counted in UTC."
        return UTC, [ItemWarning("fallback_used", TASK, "ActivityDate", text)]
