"""An event that changes brings its calendar Events along: in the backfill's lane, in few calls."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from app.models import BACKFILL, SyncJob
from app.webhooks.ingest import ingest_without_erasures
from tests.deliveries import PEPPER, delivery, event, registration, webhook
from tests.integration.sync.calendar_rig import (
    END,
    LATER,
    START,
    calls,
    change_event,
    choose,
    meeting,
    the_event,
    warnings,
)
from tests.integration.sync.conftest import HOST, Rig

HOUR = timedelta(hours=1)
NEXT_DAY: dict[str, Any] = {"starts_at": LATER.isoformat(), "ends_at": (LATER + HOUR).isoformat()}
AS_WRITTEN = {
    "title": "Otter Summit", "kind": "meeting", "starts_at": START.isoformat(), "ends_at": END.isoformat(),
    "location": "Berlin", "timezone": "UTC",
}  # fmt: skip
LATEST = "2027-01-01T00:00:00Z"

EACH = "'reg_' || n FROM generate_series(1, 10000) AS n"
TEN_THOUSAND = (
    "INSERT INTO registrations (host_id, event_id, status, attendee, snapshot_at, registered_at,"
    " confirmed_at, registration_id) SELECT :host, 'evt_otters', 'confirmed', '{}', now(), now(), now(),"
    f" {EACH}",
    "INSERT INTO sync_jobs (host_id, event_id, org_id, state, priority, reason, registration_id)"
    f" SELECT :host, 'evt_otters', :org, 'synced', 0, 'live', {EACH}",
    "INSERT INTO written_records (host_id, org_id, slot, instance_key, state, action, sobject, sf_id,"
    " registration_id) SELECT :host, :org, 'calendar_event', '', 'written', 'create', 'Event',"
    f" '00U5g00000AbCdE', {EACH}",
)


async def receive(rig: Rig, body: dict[str, Any], webhook_id: str) -> None:
    """As the writer of webhooks does, past the session."""
    direct = rig.database.direct()
    try:
        async with direct.unit_of_work() as statements:
            result = await ingest_without_erasures(statements, [delivery(body, webhook_id)], pepper=PEPPER)
    finally:
        await direct.close()
    assert [each.value for each in result.outcomes] == ["accepted"]


async def told(rig: Rig, type_: str, number: int = 1, reason: str | None = None, **changes: Any) -> None:
    """Receive a webhook about the event."""
    body = webhook(
        type_, f"2027-01-0{number}T00:00:00Z", event=event(**AS_WRITTEN | changes, version=number + 9)
    )
    body["data"].pop("registration", None)
    body["data"] |= {"reason": reason} if reason else {}
    await receive(rig, body, f"msg_{type_}_{number}")


async def jobs(rig: Rig) -> dict[str, tuple[str, int, str]]:
    async with rig.database.system() as session:
        rows = await session.scalars(select(SyncJob))
        return {each.registration_id: (each.state, each.priority, each.reason) for each in rows}


async def test_an_event_that_moves_takes_its_calendar_events_along(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, "event.updated", **NEXT_DAY)
    assert await jobs(rig) == {reg: ("pending", 10, "event_changed")}
    await rig.drain()
    found = await the_event(rig)
    times = (found["StartDateTime"], found["EndDateTime"])
    assert times == ("2026-11-25T09:00:00.000+0000", "2026-11-25T10:00:00.000+0000")
    assert (await rig.slots(reg))["calendar_event"].label == "Rescheduled"


async def test_an_event_that_is_cancelled_and_published_again(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, "event.cancelled", 1, reason="Storm")
    await rig.drain()
    found = await the_event(rig)
    assert (found["Subject"], found["ShowAs"]) == ("Canceled: Otter Summit", "Free")
    await told(rig, "event.published", 2)
    await rig.drain()
    found = await the_event(rig)
    assert (found["Subject"], found["ShowAs"]) == ("Otter Summit", "Busy")
    assert (await rig.slots(reg))["calendar_event"].label == "Scheduled"


async def test_times_that_come_later_bring_the_calendar_event_and_end_the_warning(rig: Rig) -> None:
    await meeting(rig)
    await change_event(rig, starts_at=None, ends_at=None)
    reg = await rig.registered(1)
    await rig.drain()
    assert await warnings(rig, reg) == {None: "no_times"}
    await told(rig, "event.updated", **NEXT_DAY)
    assert await jobs(rig) == {reg: ("pending", 10, "event_changed")}
    await rig.drain()
    assert (await the_event(rig))["StartDateTime"] == "2026-11-25T09:00:00.000+0000"
    assert await warnings(rig, reg) == {}


@pytest.mark.parametrize(("kind", "sobject"), [("calendar_event", "Event"), ("case", "Case")])
async def test_an_event_that_takes_place_after_all_brings_what_was_left_out(
    rig: Rig, kind: str, sobject: str
) -> None:
    await meeting(rig)
    await choose(rig, writes={kind: True})
    await told(rig, "event.cancelled", 1)
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.job(reg)).warnings[-1]["code"] == "event_cancelled"
    await told(rig, "event.published", 2)
    await rig.drain()
    assert len(await rig.records(sobject)) == 1
    assert "event_cancelled" not in {each["code"] for each in (await rig.job(reg)).warnings}


async def test_a_job_that_waits_for_its_emails_alone_moves_at_once(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    in_an_hour = func.clock_timestamp() + HOUR
    async with rig.database.system() as session:
        await session.execute(
            update(SyncJob).values(state="pending", settled_state="synced", due_at=in_an_hour)
        )
    await told(rig, "event.updated", **NEXT_DAY)
    assert ((await rig.job(reg)).settled_state, (await jobs(rig))[reg]) == (
        None,
        ("pending", 10, "event_changed"),
    )
    await rig.drain()
    assert (await the_event(rig))["StartDateTime"] == "2026-11-25T09:00:00.000+0000"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"title": "Beaver Summit"}, id="the title stays as created"),
        pytest.param({"url": "https://otter.example/other"}, id="nothing shows the address"),
    ],
)
async def test_what_no_calendar_event_shows_asks_for_nothing(rig: Rig, changes: dict[str, Any]) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, "event.updated", **changes)
    assert (await jobs(rig))[reg][0] == "synced"


async def test_without_a_calendar_event_nothing_is_asked_for(rig: Rig) -> None:
    await change_event(rig, kind="meeting", starts_at=START, ends_at=END, location="Berlin", timezone="UTC")
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, "event.updated", **NEXT_DAY)
    assert (await jobs(rig))[reg][0] == "synced"


async def test_live_work_goes_before_a_moved_event(rig: Rig) -> None:
    await meeting(rig)
    await rig.registered(1)
    await rig.drain()
    await told(rig, "event.updated", **NEXT_DAY)
    newcomer = await rig.registered(2)
    engine = rig.with_settings(batch_size_max=1)
    while set((await rig.states()).values()) != {"synced"}:
        await rig.drain(engine=engine)
    async with rig.database.system() as session:
        first = await session.scalar(select(SyncJob.registration_id).order_by(SyncJob.synced_at).limit(1))
    assert first == newcomer


async def test_a_job_that_runs_while_its_event_moves_runs_again(rig: Rig) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(SyncJob).values(state="running", running_version=1, fence=1))
    await told(rig, "event.updated", **NEXT_DAY)
    job = await rig.job(reg)
    assert (job.state, job.requested_version, job.running_version) == ("running", 2, 1)


async def test_moving_a_thousand_known_attendees_takes_at_most_eight_calls(rig: Rig) -> None:
    await meeting(rig, package=True)
    await rig.link(await rig.org.campaign())
    people = [{"LastName": f"Otter {n}", "Email": f"otter{n}@example.com"} for n in range(1000)]
    await rig.org.seed("Contact", *people)
    for number in range(1000):
        await rig.registered(number)
    while set((await rig.states()).values()) != {"synced"}:
        await rig.drain()
    assert len(await rig.records("Event")) == 1000
    before = await calls(rig)
    await told(rig, "event.updated", **NEXT_DAY)
    while set((await rig.states()).values()) != {"synced"}:
        await rig.drain()
    assert await calls(rig) - before <= 8
    assert {each["StartDateTime"] for each in await rig.records("Event")} == {"2026-11-25T09:00:00.000+0000"}
    assert len(await rig.records("Event")) == 1000


async def test_ten_thousand_are_asked_for_in_one_transaction(rig: Rig) -> None:
    await meeting(rig)
    async with rig.database.system() as session:
        for statement in TEN_THOUSAND:
            await session.execute(text(statement), {"host": HOST, "org": rig.org.org_id})
    await told(rig, "event.updated", **NEXT_DAY)
    async with rig.database.system() as session:
        query = select(func.count()).where(SyncJob.state == "pending", SyncJob.priority == BACKFILL)
        assert await session.scalar(query) == 10_000


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("registration.completed", {}),
        ("registration.no_show", {}),
        ("registration.rescheduled", {"starts_at": LATER.isoformat(), "ends_at": (LATER + HOUR).isoformat()}),
    ],
)
async def test_facts_of_a_registration_reach_its_calendar_event(
    rig: Rig, type_: str, given: dict[str, Any]
) -> None:
    await meeting(rig)
    reg = await rig.registered(1)
    await rig.drain()
    attendee = {"email": "otter1@example.com", "name": "Otter 1"}
    body = webhook(
        type_=type_, timestamp=LATEST, event=event(**AS_WRITTEN),
        registration={**registration(id=reg, attendee=attendee), **given},
    )  # fmt: skip
    body["data"] |= {
        "previous": {"starts_at": START.isoformat(), "ends_at": END.isoformat()},
        "reason": "Clash",
    }
    await receive(rig, body, "msg_fact")
    await rig.drain()
    status = {"registration.completed": "Completed", "registration.no_show": "No-show"}.get(
        type_, "Rescheduled"
    )
    assert (await rig.slots(reg))["calendar_event"].label == status
