"""The cost of claiming and of an event's statistics as finished work piles up behind them."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
from sqlalchemy import text

from app.registrations.stats import event_stats
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs import leases
from app.sync.jobs.claim import claim, orgs_with_work
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import EVENT, HOST, connect_host, register

WAITING = 1_000
CLAIMED = 200
EVENT_SIZE = 1_000
HOST_SIZE = 100_000
WARM_UP = 8
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE 'pk_%'"
TABLES = ["registrations", "sync_jobs"]
QUICKLY = """
    SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0;
    SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 2
"""
PAST_REGISTRATIONS = """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,
                               registered_at, confirmed_at, created_at, updated_at, change_no)
    SELECT 'host_' || n / $2, 'past_' || n, 'evt_past_' || n / $3, 'confirmed', '{}',
           'past' || n || '@x.example', now(), now(), now(), now(), now(), n
    FROM generate_series(1, $1::int) AS n
"""
PAST_JOBS = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state, written_version, due_at,
                           synced_at, created_at, updated_at, change_no)
    SELECT 'host_' || n / $2, 'past_' || n, 'evt_past_' || n / $3, 'org_' || n / $2, 'synced', 1, now(),
           now(), now(), now(), n
    FROM generate_series(1, $1::int) AS n
"""
OWN_PAST = """
    UPDATE sync_jobs SET state = 'synced', synced_at = now() WHERE registration_id > 'reg_0001000'
"""

Ask = Callable[[], Awaitable[float]]


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Milliseconds of each at every amount of the past; the same host and event are asked each time.

    Every amount is a database of its own, so that all are asked in turns: what else the machine does meets
    them in the same way. The ratios are medians of the turns' ratios, most over least.
    """
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    await register(rig, 1, WAITING + EVENT_SIZE, org_id=org_id)
    for amount in size.past:
        await _pile_up(rig, amount)
    async with AsyncExitStack() as stack:
        asked = {
            amount: _asked(
                (await stack.enter_async_context(rig.engine(database_url=rig.url_of(_name(amount)))))[0],
                org_id,
            )
            for amount in size.past
        }
        turns = await _in_turns(asked, size.claim_samples)
    for amount in size.past:
        await rig.drop_database(_name(amount))
    return _summary(turns, least=size.past[0], most=size.past[-1])


def _name(amount: int) -> str:
    return f"past_{amount}"


async def _pile_up(rig: Rig, amount: int) -> None:
    """Rows in bulk: without triggers, indexes rebuilt afterwards, then analysed."""
    started = time.perf_counter()
    await rig.copy_database(_name(amount))
    connection = await asyncpg.connect(rig.dsn_of(_name(amount)), timeout=10)
    await connection.execute(QUICKLY)
    await connection.execute(OWN_PAST)
    indexes = await connection.fetch(INDEXES, TABLES)
    for index in indexes:
        await connection.execute(f'DROP INDEX "{index["indexname"]}"')
    for statement in (PAST_REGISTRATIONS, PAST_JOBS):
        await connection.execute(statement, amount, HOST_SIZE, EVENT_SIZE, timeout=600)
    for index in indexes:
        await connection.execute(index["indexdef"], timeout=600)
    await connection.execute("VACUUM ANALYZE registrations, sync_jobs", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)
    await connection.close()
    print(f"bench: past: {amount:,} jobs in {time.perf_counter() - started:.0f} s", flush=True)


def _asked(engine: DrainContext, org_id: str) -> dict[str, Ask]:
    return {
        "claim_ms": lambda: _claim(engine, org_id),
        "sweep_ms": lambda: _sweep(engine),
        "stats_ms": lambda: _stats(engine),
    }


async def _in_turns(
    asked: Mapping[int, Mapping[str, Ask]], samples: int
) -> dict[str, list[dict[int, float]]]:
    """Of each question the turns, each with the milliseconds of every amount."""
    turns: dict[str, list[dict[int, float]]] = {}
    for turn in range(WARM_UP + samples):
        for name in next(iter(asked.values())):
            found = {amount: await questions[name]() * 1000 for amount, questions in asked.items()}
            if turn >= WARM_UP:
                turns.setdefault(name, []).append(found)
    return turns


def _summary(turns: Mapping[str, Sequence[Mapping[int, float]]], *, least: int, most: int) -> dict[str, Any]:
    past: dict[str, dict[str, float]] = {}
    ratios: dict[str, Any] = {}
    for name, found in turns.items():
        for amount in found[0]:
            past.setdefault(str(amount), {})[name] = statistics.median(turn[amount] for turn in found)
        ratios[f"ratio_{name}"] = statistics.median(turn[most] / turn[least] for turn in found)
    return {"past": past} | ratios


async def _claim(engine: DrainContext, org_id: str) -> float:
    """Claim a batch in the open, then let the transaction go, so that the next one finds the same."""
    lease = await leases.acquire(engine.database, org_id, owner="bench", life=60, send_window=60)
    assert lease is not None
    async with engine.database.tenant(HOST) as session:
        started = time.perf_counter()
        claimed = await claim(session, lease, HOST, limit=CLAIMED)
        seconds = time.perf_counter() - started
        await session.rollback()
    await leases.release(engine.database, lease)
    if len(claimed) != CLAIMED:
        raise AssertionError(f"{len(claimed)} of {CLAIMED} rows were claimed")
    return seconds


async def _sweep(engine: DrainContext) -> float:
    started = time.perf_counter()
    orgs = await orgs_with_work(engine.database, limit=500)
    seconds = time.perf_counter() - started
    if len(orgs) != 1:
        raise AssertionError(f"{len(orgs)} orgs were found with work")
    return seconds


async def _stats(engine: DrainContext) -> float:
    async with engine.database.tenant(HOST) as session:
        await session.execute(text("SELECT 1"))
        started = time.perf_counter()
        await event_stats(session, HOST, EVENT)
        return time.perf_counter() - started
