"""What a large backfill of one org does to the live traffic of fifty others."""

import asyncio
import time
from typing import Any

from bench.backlog import LATENCY_MS
from bench.load import registration, request_bytes, send
from bench.rig import Rig, until_drained
from bench.sizes import Size
from bench.stage import EVENT, HOST, connect_host, register

OTHERS = 50
PER_SECOND = 8
DRAIN_SECONDS = 60
DELAYS = """
    SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM job.synced_at - delivery.received_at)::float8
    ), count(*)
    FROM sync_jobs AS job
    JOIN deliveries AS delivery ON delivery.host_id = job.host_id
     AND delivery.registration_id = job.registration_id
    WHERE job.host_id LIKE 'other_%'
"""
LEFT = "SELECT count(*) FROM sync_jobs WHERE host_id = $1 AND state IN ('pending', 'running')"


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """p50 and p95 of webhook to record for the fifty, alone and beside the backfill.

    Salesforce is not our machine: its simulators leave the processors to the service. The one with the
    backfill is a process of its own.
    """
    crowd, heavy = rig.simulator(is_polite=True), rig.simulator(is_polite=True)
    found = {}
    for name, backfill in (("alone", 0), ("beside_backfill", size.fair_backfill)):
        await rig.empty()
        for number in range(OTHERS):
            host_id = f"other_{number}"
            await connect_host(rig, crowd, host_id=host_id, org_id=f"00DOTHER{number:04}")
        org_id = await connect_host(rig, heavy, org_id="00DHEAVY")
        for org in (crowd, heavy):
            org.configure(latency_ms=LATENCY_MS)
        found[name] = await _delays(rig, size, org_id=org_id, backfill=backfill)
    return found | {"ratio_p95": found["beside_backfill"]["p95_seconds"] / found["alone"]["p95_seconds"]}


async def _delays(rig: Rig, size: Size, *, org_id: str, backfill: int) -> dict[str, Any]:
    if backfill:
        await register(rig, 1, backfill, org_id=org_id)
    api, worker = rig.api(), rig.worker()
    await _live_traffic(rig, api.url, size.fair_seconds)
    connection = await rig.sql()
    left = await connection.fetchval(LEFT, HOST)
    rig.stop(api)
    await _until_others_are_done(rig)
    (p50, p95), count = await connection.fetchrow(DELAYS)
    await connection.close()
    rig.stop(worker)
    return {"p50_seconds": p50, "p95_seconds": p95, "attendees": count, "backfill_left": left}


async def _live_traffic(rig: Rig, url: str, seconds: float) -> None:
    """Registrations of the fifty in turn, evenly in time."""
    started = time.perf_counter()
    for number in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.perf_counter()))
        payload = registration(number, host_id=f"other_{number % OTHERS}", event_id=EVENT)
        await send(url, [request_bytes(url, rig.webhook_secret, f"msg_{number}", payload)], connections=1)


async def _until_others_are_done(rig: Rig) -> None:
    await until_drained(rig, within=DRAIN_SECONDS, hosts="other_%")
