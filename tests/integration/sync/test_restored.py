"""A restored database over a living org: what it forgot is found, not written again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.models import Host, NotificationSequence, OrgLease, Restore
from app.recovery.restored import FENCES_AHEAD, Declared, TimeImpossible, declare_restored
from tests.factories import NOW
from tests.integration.sync.calendar_rig import END, START, change_event, choose
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_emails import ALL
from tests.snapshots import Snapshot

QUIET = 780
KINDS = ("case", "calendar_event", "email_sent", "email_opened", "email_replied")
WRITTEN = ("Lead", "Contact", "Account", "Task", "CampaignMember", "Case", "Event", "EmailMessage")
DAY = timedelta(days=1)


async def counts(rig: Rig) -> dict[str, int]:
    found = {name: len(await rig.records(name)) for name in WRITTEN}
    return {name: count for name, count in found.items() if count}


async def declare(rig: Rig, since: datetime) -> Declared:
    async with rig.resources.database.system() as session:
        return await declare_restored(
            session, since, looks_for=DAY, lost_write_window=timedelta(seconds=QUIET)
        )


async def settle(rig: Rig, seconds: float = QUIET / 2, rounds: int = 6) -> None:
    """Drain until no row moves by itself any more."""
    for _ in range(rounds):
        await rig.pass_time(seconds)
        async with rig.database.system() as session:
            moved = "UPDATE restores SET restored_at = restored_at - make_interval(secs => :seconds)"
            await session.execute(text(moved), {"seconds": seconds})
        await rig.drain()


async def everything_on(rig: Rig, *, as_: str = "auto") -> None:
    """A meeting of which every kind of record is written."""
    await rig.link(await rig.org.campaign())
    await change_event(rig, kind="meeting", starts_at=START, ends_at=END, timezone="UTC")
    await choose(rig, writes=dict.fromkeys(KINDS, True), email={"as": as_})


async def live(rig: Rig, number: int = 1, **changes: Any) -> str:
    """What the platform tells of one registration, all at once."""
    told = {"checked_in_at": NOW, "emails": ALL, "merge_state": {}} | changes
    return await rig.registered(number, **told)


@pytest.mark.parametrize("as_", ["auto", "task"])
@pytest.mark.parametrize("creates", ["lead", "contact"])
async def test_nothing_that_was_written_since_is_written_again(
    rig: Rig, owner: AsyncEngine, creates: str, as_: str
) -> None:
    await everything_on(rig, as_=as_)
    await rig.choose(create_as=creates)
    backup, since = await Snapshot.take(owner), datetime.now(UTC)
    reg = await live(rig)
    await settle(rig, 1, 4)
    written = await counts(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert written["Task"] >= 3
    assert (written["Case"], written["Event"], written["CampaignMember"]) == (1, 1, 1)
    before = {name: (slot.sobject, slot.sf_id) for name, slot in (await rig.slots(reg)).items()}
    await backup.restore(owner)
    await declare(rig, since)
    await live(rig)
    await rig.drain()
    assert await counts(rig) == written
    await settle(rig)
    assert await counts(rig) == written
    assert await rig.states() == {reg: "synced"}
    found = {name: (slot.sobject, slot.sf_id) for name, slot in (await rig.slots(reg)).items()}
    assert found == before


async def test_without_the_declaration_all_activities_are_doubled(rig: Rig, owner: AsyncEngine) -> None:
    """The control: what the declaration prevents."""
    await everything_on(rig)
    backup = await Snapshot.take(owner)
    await live(rig)
    await settle(rig, 1, 4)
    written = await counts(rig)
    await backup.restore(owner)
    await live(rig)
    await settle(rig, 1, 4)
    again = await counts(rig)
    assert {name for name in written if again[name] > written[name]} == {
        "Task", "Case", "Event", "EmailMessage",
    }  # fmt: skip


async def test_registration_whose_write_had_failed_and_went_through_since_is_found(
    rig: Rig, owner: AsyncEngine
) -> None:
    await everything_on(rig)
    refused = {"error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "count": 9}
    await rig.org.fault("row_error", match={"sobject": "Task"}, **refused)
    reg = await live(rig)
    await rig.drain()
    assert await rig.states() == {reg: "failed"}
    backup, since = await Snapshot.take(owner), datetime.now(UTC)
    await rig.org.control.delete("/faults")
    await rig.requeue(reg, reason="retry")
    await settle(rig, 1, 4)
    written = await counts(rig)
    await backup.restore(owner)
    await declare(rig, since)
    await rig.requeue(reg, reason="retry")
    await settle(rig)
    assert (await counts(rig), await rig.states()) == (written, {reg: "synced"})


async def test_what_was_under_way_at_the_backup_is_settled_and_its_worker_cannot_go_on(
    rig: Rig, owner: AsyncEngine
) -> None:
    await everything_on(rig)
    reg = await live(rig)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        running = "UPDATE sync_jobs SET state = 'running', fence = 7, running_version = 1"
        await session.execute(text(running))
        await session.execute(text("UPDATE written_records SET state = 'intended'"))
        lease = "UPDATE org_leases SET owner = 'dead', fence = 7, until = clock_timestamp() + interval '1 h'"
        await session.execute(text(lease))
    backup, since = await Snapshot.take(owner), datetime.now(UTC)
    await backup.restore(owner)
    declared = await declare(rig, since)
    assert (declared.leases, declared.running) == (1, 1)
    async with rig.database.system() as session:
        assert (await session.scalars(select(OrgLease.fence))).all() == [7 + FENCES_AHEAD]
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    await rig.org.control.post("/settle")
    await settle(rig)
    assert (await rig.states(), (await counts(rig))["Lead"]) == ({reg: "synced"}, 1)


async def test_write_that_lands_after_the_restore_is_waited_for(rig: Rig, owner: AsyncEngine) -> None:
    """It was sent by the service that is gone: nothing here knows of it."""
    await everything_on(rig)
    backup, since = await Snapshot.take(owner), datetime.now(UTC)
    reg = await live(rig)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await backup.restore(owner)
    await declare(rig, since)
    await live(rig)
    await rig.drain()
    assert (await rig.states(), await counts(rig)) == ({reg: "ambiguous"}, {})
    await rig.org.control.post("/settle")
    await settle(rig)
    assert (await rig.states(), (await counts(rig))["Lead"]) == ({reg: "synced"}, 1)


async def test_who_registers_after_the_restore_does_not_wait(rig: Rig) -> None:
    await everything_on(rig)
    await declare(rig, datetime.now(UTC) - DAY)
    later = datetime.now(UTC) + timedelta(minutes=10)
    reg = await live(rig, registered_at=later, confirmed_at=later, checked_in_at=None, emails={})
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert await counts(rig) == {"Lead": 1, "Task": 1, "CampaignMember": 1, "Case": 1, "Event": 1}


async def test_somebody_who_was_never_written_is_made_after_the_quiet_time(rig: Rig) -> None:
    await everything_on(rig)
    await declare(rig, datetime.now(UTC))
    reg = await live(rig)
    await rig.drain()
    assert (await rig.states(), await counts(rig)) == ({reg: "ambiguous"}, {})
    await settle(rig)
    assert await rig.states() == {reg: "synced"}
    assert await counts(rig) == {
        "Lead": 1, "Task": 3 + 2, "CampaignMember": 1, "Case": 1, "Event": 1, "EmailMessage": 2,
    }  # fmt: skip
    slots = (await rig.slots(reg)).values()
    assert {slot.state for slot in slots} == {"written"}
    assert not any("is_suspected" in slot.details for slot in slots)


async def test_who_cancelled_before_anything_was_written_is_not_written_for_it(rig: Rig) -> None:
    await everything_on(rig)
    await declare(rig, datetime.now(UTC))
    reg = await live(rig, status="cancelled", cancelled_at=NOW, checked_in_at=None, emails={})
    await settle(rig)
    assert (await rig.states(), await counts(rig)) == ({reg: "skipped"}, {})


async def test_cancellation_of_what_was_written_since_reaches_the_campaign(
    rig: Rig, owner: AsyncEngine
) -> None:
    """Neither the registration nor its records are known here before both are told at once."""
    await everything_on(rig)
    await rig.link(await rig.org.campaign(), cancelled="Sent")
    backup, since = await Snapshot.take(owner), datetime.now(UTC)
    reg = await live(rig, checked_in_at=None, emails={})
    await settle(rig, 1, 3)
    written = await counts(rig)
    await backup.restore(owner)
    await declare(rig, since)
    await live(rig, status="cancelled", cancelled_at=NOW, checked_in_at=None, emails={})
    await settle(rig)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, written)
    [event] = await rig.records("Event")
    assert event["Subject"].startswith("Canceled")


async def test_after_the_time_to_look_nothing_is_in_doubt(rig: Rig) -> None:
    await everything_on(rig)
    await declare(rig, datetime.now(UTC))
    async with rig.database.system() as session:
        await session.execute(text("DELETE FROM restores"))
        at = datetime.now(UTC) - DAY
        session.add(Restore(restored_at=at, since=at - DAY, looks_until=at + DAY / 2))
    reg = await live(rig)
    await rig.drain()
    assert (await rig.states())[reg] in ("synced", "pending")
    assert (await counts(rig))["Lead"] == 1


async def test_notifications_go_on_behind_the_numbers_that_the_platform_has_seen(database: Database) -> None:
    async def declared() -> dict[str, int]:
        async with database.system() as session:
            now = datetime.now(UTC) - DAY
            await declare_restored(session, now, looks_for=DAY, lost_write_window=timedelta(0))
        async with database.system() as session:
            rows = await session.scalars(select(NotificationSequence))
            return {row.host_id: row.last for row in rows}

    async with database.system() as session:
        session.add_all(Host(host_id=host_id) for host_id in ("host_a", "host_b"))
    assert await declared() == {}
    async with database.system() as session:
        session.add(NotificationSequence(host_id="host_a", last=17))
    assert await declared() == {"host_a": 1_000_017, "host_b": 1_000_000}
    assert await declared() == {"host_a": 2_000_017, "host_b": 2_000_000}


async def test_time_that_has_not_come_is_refused_and_changes_nothing(database: Database) -> None:
    with pytest.raises(TimeImpossible, match="the database's clock says"):
        async with database.system() as session:
            await declare_restored(
                session, datetime.now(UTC) + DAY, looks_for=DAY, lost_write_window=timedelta(0)
            )
    async with database.system() as session:
        assert (await session.scalars(select(Restore))).all() == []
