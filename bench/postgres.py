"""Postgres' own part of a registration: alone, in a group of webhooks, and in a backfill of thousands."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.infrastructure.job_queue import DrainQueue
from bench import wal
from bench.load import registration, request_bytes, send
from bench.lone import QUIET
from bench.rig import Rig, Service, until_drained
from bench.sizes import Size
from bench.stage import ARM, EVENT, PUT_REGISTRATIONS, connect_hosts
from bench.wire import Wire

HOSTS = 20
GROUP_HOST, BACKFILL_HOST = "pg_00", "pg_01"
BACKFILL = 200_000
"""Number of its first registration."""
CONNECTIONS = 64
WARM_UP = 20
LONE_SECONDS = 0.3
"""Several times what one takes where Salesforce answers at once."""
DRAIN_SECONDS = 120
FLUSH_SECONDS = 11.0
"""A session that is idle for ten seconds has told its counts."""

TOTALS = """
    SELECT blks_hit AS buffers_hit, blks_read AS buffers_read
    FROM pg_stat_database WHERE datname = current_database()
"""
SIZES = """
    SELECT relname AS name, pg_total_relation_size(oid)::float8 AS bytes
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
SCANS = "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes"

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """The services at work, and the counted ways to Postgres."""

    rig: Rig
    api: Service
    wires: tuple[Wire, Wire]

    def said(self, name: str) -> int:
        """Statements or transactions of the services so far."""
        return sum(getattr(wire.counts, name) for wire in self.wires)


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """For each case what one registration costs, from the webhook to the finished job; then a vacuum.

    The processes do nothing else meanwhile: no chores, no sweeps, no heartbeats.
    """
    await rig.empty()
    await connect_hosts(rig, rig.org, {_host(number): _org_id(number) for number in range(HOSTS)})
    connection = await rig.sql()
    await connection.execute(wal.EXTENSION)
    lone, group, backfill = size.pg_lone, size.pg_group, size.pg_backfill
    async with _at_work(rig) as stage:
        await _lone(stage, range(WARM_UP))
        found = {
            "lone": await _counted(
                stage, connection, lone, partial(_lone, stage, range(1_000, 1_000 + lone))
            ),
            "group": await _counted(stage, connection, group, partial(_group, stage, group)),
        }
        await connection.execute(PUT_REGISTRATIONS, BACKFILL_HOST, EVENT, BACKFILL, BACKFILL + backfill - 1)
        work = partial(_backfill, stage, backfill)
        found["backfill"] = await _counted(stage, connection, backfill, work)
    found["vacuum"] = await _vacuum(rig, connection, WARM_UP + lone + group + backfill)
    await connection.close()
    return found


def _host(number: int) -> str:
    return f"pg_{number % HOSTS:02}"


def _org_id(number: int) -> str:
    return f"00DPG{number % HOSTS:010}"


@asynccontextmanager
async def _at_work(rig: Rig) -> AsyncIterator[Stage]:
    of_api, of_worker = Wire(rig.engines.database_url), Wire(rig.engines.database_url)
    async with of_api.opened() as api_url, of_worker.opened() as worker_url:
        worker = await asyncio.to_thread(rig.worker, DATABASE_URL=worker_url, **QUIET)
        api = await asyncio.to_thread(rig.api, DATABASE_URL=api_url)
        yield Stage(rig, api, (of_api, of_worker))
        for service in (worker, api):
            await asyncio.to_thread(rig.stop, service)


async def _lone(stage: Stage, numbers: range) -> None:
    """One after the other, each finished before the next one comes. Nobody asks Postgres whether it is."""
    for number in numbers:
        payload = registration(number, host_id=_host(number))
        wire = request_bytes(stage.api.url, stage.rig.webhook_secret, f"msg_{number}", payload)
        await send(stage.api.url, [wire], connections=1)
        await asyncio.sleep(LONE_SECONDS)
    await until_drained(stage.rig, within=DRAIN_SECONDS)


async def _group(stage: Stage, count: int) -> None:
    """Webhooks of one host that come together."""
    wire = [
        request_bytes(
            stage.api.url, stage.rig.webhook_secret, f"msg_g{each}", registration(each, host_id=GROUP_HOST)
        )
        for each in range(100_000, 100_000 + count)
    ]
    await send(stage.api.url, wire, connections=CONNECTIONS)
    await until_drained(stage.rig, within=DRAIN_SECONDS)


