"""A worker dies at its first, second, third … step while every kind is written: each record stands once."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import Event, Host
from app.sync.model.reference_tags import reference_tag, references_in
from tests.chaos.test_every_step import Worker, all_steps
from tests.chaos.test_every_step import worker as worker
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig

KINDS = ("calendar_event", "case", "email_sent", "email_opened", "email_replied")
STATUS = {"Event": ["Event_Status__c | string(40) | CUN | Event Status"]}
STARTS_AT, HOUR = NOW + timedelta(days=3), timedelta(hours=1)
PREPARED = 90


@pytest.fixture
async def whole(worker: Worker) -> Worker:
    """Every kind of write is on, and the event is a meeting with a campaign."""
    rig = worker.rig
    await rig.org.configure(extra_fields=STATUS)
    await rig.link(await rig.org.campaign())
    async with rig.database.system() as session:
        (await session.get_one(Host, HOST)).settings = {"writes": dict.fromkeys(KINDS, True)}
        meeting = await session.get_one(Event, (HOST, EVENT))
        meeting.kind, meeting.starts_at, meeting.ends_at = "meeting", STARTS_AT, STARTS_AT + HOUR
    return worker


def mails(number: int, *facts: str) -> dict[str, Any]:
    told: dict[str, dict[str, Any]] = {
        "sent": {"subject": f"See you, {number:05}"},
        "opened": {},
        "replied": {"snippet": f"Yes, {number:05}"},
    }
    return {f"em_{number}": {fact: {"at": NOW.isoformat(), **told[fact]} for fact in facts}}


async def register_all(rig: Rig) -> None:
    for number in range(1, PREPARED + 1):
        await rig.registered(number, emails=mails(number, "sent"))
    await rig.drain()


async def expect_once(rig: Rig, count: int, *, status: str, starts_at: datetime = STARTS_AT) -> None:
    """One calendar Event of this status and time, one Case and one e-mail for each registration."""
    for sobject, slot in (("Event", "calendar_event"), ("Case", "case")):
        rows = await rig.records(sobject)
        found = Counter(reference for row in rows for reference in references_in(row["Description"]))
        wanted = [reference_tag(HOST, rig.org.org_id, f"reg_{n:05}", slot) for n in range(1, count + 1)]
        assert found == Counter(wanted)
    events = await rig.records("Event")
    assert Counter(row["Event_Status__c"] for row in events) == {status: count}
    assert {datetime.fromisoformat(row["StartDateTime"]) for row in events} == {starts_at}
    assert Counter(row["Subject"] for row in await rig.records("EmailMessage") if not row["Incoming"]) == {
        f"See you, {number:05}": 1 for number in range(1, count + 1)
    }
    assert set((await rig.states()).values()) == {"synced"}


async def test_a_booking_survives_a_worker_that_dies_at_any_step(whole: Worker) -> None:
    async def book(number: int) -> None:
        await whole.rig.registered(number, emails=mails(number, "sent"))

    steps = await all_steps(whole, book)
    assert steps > 30
    await expect_once(whole.rig, steps, status="Scheduled")


async def test_a_move_survives_a_worker_that_dies_at_any_step(whole: Worker) -> None:
    moved_to = STARTS_AT + timedelta(days=1)

    async def move(number: int) -> None:
        times = {"starts_at": moved_to, "ends_at": moved_to + HOUR, "rescheduled_at": NOW + HOUR}
        await whole.rig.change(f"reg_{number:05}", **times)

    await register_all(whole.rig)
    assert await all_steps(whole, move, up_to=PREPARED) > 20
    await expect_once(whole.rig, PREPARED, status="Rescheduled", starts_at=moved_to)


async def test_a_cancellation_survives_a_worker_that_dies_at_any_step(whole: Worker) -> None:
    async def cancel(number: int) -> None:
        await whole.rig.change(f"reg_{number:05}", status="cancelled", cancelled_at=NOW + HOUR)

    await register_all(whole.rig)
    assert await all_steps(whole, cancel, up_to=PREPARED) > 20
    await expect_once(whole.rig, PREPARED, status="Canceled")


async def test_opened_and_answered_e_mails_survive_a_worker_that_dies_at_any_step(whole: Worker) -> None:
    rig = whole.rig

    async def answer(number: int) -> None:
        await rig.change(f"reg_{number:05}", emails=mails(number, "sent", "opened", "replied"))

    await register_all(rig)
    assert await all_steps(whole, answer, up_to=PREPARED) > 20
    await expect_once(rig, PREPARED, status="Scheduled")
    opened = [row for row in await rig.records("Task") if row["Subject"].startswith("Email opened")]
    assert Counter(row["Subject"][-5:] for row in opened) == {f"{n:05}": 1 for n in range(1, PREPARED + 1)}
    replies = [row for row in await rig.records("EmailMessage") if row["Incoming"]]
    assert Counter(row["TextBody"].strip()[-5:] for row in replies) == {
        f"{n:05}": 1 for n in range(1, PREPARED + 1)
    }
