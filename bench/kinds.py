"""Salesforce API calls with more kinds of write switched on: calendar Events, Cases, e-mails."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.calls import drain_all
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import EVENT, HOST, TITLE, connect_host, know, register
from devtools.local_stack.webhook_sender import post_webhook

MOVED = 1_000
SWITCH = "UPDATE hosts SET settings = $2::jsonb WHERE host_id = $1"
HOLD_MEETING = """
    UPDATE events SET kind = 'meeting', version = 1, ends_at = starts_at + interval '1 hour'
    WHERE host_id = $1
"""
MAIL = """
    UPDATE registrations
    SET emails = jsonb_build_object('em_' || registration_id, jsonb_build_object('sent', jsonb_build_object(
        'at', '2026-11-22T08:00:00+00:00', 'subject', 'See you on Tuesday', 'kind', 'reminder')))
    WHERE host_id = $1
"""
ARM_AGAIN = """
    UPDATE sync_jobs SET state = 'pending', priority = 10, requested_version = requested_version + 1,
        due_at = clock_timestamp()
    WHERE host_id = $1
"""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """The calls of each case, and how many things they are for."""
    return {
        "lone_new_calendar": await _lone(rig, "calendar_event", is_known=False),
        "lone_known_calendar": await _lone(rig, "calendar_event", is_known=True),
        "lone_new_calendar_and_case": await _lone(rig, "calendar_event", "case", is_known=False),
        "moved_event": await _moved(rig),
        "emails": await _emails(rig, size.backfill),
    }


async def _lone(rig: Rig, *kinds: str, is_known: bool) -> dict[str, float]:
    """One attendee, after another one: what the org's objects look like is asked for once a day."""
    org_id = await _host_with(rig, *kinds)
    await register(rig, 2, 2, org_id=org_id, is_live=True)
    await drain_all(rig, org_id)
    if is_known:
        know(rig.org, [1])
    await register(rig, 1, 1, org_id=org_id, is_live=True)
    cases = 2 if "case" in kinds else 0
    return await _drained(rig, org_id, 1, expected={"Task": 2, "Event": 2, "Case": cases})


async def _moved(rig: Rig) -> dict[str, float]:
    """Attendees who stand with their calendar Events, and one webhook that moves the event."""
    org_id = await _host_with(rig, "calendar_event")
    know(rig.org, range(1, MOVED + 1))
    await register(rig, 1, MOVED, org_id=org_id)
    await drain_all(rig, org_id)
    at = datetime.now(UTC).replace(microsecond=0)
    starts_at = at.replace(second=0) + timedelta(days=30)
    await _post_moved(rig, at, starts_at)
    found = await _drained(rig, org_id, MOVED, expected={"Event": MOVED})
    moved = sum(datetime.fromisoformat(each["StartDateTime"]) == starts_at for each in rig.org.rows("Event"))
    if moved != MOVED:
        raise AssertionError(f"{moved} of {MOVED} calendar Events were moved")
    return found


async def _post_moved(rig: Rig, at: datetime, starts_at: datetime) -> None:
    times = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=1)).isoformat()}
    event = {"id": EVENT, "title": TITLE, "kind": "meeting", "version": 2} | times
    data = {"host": {"id": HOST}, "event": event}
    body = json.dumps({"type": "event.updated", "timestamp": at.isoformat(), "data": data}).encode()
    api = rig.api()
    with httpx.Client(trust_env=False, timeout=30) as http:
        answer = post_webhook(http, api.url, secret=rig.webhook_secret, webhook_id="msg_moved", body=body)
    answer.raise_for_status()
    rig.stop(api)


async def _emails(rig: Rig, count: int) -> dict[str, float]:
    """People who stand with their Tasks, to each of whom an e-mail was sent; all wait together."""
    org_id = await _host_with(rig, "email_sent")
    know(rig.org, range(1, count + 1))
    await register(rig, 1, count, org_id=org_id)
    await drain_all(rig, org_id)
    connection = await rig.sql()
    await connection.execute(MAIL, HOST)
    await connection.execute(ARM_AGAIN, HOST)
    await connection.execute("ANALYZE registrations, sync_jobs")
    await connection.close()
    return await _drained(rig, org_id, count, expected={"EmailMessage": count})


async def _host_with(rig: Rig, *kinds: str) -> str:
    """A connected host whose event is a meeting, with these kinds switched on; returns the org's id."""
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    connection = await rig.sql()
    await connection.execute(SWITCH, HOST, json.dumps({"writes": dict.fromkeys(kinds, True)}))
    await connection.execute(HOLD_MEETING, HOST)
    await connection.close()
    return org_id


async def _drained(rig: Rig, org_id: str, count: int, *, expected: Mapping[str, int]) -> dict[str, float]:
    before = rig.org.calls()
    await drain_all(rig, org_id)
    calls = rig.org.calls() - before
    written = {sobject: rig.org.count(sobject) for sobject in expected}
    if written != expected:
        raise AssertionError(f"{written} instead of {expected}")
    return {"calls": calls, "count": count, "each": calls / count}
