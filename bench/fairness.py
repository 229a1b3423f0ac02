"""What a large backfill of one org does to the live traffic of fifty others."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from bench.backlog import LATENCY_MS
from bench.load import registration, request_bytes, send
from bench.rig import Org, Rig, until_drained
from bench.sizes import Size
from bench.stage import EVENT, HOST, connect_host, register

OTHERS = 50
PER_SECOND = 4
WORKERS = 2
DRAIN_SECONDS = 30
START_SECONDS = 30
WARM_UP_SECONDS = 3
CONTROL = {"WORKER_DRAINS": "1"}
"""One slot a worker: its holder excludes all others. Shows that the measurement detects it."""

# Whoever is not there yet has waited until now.
DELAYS = """
    SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM coalesce(job.synced_at, clock_timestamp()) - delivery.received_at)::float8
    ), count(*), count(*) FILTER (WHERE job.synced_at IS NULL)
    FROM sync_jobs AS job
    JOIN deliveries AS delivery ON delivery.host_id = job.host_id
     AND delivery.registration_id = job.registration_id
    WHERE job.host_id LIKE 'other_%' AND delivery.received_at > $1
"""
READY = "SELECT count(*) FROM worker_heartbeats"
LEFT = "SELECT count(*) FROM sync_jobs WHERE host_id = $1 AND state IN ('pending', 'running')"


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """p50 and p95 of webhook to record for the fifty: alone, beside the backfill, and beside it in one slot.

    Salesforce is not our machine: its simulators leave the processors to the service. The one with the
    backfill is a process of its own.
    """
    crowd, heavy = rig.simulator(is_polite=True), rig.simulator(is_polite=True)
    alone = await _case(rig, size, (crowd, heavy), backfill=0)
    if alone["unfinished"]:
        raise AssertionError(
            f"even alone {alone['unfinished']} of {alone['attendees']} were not written in time"
        )
    beside = await _case(rig, size, (crowd, heavy), backfill=size.fair_backfill)
    control = await _case(rig, size, (crowd, heavy), backfill=size.fair_backfill, **CONTROL)
    return {
        "alone": alone,
        "beside_backfill": beside,
        "control_one_slot": control,
        "backfill": size.fair_backfill,
        "ratio_p95": beside["p95_seconds"] / alone["p95_seconds"],
        "control_ratio_p95": control["p95_seconds"] / alone["p95_seconds"],
    }


async def _case(rig: Rig, size: Size, orgs: tuple[Org, Org], *, backfill: int, **env: str) -> dict[str, Any]:
    await rig.empty()
    crowd, heavy = orgs
    for number in range(OTHERS):
        await connect_host(rig, crowd, host_id=f"other_{number}", org_id=f"00DOTHER{number:04}")
    org_id = await connect_host(rig, heavy, org_id="00DHEAVY")
    for org in orgs:
        org.configure(latency_ms=LATENCY_MS)
    if backfill:
        await register(rig, 1, backfill, org_id=org_id)
    return await _delays(rig, size.fair_seconds, backfill=backfill, env=env)


async def _delays(rig: Rig, seconds: float, *, backfill: int, env: dict[str, str]) -> dict[str, Any]:
    api = rig.api()
    workers = [rig.worker(**env) for _ in range(WORKERS)]
    connection = await rig.sql()
    await _until_at_work(connection, backfill)
    await _live_traffic(rig, api.url, WARM_UP_SECONDS, first=0)
    since = await connection.fetchval("SELECT clock_timestamp()")
    await _live_traffic(rig, api.url, seconds, first=1_000)
    left = await connection.fetchval(LEFT, HOST)
    with suppress(TimeoutError):
        await until_drained(rig, within=DRAIN_SECONDS, hosts="other_%")
    (p50, p95), count, unfinished = await connection.fetchrow(DELAYS, since)
    await connection.close()
    for service in (*workers, api):
        rig.stop(service)
    return {
        "p50_seconds": p50,
        "p95_seconds": p95,
        "attendees": count,
        "unfinished": unfinished,
        "backfill_left": left,
    }


async def _until_at_work(connection: Any, backfill: int) -> None:
    """Until all workers are there and the backfill is under way, for at most START_SECONDS."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while await connection.fetchval(READY) < WORKERS:  # noqa: ASYNC110 -- there is no event
                await asyncio.sleep(0.2)
            while backfill and await connection.fetchval(LEFT, HOST) == backfill:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def _live_traffic(rig: Rig, url: str, seconds: float, *, first: int) -> None:
    """Registrations of the fifty in turn, evenly in time."""
    started = time.perf_counter()
    for count in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0.0, started + count / PER_SECOND - time.perf_counter()))
        number = first + count
        payload = registration(number, host_id=f"other_{number % OTHERS}", event_id=EVENT)
        await send(url, [request_bytes(url, rig.webhook_secret, f"msg_{number}", payload)], connections=1)
