"""What the others feel meanwhile: how soon the process says that it lives, and webhooks of other hosts."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from abuse.wire import Asker, Target, every, request
from bench.load import registration, request_bytes
from bench.rig import Service

PROBERS, PROBE_EVERY = 10, 0.2
SENDERS, SEND_EVERY = 5, 0.2
NEIGHBOURS = 5
EVENT = "evt_bench"
PROBE = request("GET", "/livez")


def neighbour(number: int) -> str:
    return f"other_{number % NEIGHBOURS}"


@dataclass
class Felt:
    """Statuses and seconds of each question that was asked meanwhile."""

    lives: list[tuple[int, float]] = field(default_factory=list)
    webhooks: list[tuple[int, float]] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(status for status, _ in self.webhooks)


def milliseconds(asked: list[tuple[int, float]], share: float) -> float:
    """Within which this share was answered; infinite when nothing was asked."""
    ordered = sorted(seconds for _, seconds in asked)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("inf")


@asynccontextmanager
async def watching(target: Target, numbers: Iterator[int]) -> AsyncIterator[Felt]:
    """Ask all the time; `numbers` are those of the neighbours' registrations."""
    felt = Felt()
    tasks = [asyncio.create_task(_probe(target, felt, each)) for each in range(PROBERS)]
    tasks += [asyncio.create_task(_send(target, felt, each, numbers)) for each in range(SENDERS)]
    try:
        yield felt
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=2)


async def _probe(target: Target, felt: Felt, place: int) -> None:
    asker = Asker(target)
    async for _ in every(PROBE_EVERY, PROBE_EVERY * place / PROBERS):
        felt.lives.append(await asker.ask(PROBE))


async def _send(target: Target, felt: Felt, place: int, numbers: Iterator[int]) -> None:
    asker = Asker(target)
    async for _ in every(SEND_EVERY, SEND_EVERY * place / SENDERS):
        number = next(numbers)
        payload = registration(number, host_id=neighbour(number), event_id=EVENT)
        wire = request_bytes(target.url, target.webhook_secret, f"msg_{number}", payload)
        felt.webhooks.append(await asker.ask(wire))


def forget_peak(service: Service) -> None:
    """Resets the recorded maximum of memory."""
    Path(f"/proc/{service.child.process.pid}/clear_refs").write_text("5")


def processors() -> tuple[int, int]:
    """What all processors of this machine did so far, in ticks: nothing, and in all.

    What gives way to everybody, as the simulated orgs do, counts as nothing.
    """
    ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[1] + ticks[3] + ticks[4], sum(ticks)


def idle_since(before: tuple[int, int]) -> float:
    """The share of the processors' time in which they had nothing to do."""
    idle, whole = (now - then for now, then in zip(processors(), before, strict=True))
    return idle / max(1, whole)


def counted() -> Iterator[int]:
    return itertools.count(1)
