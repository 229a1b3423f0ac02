"""A thousand live streams in one API process: what they cost at rest and while rows change, and the limit."""

import asyncio
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.rig import Rig, Service
from bench.sizes import Size
from bench.stage import ARM, EVENT, PUT_REGISTRATIONS, connect_hosts

ROWS_A_HOST = 20
OPEN_AT_ONCE = 8
SETTLE_SECONDS = 15.0
CHANGES_A_SECOND = 10
LATE_SECONDS = 20.0
REST = """
    UPDATE sync_jobs SET state = 'synced', synced_at = now()
"""
CHANGE = "UPDATE sync_jobs SET attempts = attempts + 1 WHERE host_id = $1 AND registration_id = $2"
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


@dataclass
class Stream:
    """One open stream; `heard_at`: when a row came last, and `rows` how many did."""

    host_id: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard_at: list[float] = field(default_factory=list)

    async def listen(self) -> None:
        while chunk := await self.reader.read(1 << 16):
            if b"event: row" in chunk:
                self.heard_at.append(time.perf_counter())


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """A stream each for as many hosts, which is the worst that there is: a host's streams share its feed."""
    await rig.empty()
    hosts = [f"host_{number:04}" for number in range(size.large_streams)]
    await _fill(rig, hosts)
    api = rig.api()
    before = _memory(api)
    streams = await _open(rig, api, hosts)
    listening = [asyncio.create_task(each.listen()) for each in streams]
    await asyncio.sleep(SETTLE_SECONDS)
    found = {
        "streams": len(streams),
        "kibibytes_each": (_memory(api) - before) * 1024 / len(streams),
        "descriptors": _descriptors(api),
        "rest": await _cost(rig, api, size.large_seconds),
        "changes": await _changes(rig, api, streams, size.large_seconds),
        "beyond": await _beyond(rig, api, hosts[0], is_full=len(streams) == 1000),
    }
    for task in listening:
        task.cancel()
    for each in streams:
        each.writer.close()
    rig.stop(api)
    return found


async def _fill(rig: Rig, hosts: list[str]) -> None:
    await connect_hosts(rig, rig.org, {host: f"00DSTREAM{host[5:]}" for host in hosts})
    connection = await rig.sql()
    for host in hosts:
        await connection.execute(PUT_REGISTRATIONS, host, EVENT, 1, ROWS_A_HOST)
        await connection.execute(ARM, host, EVENT, f"00DSTREAM{host[5:]}", 0, "live", 1, ROWS_A_HOST)
    await connection.execute(REST)
    await connection.execute("VACUUM ANALYZE", timeout=120)
    await connection.close()
    print(f"bench: large_streams: {len(hosts):,} hosts", flush=True)


async def _open(rig: Rig, api: Service, hosts: list[str]) -> list[Stream]:
    """All of them, each past its first stats. Raises AssertionError for one that is refused."""
    streams: list[Stream] = []
    turn = asyncio.Semaphore(OPEN_AT_ONCE)

    async def one(host: str) -> None:
        async with turn:
            stream, status = await _request(rig, api, host)
            if b" 200 " not in status:
                raise AssertionError(f"a stream was answered {status.decode().strip()}")
            async with asyncio.timeout(60):
                while b"event: stats" not in await stream.reader.readline():
                    pass
            streams.append(stream)

    await asyncio.gather(*map(one, hosts))
    return streams


async def _request(rig: Rig, api: Service, host: str) -> tuple[Stream, bytes]:
    parts = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(str(parts.hostname), int(parts.port or 80))
    token = rig.secrets.token({host: "owner"})
    path = f"/v1/hosts/{host}/events/{EVENT}/salesforce/stream"
    writer.write(
        f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    )
    return Stream(host, reader, writer), await reader.readline()


async def _cost(rig: Rig, api: Service, seconds: float) -> dict[str, float]:
    """Share of a core, and transactions a second."""
    connection = await rig.sql()
    cpu, commits = api.cpu_seconds, await connection.fetchval(COMMITS)
    await asyncio.sleep(seconds)
    # Counts of other sessions arrive within a second.
    took = api.cpu_seconds - cpu
    found = {
        "cpu_share": took / seconds,
        "transactions_a_second": (await connection.fetchval(COMMITS) - commits) / seconds,
    }
    await connection.close()
    return found


async def _changes(rig: Rig, api: Service, streams: list[Stream], seconds: float) -> dict[str, float]:
    """A row of another host changes ten times a second: how long until its stream shows it."""
    connection, cpu = await rig.sql(), api.cpu_seconds
    began, asked = time.perf_counter(), dict[str, float]()
    for number in range(min(int(seconds * CHANGES_A_SECOND), len(streams))):
        stream = streams[number]
        stream.heard_at.clear()
        await connection.execute(CHANGE, stream.host_id, "reg_0000001")
        asked[stream.host_id] = time.perf_counter()
        await asyncio.sleep(max(0.0, began + (number + 1) / CHANGES_A_SECOND - time.perf_counter()))
    took = time.perf_counter() - began
    share = (api.cpu_seconds - cpu) / took
    await connection.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(LATE_SECONDS):
            while not all(each.heard_at for each in streams if each.host_id in asked):  # noqa: ASYNC110 -- there is no event
                await asyncio.sleep(0.1)
    delays = [
        each.heard_at[0] - asked[each.host_id] for each in streams if each.host_id in asked and each.heard_at
    ]
    if len(delays) < len(asked):
        raise AssertionError(f"{len(asked) - len(delays)} of {len(asked)} changes did not come through")
    quantiles = statistics.quantiles(delays, n=20)
    return {
        "a_second": CHANGES_A_SECOND,
        "cpu_share": share,
        "p50_seconds": statistics.median(delays),
        "p95_seconds": quantiles[-1],
    }


async def _beyond(rig: Rig, api: Service, host: str, *, is_full: bool) -> dict[str, Any]:
    """What the next stream is told where the process is full; that the process lives, in any case."""
    stream, status = await _request(rig, api, host)
    stream.writer.close()
    answer = int(status.split()[1])
    if is_full and answer != 429:
        raise AssertionError(f"a stream too many was answered {answer}")
    return {"status": answer, "is_full": is_full}


def _descriptors(service: Service) -> int:
    return len(list(Path(f"/proc/{service.child.process.pid}/fd").iterdir()))


def _memory(service: Service) -> float:
    """MiB that are resident now."""
    status = Path(f"/proc/{service.child.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
