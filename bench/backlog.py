"""The time to drain a backlog at Salesforce's distance, beside the plain script and beside the bare calls."""

import asyncio
import time
from typing import Any

from bench.calls import drain_all
from bench.peer import Script
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import connect_host, register

LATENCY_MS = 120
"""About what a call to Salesforce takes from another continent's data centre."""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Seconds for the backlog; the floor is calls × latency, with an org that takes no time of its own.

    `at_salesforce` is how long the simulated org worked for itself: the same backlog without any latency,
    measured as its processor time.
    """
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    await register(rig, 1, size.drain, org_id=org_id)
    rig.org.configure(latency_ms=LATENCY_MS)
    calls_before, cpu_before, own_before = rig.org.calls(), rig.org_cpu_seconds, time.process_time()
    seconds = await _timed(drain_all(rig, org_id))
    calls, org_cpu = rig.org.calls() - calls_before, rig.org_cpu_seconds - cpu_before
    own_cpu = time.process_time() - own_before
    script_seconds = await _timed(asyncio.to_thread(_run, Script.of(rig.org), size.peer))
    rig.org.configure(latency_ms=0)
    floor = calls * LATENCY_MS / 1000
    return {
        "attendees": size.drain,
        "seconds": seconds,
        "calls": calls,
        "floor_seconds": floor,
        "simulator_cpu_seconds": org_cpu,
        "engine_cpu_seconds": own_cpu,
        "ratio_to_floor": seconds / floor,
        "ratio_to_floor_with_simulator": seconds / (floor + org_cpu),
        "peer_seconds": script_seconds / size.peer * size.drain,
        "peer_measured_on": size.peer,
    }


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _run(script: Script, count: int) -> None:
    for number in range(1_000_001, 1_000_001 + count):
        script.add(number)
