"""Counts from indexes alone are those that registrations and jobs give side by side, whatever happened."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Registration, SyncJob
from app.registrations import listing, newest, tally
from app.registrations.context import EventContext, load_context
from app.registrations.listing import RowQuery, list_rows
from app.registrations.newest import newest_change
from app.registrations.queries import visible_registrations
from app.registrations.registration_state import StoredState, display_state
from app.registrations.stats import event_stats
from app.registrations.tally import Tally
from app.states import JobState, SkipReason, WaitReason
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    event,
    hours_ago,
    in_hours,
    job,
    registration,
    save,
    simple,
)

ELSEWHERE, OTHER_ORG = "evt_winter", "00D000000000002AAA"
MANY = 300


def any_registration(rng: random.Random, name: str) -> Registration:
    came_in = rng.choice((None, None, NOW))
    return registration(
        name,
        event_id=rng.choice((EVENT_ID, EVENT_ID, ELSEWHERE)),
        confirmed_at=rng.choice((None, NOW, NOW)),
        checked_in_at=came_in,
        check_in_reverted_at=came_in
        and rng.choice((None, NOW - timedelta(hours=1), NOW + timedelta(hours=1))),
        erased_at=rng.choice((None, None, None, NOW)),
    )


def any_job(rng: random.Random, of: Registration) -> SyncJob | None:
    if rng.random() < 0.2:
        return None
    state = rng.choice(list(JobState))
    is_open = state in (JobState.PENDING, JobState.RUNNING)
    return job(
        of.registration_id,
        state,
        event_id=of.event_id,
        org_id=rng.choice((ORG_ID, ORG_ID, OTHER_ORG)),
        error=RULE if state == JobState.FAILED else None,
        due_at=rng.choice((hours_ago(1), in_hours(1))),
        waiting_for=rng.choice((None, *WaitReason)) if state == JobState.PENDING else None,
        settled_state=rng.choice((None, JobState.SYNCED, JobState.FAILED)) if is_open else None,
        skipped_because=rng.choice((None, *SkipReason)) if state == JobState.SKIPPED else None,
        is_attended=of.checked_in_at is not None and rng.random() < 0.7,
        failed_parts=rng.choice(([], [], [RULE | {"group_id": "g_part"}])),
    )


async def add_any(database: Database, vault: Encryptor, seed: int) -> None:
    rng = random.Random(seed)
    await add_connected_host(database, vault)
    await save(database, event(event_id=ELSEWHERE))
    registrations = [any_registration(rng, f"r{number:03}") for number in range(MANY)]
    await add(database, *((each, any_job(rng, each)) for each in registrations))
    async with database.system() as session:
        for each in rng.sample(registrations, MANY // 10):
            to = ELSEWHERE if each.event_id == EVENT_ID else EVENT_ID
            of_row = Registration.registration_id == each.registration_id
            await session.execute(update(Registration).where(of_row).values(event_id=to))


def shown(counted: Tally, context: EventContext) -> dict[str, Any]:
    places: dict[tuple[str, str | None], int] = {}
    for stored, count in counted.states.items():
        display = display_state(stored, context.gates)
        key = display.state, display.because
        places[key] = places.get(key, 0) + count
    return {**vars(counted), "states": places}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("event_id", [EVENT_ID, ELSEWHERE])
async def test_counts_are_those_of_rows_side_by_side(
    database: Database, vault: Encryptor, seed: int, event_id: str
) -> None:
    await add_any(database, vault, seed)
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", event_id)
        counted = await tally.tally(session, context)
        joined = await tally.joined(session, context)
        stats = await event_stats(session, "host_a", event_id)
        failed = await list_rows(session, "host_a", event_id, RowQuery(states=("failed",), limit=MANY))
    # A part that failed in a row that is not shown makes the question be asked, and no more.
    counted.has_failed_parts = joined.has_failed_parts
    assert shown(counted, context) == shown(joined, context)
    groups = {each.group_id: each.count for each in stats.groups}
    assert groups.get("g_rule", 0) + groups.get("g_ungrouped", 0) == len(failed.items)


async def test_many_exceptions_are_counted_side_by_side(
    database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_any(database, vault, seed=1)
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        counted = await tally.tally(session, context)
        monkeypatch.setattr(tally, "EXCEPTIONS_MAX", 3)
        again = await tally.tally(session, context)
    assert shown(again, context) == shown(counted, context)


async def test_registrations_that_come_meanwhile_are_counted_with_their_jobs(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)

    async def come(number: int) -> None:
        for each in range(25):
            await add(database, simple(f"r{number}_{each}", "synced"))

    coming = asyncio.gather(*(come(number) for number in range(3)))
    while not coming.done():
        async with database.tenant("host_a") as session:
            context = await load_context(session, "host_a", EVENT_ID)
            counted = await tally.tally(session, context)
        assert set(counted.states) <= {StoredState("synced")}
        await asyncio.sleep(0)
    await coming
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        counted = await tally.tally(session, context)
    assert counted.states == {StoredState("synced"): 75}


async def test_version_rises_with_changes_of_the_event_however_much_else_changes(
    database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "LOOKED_BACK", 3)
    await add_connected_host(database, vault)
    await save(database, event(event_id=ELSEWHERE))
    long_ago, lately = hours_ago(5), hours_ago(2)
    await add(database, simple("r1", "synced", synced_at=long_ago), simple("r2", "synced", synced_at=lately))
    versions = [await _version(database)]
    for number in range(6):
        of_other = registration(f"o{number}", event_id=ELSEWHERE)
        await add(
            database, (of_other, job(f"o{number}", "synced", event_id=ELSEWHERE, synced_at=hours_ago(1)))
        )
    versions.append(await _version(database))
    async with database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET attempts = 1 WHERE registration_id = 'r1'"))
        number = await session.scalar(text("SELECT max(change_no) FROM sync_jobs"))
    versions.append(await _version(database))
    assert versions == sorted(versions)
    assert versions[-1] == number > versions[-2]
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        assert (await newest_change(session, context)).synced_at == lately


async def _version(database: Database) -> int:
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        return (await newest_change(session, context)).version


@pytest.mark.parametrize("looked_back", [2, 20, 1_000])
async def test_pages_in_the_order_of_changes_are_the_same_however_they_are_found(
    database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch, looked_back: int
) -> None:
    await add_any(database, vault, seed=2)
    async with database.tenant("host_a") as session:
        order = listing.ORDERS["-updated_at"]
        context = await load_context(session, "host_a", EVENT_ID)
        query = visible_registrations(context, *order.columns)
        expected = [row[1] for row in await session.execute(order.page(query, limit=MANY, cursor=None))]
    monkeypatch.setattr(newest, "LOOKED_BACK", looked_back)
    found: list[str] = []
    cursor: str | None = None
    while not found or cursor:
        async with database.tenant("host_a") as session:
            page = await list_rows(session, "host_a", EVENT_ID, RowQuery(limit=7, cursor=cursor))
        assert page.matched == len(expected)
        found += [row.registration_id for row in page.items]
        cursor = page.next_cursor
    assert found == expected


async def test_event_that_others_left_knows_them_no_more(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await save(database, event(event_id=ELSEWHERE))
    await add(database, simple("r1", "synced"), simple("r2", "failed", error=RULE))
    async with database.system() as session:
        await session.execute(update(Registration).values(event_id=ELSEWHERE))
    async with database.tenant("host_a") as session:
        left = await event_stats(session, "host_a", EVENT_ID)
        come = await event_stats(session, "host_a", ELSEWHERE)
    assert (left.counts.total, left.groups) == (0, [])
    assert (come.counts.total, come.counts.skipped) == (2, 2)
