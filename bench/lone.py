"""What one registration by itself costs: most hosts never have two at the same moment."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool

from bench.backlog import LATENCY_MS
from bench.load import registration, request_bytes, send
from bench.rig import Org, Rig, Service, until_drained
from bench.sizes import Size
from bench.stage import ARM, EVENT, PUT_REGISTRATIONS, connect_hosts
from bench.textbook import QUEUE, WRITE
from bench.wire import Counts, Wire
from bench.worker import NO_CHORES

ORGS = 400
CONNECTIONS = 16
WARM_UP = 3
SAMPLES = 15
SETTLE_SECONDS = 0.25
DRAIN_SECONDS = 150
QUIET = {NO_CHORES: "1", "TIMES_SWEEP": "600", "TIMES_HEARTBEAT": "600", "TIMES_LEASE": "1800"}
"""A worker that says nothing to Postgres but for its drains."""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Statements and transactions of one; then, with 400 orgs live, processor of one and how many a second.

    Beside it the textbook job, which gets its registrations from a table that somebody else filled.
    """
    org = rig.org
    counted = await _counts(rig, org)
    await _connect(rig, org)
    ours = await _ours(rig, size.lone_rounds)
    peer = await _textbook(rig, org, size.lone_rounds)
    org.configure(latency_ms=0)
    return {"orgs": ORGS, "latency_ms": LATENCY_MS, **counted, "ours": ours, "peer": peer}


async def _connect(rig: Rig, org: Org) -> None:
    await rig.empty()
    org.configure(latency_ms=LATENCY_MS)
    await connect_hosts(rig, org, {_host(number): _org_id(number) for number in range(ORGS)})


def _host(number: int) -> str:
    return f"lone_{number % ORGS:03}"


def _org_id(number: int) -> str:
    return f"00DLONE{number % ORGS:05}"


async def _counts(rig: Rig, org: Org) -> dict[str, Any]:
    """Medians for one registration in a worker and in an API that do nothing else."""
    await rig.empty()
    await connect_hosts(rig, org, {_host(0): _org_id(0)})
    of_api, of_worker = Wire(rig.engines.database_url), Wire(rig.engines.database_url)
    async with of_api.opened() as api_url, of_worker.opened() as worker_url:
        worker = await asyncio.to_thread(rig.worker, DATABASE_URL=worker_url, **QUIET)
        api = await asyncio.to_thread(rig.api, DATABASE_URL=api_url)
        found = [
            await _counted(rig, api.url, number, (of_api.counts, of_worker.counts))
            for number in range(WARM_UP + SAMPLES)
        ][WARM_UP:]
        for service in (worker, api):
            await asyncio.to_thread(rig.stop, service)
    return {
        who: {
            name: statistics.median(asdict(each[place])[name] for each in found)
            for name in ("transactions", "statements", "round_trips")
        }
        for place, who in enumerate(("api", "worker"))
    }


async def _counted(rig: Rig, url: str, number: int, counts: tuple[Counts, Counts]) -> tuple[Counts, ...]:
    before = [each.copy() for each in counts]
    payload = registration(number, host_id=_host(0))
    await send(url, [request_bytes(url, rig.webhook_secret, f"msg_c{number}", payload)], connections=1)
    await until_drained(rig, within=DRAIN_SECONDS, every=0.02)
    await asyncio.sleep(SETTLE_SECONDS)
    return tuple(each.since(then) for each, then in zip(counts, before, strict=True))


async def _ours(rig: Rig, rounds: int) -> dict[str, float]:
    api, worker = rig.api(), rig.worker()
    await _round(rig, api, 0)
    before = {"api": api.cpu_seconds, "worker": worker.cpu_seconds}
    seconds = [await _round(rig, api, 1 + number) for number in range(rounds)]
    found = {
        f"{name}_cpu_ms": (service.cpu_seconds - before[name]) / (ORGS * rounds) * 1000
        for name, service in (("api", api), ("worker", worker))
    }
    rig.stop(worker)
    rig.stop(api)
    return {**found, "per_second": ORGS / statistics.median(seconds)}


async def _round(rig: Rig, api: Service, number: int) -> float:
    """One registration for each org; seconds from the first webhook until the last one is written."""
    numbers = range(number * ORGS, (number + 1) * ORGS)
    wire = [
        request_bytes(api.url, rig.webhook_secret, f"msg_l{each}", registration(each, host_id=_host(each)))
        for each in numbers
    ]
    started = time.perf_counter()
    await send(api.url, wire, connections=CONNECTIONS)
    await until_drained(rig, within=DRAIN_SECONDS, every=0.05)
    return time.perf_counter() - started


async def _textbook(rig: Rig, org: Org, rounds: int) -> dict[str, float]:
    redis = RedisSettings.from_dsn(rig.engines.redis_url)
    pool = await create_pool(redis, default_queue_name=QUEUE)
    wire = Wire(rig.engines.database_url)
    about = {"BENCH_ORG": org.url, "BENCH_TOKEN": str(org.session["access_token"])}
    async with _worker_of_textbook(rig, about) as worker:
        await _textbook_round(rig, pool, range(100_000, 100_000 + ORGS))
        cpu = worker.cpu_seconds
        seconds = [
            await _textbook_round(rig, pool, range(101_000 + turn * ORGS, 101_000 + (turn + 1) * ORGS))
            for turn in range(rounds)
        ]
        cpu = worker.cpu_seconds - cpu
    async with wire.opened() as url, _worker_of_textbook(rig, about | {"DATABASE_URL": url}):
        await _textbook_round(rig, pool, range(200_000, 200_000 + WARM_UP))
        before = wire.counts.copy()
        for number in range(SAMPLES):
            await _textbook_round(rig, pool, range(201_000 + number, 201_001 + number))
        counts = asdict(wire.counts.since(before))
    await pool.aclose(close_connection_pool=True)
    return {
        "worker_cpu_ms": cpu / (ORGS * rounds) * 1000,
        "per_second": ORGS / statistics.median(seconds),
        **{name: value / SAMPLES for name, value in counts.items()},
    }


@asynccontextmanager
async def _worker_of_textbook(rig: Rig, env: dict[str, str]) -> AsyncIterator[Service]:
    service = rig.process("textbook", ["-m", "bench.textbook"], env)
    yield service
    await asyncio.to_thread(rig.stop, service)


async def _textbook_round(rig: Rig, pool: ArqRedis, numbers: range) -> float:
    connection = await rig.sql()
    for each in numbers:
        await connection.execute(PUT_REGISTRATIONS, _host(each), EVENT, each, each)
        await connection.execute(ARM, _host(each), EVENT, _org_id(each), 0, "live", each, each)
    started = time.perf_counter()
    for each in numbers:
        await pool.enqueue_job(WRITE, _host(each), f"reg_{each:07}")
    await connection.close()
    await until_drained(rig, within=DRAIN_SECONDS, every=0.05)
    return time.perf_counter() - started
