"""Personal data of past events goes when the host chose so; counts stay, and nothing comes back."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config.settings import Settings
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.models import AuditEntry, Event, Host, IdempotencyKey, Registration, SyncJob
from app.privacy import past_events
from app.privacy.erasure import ErasureRequest, redact_registrations
from app.privacy.journal import export_journal, read_journal
from app.privacy.late_writes import redact_late_writes
from app.privacy.past_events import remove_overdue
from app.recovery.erasures import erase_again
from app.states import JobState
from tests.deliveries import PEPPER, delivery, event, registration, webhook
from tests.factories import ORG_ID
from tests.integration.privacy.test_erasure import WHO, parsed, places, receive
from tests.snapshots import Snapshot

NOW = datetime.now(UTC)
PAST, RECENT = NOW - timedelta(days=400), NOW - timedelta(days=300)
BOOKED = (PAST - timedelta(days=30)).isoformat()


async def booked(database: Database, *ids: str, starts_at: datetime = PAST) -> None:
    """Registrations of the canary for an event of its own, as their webhooks brought them."""
    held = event(id=f"evt_{ids[0]}", starts_at=starts_at.isoformat(), ends_at=starts_at.isoformat())
    for each in ids:
        fields = registration(id=each, attendee=WHO, registered_at=BOOKED)
        payload = webhook(event=held, registration=fields, timestamp=BOOKED)
        await receive(database, delivery(payload, f"msg_{each}"))


def job(registration_id: str, state: JobState) -> SyncJob:
    return SyncJob(
        host_id="host_a",
        registration_id=registration_id,
        event_id="evt_reg_1",
        org_id=ORG_ID,
        reason="live",
        priority=0,
        state=state,
    )


async def waits_for_lock(database: Database) -> None:
    """Until somebody waits for what another transaction has locked."""
    async with asyncio.timeout(10), database.system() as session:
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await asyncio.sleep(0.02)


async def choose(database: Database, months: int) -> None:
    async with database.system() as session:
        values = {"settings": {"personal_data_months": months}, "personal_data_checked_at": None}
        await session.execute(update(Host).where(Host.host_id == "host_a").values(values))


async def left(database: Database) -> set[str]:
    """The registrations that still have their person."""
    async with database.system() as session:
        query = select(Registration.registration_id).where(Registration.erased_at.is_(None))
        return set(await session.scalars(query))


async def test_what_is_overdue_is_in_no_table_any_more(database: Database, owner: AsyncEngine) -> None:
    await booked(database, "reg_1", "reg_2", "reg_3")
    assert await places(owner)
    await choose(database, 12)
    assert await remove_overdue(database, pepper=PEPPER, portion=2) == 3
    assert await places(owner) == []


@pytest.mark.parametrize(
    ("months", "starts_at", "goes"),
    [(12, PAST, True), (12, RECENT, False), (14, PAST, False), (0, PAST, False)],
)
async def test_the_host_chooses_for_how_long(
    database: Database, months: int, starts_at: datetime, goes: bool
) -> None:
    await booked(database, "reg_1", starts_at=starts_at)
    await choose(database, months)
    assert await remove_overdue(database, pepper=PEPPER) == int(goes)
    assert await left(database) == (set() if goes else {"reg_1"})


async def test_a_later_event_keeps_the_person(database: Database) -> None:
    await booked(database, "reg_1")
    await booked(database, "reg_2", starts_at=RECENT)
    await choose(database, 12)
    await remove_overdue(database, pepper=PEPPER)
    assert await left(database) == {"reg_2"}


async def test_an_event_without_times_is_left_alone(database: Database) -> None:
    await booked(database, "reg_1")
    async with database.system() as session:
        await session.execute(update(Event).values(starts_at=None, ends_at=None))
    await choose(database, 12)
    assert await remove_overdue(database, pepper=PEPPER) == 0


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (JobState.SYNCED, "synced"),
        (JobState.FAILED, "skipped"),
        (JobState.SKIPPED, "skipped"),
        (JobState.PENDING, None),
        (JobState.RUNNING, None),
        (JobState.AMBIGUOUS, None),
        (JobState.HELD, None),
    ],
)
async def test_counts_stay_and_what_is_on_its_way_goes_first(
    database: Database, state: JobState, after: str | None
) -> None:
    await booked(database, "reg_1")
    async with database.system() as session:
        session.add(job("reg_1", state))
    await choose(database, 12)
    assert await remove_overdue(database, pepper=PEPPER) == (0 if after is None else 1)
    async with database.system() as session:
        assert await session.scalar(select(SyncJob.state)) == (after or state)


async def test_a_repeated_request_gets_its_first_answer_all_the_same(database: Database) -> None:
    await booked(database, "reg_1")
    await choose(database, 12)
    async with database.system() as session:
        answer = {"request_sha256": b"1" * 32, "status": 202, "sealed": b"answer"}
        session.add(IdempotencyKey(host_id="host_a", key="twice", **answer))
    assert await remove_overdue(database, pepper=PEPPER) == 1
    await redact_late_writes(database)
    async with database.system() as session:
        assert await session.scalar(select(IdempotencyKey.key)) == "twice"


async def test_a_late_webhook_brings_nobody_back(database: Database, owner: AsyncEngine) -> None:
    await booked(database, "reg_1")
    await choose(database, 12)
    await remove_overdue(database, pepper=PEPPER)
    await receive(database, parsed("reg_1", "msg_late", timestamp=NOW.isoformat()))
    assert await places(owner) == []


async def test_a_host_is_looked_at_once_a_day_and_the_log_says_what_went(database: Database) -> None:
    await booked(database, "reg_1")
    await choose(database, 12)
    await remove_overdue(database, pepper=PEPPER)
    await booked(database, "reg_2")
    assert await remove_overdue(database, pepper=PEPPER) == 0
    await choose(database, 12)
    assert await remove_overdue(database, pepper=PEPPER) == 1
    async with database.system() as session:
        found = await session.execute(
            select(AuditEntry.actor, AuditEntry.details)
            .where(AuditEntry.action == "salesforce.personal_data_removed")
            .order_by(AuditEntry.seq)
        )
    assert [tuple(row) for row in found] == [
        ("retention", {"registrations": 1, "events": [f"evt_reg_{number}"], "months": 12})
        for number in (1, 2)
    ]


async def test_what_a_batch_began_with_meanwhile_is_left_until_it_ended(database: Database) -> None:
    await booked(database, "reg_1", "reg_2")
    async with database.system() as session:
        for each in ("reg_1", "reg_2"):
            session.add(job(each, JobState.SYNCED))
    await choose(database, 12)
    async with database.system() as session:
        await session.execute(
            update(SyncJob).where(SyncJob.registration_id == "reg_1").values(state=JobState.RUNNING)
        )
        removing = asyncio.create_task(remove_overdue(database, pepper=PEPPER))
        await waits_for_lock(database)
    assert await removing == 1
    assert await left(database) == {"reg_1"}


async def test_who_was_stopped_half_way_is_followed_within_the_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await booked(database, "reg_1", "reg_2", "reg_3")
    await choose(database, 12)
    stops = iter((False, True))

    async def until_stopped(session: AsyncSession, wish: ErasureRequest, *, pepper: bytes) -> None:
        if next(stops):
            raise TimeoutError
        await redact_registrations(session, wish, pepper=pepper)

    with monkeypatch.context() as stopped:
        stopped.setattr(past_events, "redact_registrations", until_stopped)
        with pytest.raises(TimeoutError):
            await remove_overdue(database, pepper=PEPPER, portion=1)
    assert await remove_overdue(database, pepper=PEPPER) == 0
    async with database.system() as session:
        later = {"personal_data_checked_at": Host.personal_data_checked_at - timedelta(hours=2)}
        await session.execute(update(Host).where(Host.host_id == "host_a").values(later))
    assert await remove_overdue(database, pepper=PEPPER) == 2


async def test_months_that_are_changed_meanwhile_count_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await booked(database, "reg_1", "reg_2")
    await choose(database, 12)

    async def then_longer(session: AsyncSession, wish: ErasureRequest, *, pepper: bytes) -> None:
        await redact_registrations(session, wish, pepper=pepper)
        await choose(database, 60)

    monkeypatch.setattr(past_events, "redact_registrations", then_longer)
    assert await remove_overdue(database, pepper=PEPPER, portion=1) == 1
    assert await left(database) == {"reg_2"}


@pytest.mark.parametrize("is_exported", [False, True], ids=["journal", "exported"])
async def test_a_restore_removes_it_again_and_leaves_the_later_event(
    database: Database,
    owner: AsyncEngine,
    migrated: str,
    settings: Settings,
    tmp_path: Path,
    *,
    is_exported: bool,
) -> None:
    await booked(database, "reg_1")
    await booked(database, "reg_2", starts_at=RECENT)
    await choose(database, 12)
    backup = await Snapshot.take(owner)
    journal, key = tmp_path / "erasures.jsonl", audit_key(settings.hash_pepper)
    async with Database.connect(migrated, audit_key=key, erasure_journal=journal) as found:
        await remove_overdue(found, pepper=PEPPER)
        async with found.system() as session:
            exported = await export_journal(session, None)
    entries = exported if is_exported else read_journal([journal])
    await backup.restore(owner)
    assert await left(database) == {"reg_1", "reg_2"}
    again = await erase_again(database, entries, pepper=PEPPER)
    assert (again.entries, again.registrations) == (1, 1)
    assert await left(database) == {"reg_2"}
    await receive(database, parsed("reg_1", "msg_late", timestamp=NOW.isoformat()))
    assert await left(database) == {"reg_2"}
