"""A very large backfill: minutes, and how far the memory of API and worker grows from its first tenth on."""

import asyncio
import time
from typing import Any

import httpx

from bench.rig import Rig, Service
from bench.sizes import Size
from bench.stage import EVENT, HOST, PUT_REGISTRATIONS, connect_host

EVERY_SECONDS = 1.0
PUT_BACKFILL = """
    INSERT INTO backfills (host_id, backfill_id, event_id, org_id, reason, total, requested_by)
    VALUES ($1, 'bf_bench', $2, $3, 'link', $4, 'bench')
"""
SYNCED = "SELECT count(*) FROM sync_jobs WHERE host_id = $1 AND event_id = $2 AND state = 'synced'"

NOT_SYNCED = """
    SELECT state, count(*) AS jobs, min(error_code) AS error_code FROM sync_jobs
    WHERE host_id = $1 AND event_id = $2 AND state IN ('failed', 'held', 'skipped') GROUP BY state
"""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """One worker and a simulated org without latency; the API feeds a live stream of the event meanwhile."""
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    connection = await rig.sql()
    await connection.execute(PUT_REGISTRATIONS, HOST, EVENT, 1, size.large_backfill, timeout=300)
    api = rig.api()
    watching = asyncio.create_task(_watch(rig, api))
    worker = rig.worker()
    began = time.perf_counter()
    await connection.execute(PUT_BACKFILL, HOST, EVENT, org_id, size.large_backfill)
    first = await _until(connection, size.large_backfill // 10, (api, worker))
    print(f"bench: large_backfill: a tenth after {time.perf_counter() - began:.0f} s", flush=True)
    last = await _until(connection, size.large_backfill, (api, worker))
    seconds = time.perf_counter() - began
    watching.cancel()
    await connection.close()
    rig.stop(worker)
    rig.stop(api)
    return {
        "registrations": size.large_backfill,
        "minutes": seconds / 60,
        "per_second": size.large_backfill / seconds,
        "api": _grown(first[0], last[0]),
        "worker": _grown(first[1], last[1]),
        "growth_mebibytes": max(end - begin for begin, end in zip(first, last, strict=True)),
    }


def _grown(first: float, last: float) -> dict[str, float]:
    return {"first_mebibytes": first, "peak_mebibytes": last}


async def _until(connection: Any, count: int, services: tuple[Service, Service]) -> tuple[float, float]:
    """The peaks of memory once so many are in Salesforce.

    Raises AssertionError when some ended as something else: the others alone never get there.
    """
    while await connection.fetchval(SYNCED, HOST, EVENT) < count:
        if ended := await connection.fetch(NOT_SYNCED, HOST, EVENT):
            raise AssertionError(f"the backfill left some unwritten: {[dict(each) for each in ended]}")
        await asyncio.sleep(EVERY_SECONDS)
    api, worker = services
    return api.peak_mebibytes, worker.peak_mebibytes


async def _watch(rig: Rig, api: Service) -> None:
    """Read the event's stream until cancelled."""
    headers = {"authorization": f"Bearer {rig.secrets.token({HOST: 'owner'})}"}
    url = f"{api.url}/v1/hosts/{HOST}/events/{EVENT}/salesforce/stream"
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as http,
        http.stream("GET", url, headers=headers) as response,
    ):
        response.raise_for_status()
        async for _ in response.aiter_raw():
            pass