async def _backfill(stage: Stage, count: int) -> None:
    """The jobs of registrations that are there already, and all that follows."""
    org_id, last = _org_id(1), BACKFILL + count - 1
    connection = await stage.rig.sql()
    await connection.execute(ARM, BACKFILL_HOST, EVENT, org_id, 10, "link", BACKFILL, last)
    await connection.close()
    wakeups = DrainQueue(stage.rig.engines.redis_url)
    await wakeups.announce([org_id])
    await until_drained(stage.rig, within=DRAIN_SECONDS)
    await wakeups.close()


async def _counted(stage: Stage, connection: Any, count: int, work: Work) -> dict[str, Any]:
    """What the work cost Postgres, for each of `count` registrations, and by table and index."""
    await asyncio.sleep(FLUSH_SECONDS)
    await connection.execute("CHECKPOINT")
    before, sizes, scans = (
        await connection.fetchrow(TOTALS),
        await _sizes(connection),
        await _scans(connection),
    )
    said = {name: stage.said(name) for name in ("statements", "transactions")}
    cpu, begun = _cpu_seconds(stage.rig), await wal.place(connection)
    await work()
    ended, cpu = await wal.place(connection), _cpu_seconds(stage.rig) - cpu
    await asyncio.sleep(FLUSH_SECONDS)
    after, scanned = await connection.fetchrow(TOTALS), await _scans(connection)
    log = await wal.written(connection, begun, ended)
    each = {name: after[name] - before[name] for name in before.keys()}  # noqa: SIM118 -- a record is no dict
    each |= {
        **{name: stage.said(name) - value for name, value in said.items()},
        "cpu_ms": cpu * 1000,
        "wal_bytes": log.wal_bytes,
        "full_page_bytes": log.full_page_bytes,
        "pages_written": log.pages,
        "disk_bytes": sum((await _sizes(connection)).values()) - sum(sizes.values()),
        **{name: log.rows[name] for name in wal.ROWS},
    }
    relations = {name: dict(rows) for name, rows in log.by_relation.items()}
    return {
        "registrations": count,
        "each": {name: value / count for name, value in each.items()},
        "relations": {name: _of_each(rows, count) for name, rows in sorted(relations.items())},
        "never_scanned": sorted(
            name
            for name, rows in relations.items()
            if "index_entries" in rows and scanned.get(name, 0) == scans.get(name, 0)
        ),
    }


def _of_each(rows: dict[str, int], count: int) -> dict[str, float]:
    return {name: round(value / count, 3) for name, value in sorted(rows.items())}


async def _vacuum(rig: Rig, connection: Any, count: int) -> dict[str, float]:
    """What a vacuum of all that was written costs, for each registration."""
    begun, cpu = await wal.place(connection), _cpu_seconds(rig)
    await connection.execute("VACUUM (ANALYZE)", timeout=DRAIN_SECONDS)
    ended, cpu = await wal.place(connection), _cpu_seconds(rig) - cpu
    log = await wal.written(connection, begun, ended)
    return {"cpu_ms": cpu * 1000 / count, "wal_bytes": log.wal_bytes / count, "pages": log.pages / count}


async def _sizes(connection: Any) -> dict[str, float]:
    return {row["name"]: row["bytes"] for row in await connection.fetch(SIZES)}


async def _scans(connection: Any) -> dict[str, int]:
    return {row["indexrelname"]: row["idx_scan"] for row in await connection.fetch(SCANS)}


def _cpu_seconds(rig: Rig) -> float:
    """Processor time of Postgres so far: of its sessions, of those that ended, and of what runs by itself."""
    postmaster = (rig.engines.data_directory / "postmaster.pid").read_text().split("\n")[0]
    running = [status for status in map(_status, Path("/proc").glob("[0-9]*")) if status]
    own = next(each for each in running if each[0] == postmaster)
    ticks = sum(map(int, own[1][11:15])) + sum(
        sum(map(int, fields[11:13])) for _, fields in running if fields[1] == postmaster
    )
    return ticks / os.sysconf("SC_CLK_TCK")


def _status(process: Path) -> tuple[str, list[str]] | None:
    """Its id, and the fields of its status behind the name: the second is its parent's id."""
    try:
        return process.name, (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
