"""From a webhook to the records in Salesforce on an idle system, over what its calls alone must take."""

import asyncio
import statistics
import time
from typing import Any

import asyncpg

from bench.backlog import LATENCY_MS
from bench.load import registration, request_bytes, send
from bench.rig import Rig, until_none_left
from bench.sizes import Size
from bench.stage import connect_host

SETTLE_SECONDS = 0.3
WARM_UP = 3
LOOK_EVERY_SECONDS = 0.001


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Medians of lone new attendees, one after the other; the org's own call counter tells the floor.

    `worker_cpu_seconds` is for one of them, idling between them included.
    """
    await rig.empty()
    await connect_host(rig, rig.org)
    rig.org.configure(latency_ms=LATENCY_MS)
    api, worker = rig.api(), rig.worker()
    watching = await rig.sql()
    warmed_up = [await _sample(rig, watching, api.url, number) for number in range(WARM_UP)]
    _, expected_calls = warmed_up[-1]
    cpu_before = worker.cpu_seconds
    samples = [
        await _sample(rig, watching, api.url, WARM_UP + number, expected_calls=expected_calls)
        for number in range(size.latency_samples)
    ]
    cpu = (worker.cpu_seconds - cpu_before) / size.latency_samples
    await watching.close()
    rig.stop(worker)
    rig.stop(api)
    rig.org.configure(latency_ms=0)
    calls = statistics.median(calls for _, calls in samples)
    seconds = statistics.median(seconds for seconds, _ in samples)
    floor = calls * LATENCY_MS / 1000
    return {
        "seconds": seconds,
        "calls": calls,
        "floor_seconds": floor,
        "ratio_to_floor": seconds / floor,
        "worker_cpu_seconds": cpu,
    }


async def _sample(
    rig: Rig, watching: "asyncpg.Connection[Any]", url: str, number: int, *, expected_calls: int = 0
) -> tuple[float, int]:
    """Seconds and calls of one. Nobody looks for its end before so many calls can be over, and then each
    millisecond: a look takes processor from what it waits for, and the time between two looks is not ours.
    """
    before = rig.org.calls()
    wire = request_bytes(url, rig.webhook_secret, f"msg_{number}", registration(number))
    started = time.perf_counter()
    await send(url, [wire], connections=1)
    await asyncio.sleep(started + expected_calls * LATENCY_MS / 1000 - time.perf_counter())
    await until_none_left(watching, within=30, every=LOOK_EVERY_SECONDS)
    seconds = time.perf_counter() - started
    await asyncio.sleep(SETTLE_SECONDS)
    return seconds, rig.org.calls() - before
