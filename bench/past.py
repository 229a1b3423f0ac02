"""The cost of claiming and of an event's statistics as finished work piles up behind them."""

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import text

from app.monitor.stats import event_stats
from app.sync import leases
from app.sync.claim import claim, orgs_with_work
from app.sync.drain import Engine
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import EVENT, HOST, connect_host, register

WAITING = 1_000
CLAIMED = 200
EVENT_SIZE = 1_000
HOST_SIZE = 100_000
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE 'pk_%'"
TABLES = ["registrations", "sync_jobs"]
PAST_REGISTRATIONS = """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,
                               registered_at, confirmed_at, created_at, updated_at, change_no)
    SELECT 'host_' || n / $3, 'past_' || n, 'evt_past_' || n / $4, 'confirmed', '{}',
           'past' || n || '@x.example', now(), now(), now(), now(), now(), n
    FROM generate_series($1::int, $2::int) AS n
"""
PAST_JOBS = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state, written_version, due_at,
                           synced_at, created_at, updated_at, change_no)
    SELECT 'host_' || n / $3, 'past_' || n, 'evt_past_' || n / $4, 'org_' || n / $3, 'synced', 1, now(),
           now(), now(), now(), n
    FROM generate_series($1::int, $2::int) AS n
"""
OWN_PAST = """
    UPDATE sync_jobs SET state = 'synced', synced_at = now() WHERE registration_id > 'reg_0001000'
"""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Milliseconds of each at every amount of the past; the same host and event are asked each time."""
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    await register(rig, 1, WAITING + EVENT_SIZE, org_id=org_id)
    connection = await rig.sql()
    await connection.execute(OWN_PAST)
    found, stood = {}, 0
    for amount in size.past:
        await _pile_up(connection, stood, amount)
        stood = amount
        found[str(amount)] = await _costs(rig, org_id, size.claim_samples)
    await connection.close()
    first, last = (found[str(size.past[index])] for index in (0, -1))
    ratios = {f"ratio_{name}": last[name] / first[name] for name in first}
    return {"past": found} | ratios


async def _pile_up(connection: "asyncpg.Connection[Any]", stood: int, amount: int) -> None:
    """Rows in bulk: without triggers, indexes made anew afterwards, then analysed."""
    await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '512MB'; SET statement_timeout = 0")
    indexes = await connection.fetch(INDEXES, TABLES)
    for index in indexes:
        await connection.execute(f'DROP INDEX "{index["indexname"]}"')
    for statement in (PAST_REGISTRATIONS, PAST_JOBS):
        await connection.execute(statement, stood, amount - 1, HOST_SIZE, EVENT_SIZE, timeout=600)
    for index in indexes:
        await connection.execute(index["indexdef"], timeout=600)
    await connection.execute("VACUUM ANALYZE registrations, sync_jobs", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)


async def _costs(rig: Rig, org_id: str, samples: int) -> dict[str, float]:
    async with rig.engine() as (engine, _):
        asked: dict[str, Callable[[], Awaitable[float]]] = {
            "claim_ms": lambda: _claim(engine, org_id),
            "sweep_ms": lambda: _sweep(engine),
            "stats_ms": lambda: _stats(engine),
        }
        return {name: await _median(ask, samples) for name, ask in asked.items()}


async def _median(ask: Callable[[], Awaitable[float]], samples: int) -> float:
    for _ in range(8):
        await ask()
    return statistics.median([await ask() for _ in range(samples)]) * 1000


async def _claim(engine: Engine, org_id: str) -> float:
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


async def _sweep(engine: Engine) -> float:
    started = time.perf_counter()
    orgs = await orgs_with_work(engine.database, limit=500)
    seconds = time.perf_counter() - started
    if len(orgs) != 1:
        raise AssertionError(f"{len(orgs)} orgs were found with work")
    return seconds


async def _stats(engine: Engine) -> float:
    async with engine.database.tenant(HOST) as session:
        await session.execute(text("SELECT 1"))
        started = time.perf_counter()
        await event_stats(session, HOST, EVENT)
        return time.perf_counter() - started
