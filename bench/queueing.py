"""The queue on paper: how long live work waits as hosts are added, simulated with measured service times.

`make bench` writes the table into docs/scaling.md and draws its picture.
"""

import heapq
import random
import statistics
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.backlog import LATENCY_MS
from bench.chart import Bar, bars

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "scaling.md", DOCS / "pictures" / "queueing.svg"
BEGIN, END = "<!-- queue: written by make bench -->", "<!-- end of queue -->"
HEAD = (
    "| load of one worker | per second | median | p95 | per second, slow | median, slow | p95, slow |",
    "|---|---|---|---|---|---|---|",
)
SLOW_CALL_SECONDS = 1.0
"""A call to a Salesforce that has much to do."""
SLOTS = 20
ORGS = 400
ARRIVALS = 20_000
CORES_OF_WORKER = 1.0
LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Service:
    """Seconds that one drain waits and holds its slot, and seconds of processor that it takes."""

    waiting: float
    cpu: float

    @property
    def by_slots(self) -> float:
        """Lone registrations per second that the slots of one worker let through."""
        return SLOTS / (self.waiting + self.cpu)

    @property
    def by_processor(self) -> float:
        return CORES_OF_WORKER / self.cpu

    @property
    def capacity(self) -> float:
        """What one worker can take: by slots or by processor, what is less."""
        return min(self.by_slots, self.by_processor)


def measured(parts: Mapping[str, Any]) -> Service:
    """From the latency part: what is not processor time is spent waiting for Salesforce and Postgres.

    The processor time of one among many is the lone part's, where that was measured.
    """
    figures = parts["latency"]["figures"]
    own = float(figures["worker_cpu_seconds"])
    among_many = parts["lone"]["figures"]["ours"]["worker_cpu_ms"] / 1000 if "lone" in parts else own
    return Service(max(0.0, float(figures["seconds"]) - own), float(among_many))


def slowed(service: Service, parts: Mapping[str, Any]) -> Service:
    """The same with calls that take SLOW_CALL_SECONDS."""
    calls = float(parts["latency"]["figures"]["calls"])
    return replace(service, waiting=service.waiting + calls * (SLOW_CALL_SECONDS - LATENCY_MS / 1000))


def delays(service: Service, load: float, *, seed: int = 1) -> list[float]:
    """Delays of Poisson arrivals at orgs that drain serially through the slots of one worker.

    What arrives for an org while it drains is its next batch: that is what keeps the queue short.
    """
    chance = random.Random(seed)
    rate = load * service.capacity
    waiting: dict[int, list[float]] = defaultdict(list)
    queue: deque[int] = deque()
    busy: set[int] = set()
    ends: list[tuple[float, int]] = []
    cpu_free_at = 0.0
    found: list[float] = []

    def start(now: float) -> None:
        nonlocal cpu_free_at
        while queue and len(ends) < SLOTS:
            org = queue.popleft()
            batch, waiting[org] = waiting[org], []
            cpu_free_at = max(cpu_free_at, now) + service.cpu
            end = cpu_free_at + service.waiting
            heapq.heappush(ends, (end, org))
            found.extend(end - at for at in batch)

    for now, org in _arrivals(chance, rate):
        while ends and ends[0][0] <= now:
            end, done = heapq.heappop(ends)
            busy.discard(done)
            if waiting[done]:
                busy.add(done)
                queue.append(done)
            start(end)
        waiting[org].append(now)
        if org not in busy:
            busy.add(org)
            queue.append(org)
        start(now)
    return found


def _arrivals(chance: random.Random, rate: float) -> Iterator[tuple[float, int]]:
    now = 0.0
    for _ in range(ARRIVALS):
        now += chance.expovariate(rate)
        yield now, chance.randrange(ORGS)


def write(parts: Mapping[str, Any]) -> None:
    """Bring the table of docs/scaling.md and its picture up to date; nothing without a measured latency."""
    if "latency" not in parts:
        return
    service, rows, bars_ = measured(parts), [], []
    slow = slowed(service, parts)
    for load in LOADS:
        (near, p95), (far, _) = _row(service, load), _row(slow, load)
        bars_.append(Bar(f"{load:.0%} of one worker", p95, is_ours=True))
        rows.append(f"| {load:.0%} | {near} | {far} |")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(bars("p95 from webhook to Salesforce by load", "s", bars_))
    text = "\n".join([*HEAD, *rows, "", _source(service, slow, parts)])
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _row(service: Service, load: float) -> tuple[str, float]:
    """Cells of the table for one load, and its p95."""
    found = delays(service, load)
    p95 = statistics.quantiles(found, n=20)[-1]
    cells = f"{load * service.capacity:.1f} | {statistics.median(found):.2f} s | {p95:.2f} s"
    return cells, p95


def _source(service: Service, slow: Service, parts: Mapping[str, Any]) -> str:
    times = " and ".join(
        f"{name} at {parts[name]['measured_at'][:16]}Z (load average {parts[name]['load_average']})"
        for name in ("latency", "lone")
        if name in parts
    )
    return (
        f"From {times}: a lone registration waits\n"
        f"{service.waiting:.2f} s and takes {service.cpu:.3f} s of processor. {SLOTS} slots let\n"
        f"{service.by_slots:.1f} a second through, one processor {service.by_processor:.1f}; that makes\n"
        f"{service.capacity:.1f} lone registrations per second and worker. Slow: each call takes\n"
        f"{SLOW_CALL_SECONDS:.0f} s, and the slots let {slow.by_slots:.1f} a second through."
    )
