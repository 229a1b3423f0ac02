"""What we aim at, frozen: nothing leaves this list because it is not met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
Read = Callable[[Figures], float]


@dataclass(frozen=True)
class Aim:
    """A figure that must not be above (or, `is_floor`, below) `bound`, read from a part's figures.

    `judged` is what is held against the bound, where that is not `value` itself. `peer` and `floor` are what
    stands beside the value in the same run, where there is such a thing.
    """

    name: str
    part: str
    bound: float
    value: Read
    judged: Read | None = None
    peer: Read | None = None
    floor: Read | None = None
    is_floor: bool = False

    def line(self, figures: Figures | None) -> str:
        """`name value peer floor ratio aim met|not met`; `-` for what there is not."""
        bound = f"{'>=' if self.is_floor else '<='} {self.bound:.4g}"
        if figures is None:
            return _row(self.name, ["-", "-", "-", "-", bound], "not measured")
        value, peer, floor = (read(figures) if read else None for read in (self.value, self.peer, self.floor))
        shown = [_shown(each) for each in (value, peer, floor, self._ratio(figures))]
        return _row(self.name, [*shown, bound], "met" if self.is_met(figures) else "not met")

    def is_met(self, figures: Figures) -> bool:
        judged = (self.judged or self.value)(figures)
        return judged >= self.bound if self.is_floor else judged <= self.bound

    def _ratio(self, figures: Figures) -> float | None:
        if self.judged is not None:
            return self.judged(figures)
        beside = self.floor or self.peer
        return self.value(figures) / beside(figures) if beside else None


def header() -> str:
    return _row("name", ["value", "peer", "floor", "ratio", "aim"], "verdict")


def _row(name: str, columns: list[str], verdict: str) -> str:
    return f"{name:<36}" + "".join(f"{column:>11}" for column in columns) + f"  {verdict}"


def _of(*path: str) -> Read:
    def read(figures: Figures) -> float:
        found: Any = figures
        for name in path:
            found = found[name]
        return float(found)

    return read


def _past(name: str, which: Callable[..., str]) -> Read:
    """Milliseconds with the most, or the least, finished jobs behind."""

    def read(figures: Figures) -> float:
        amount = which(figures["past"], key=int)
        return float(figures["past"][amount][name])

    return read


def _with_over_without(case: str) -> Read:
    """Calls with the package for each one without it."""

    def read(figures: Figures) -> float:
        found = figures["calls"][case]
        return float(found["with"] / found["without"])

    return read


DRAIN = (_of("seconds"), _of("ratio_to_floor"), _of("peer_seconds"), _of("floor_seconds"))
INTAKE = (
    _of("ours", "per_second"),
    _of("ratio_to_floor"),
    _of("pgbench_per_second"),
    _of("floor", "per_second"),
)
BACKFILL_NEW = (_of("backfill_new", "ours"), None, _of("backfill_new", "peer"))

AIMS: tuple[Aim, ...] = (
    *(
        Aim(f"calls_per_attendee_{case}", "calls", bound, _of(case, "ours"), peer=_of(case, "peer"))
        for case, bound in (
            ("lone_new", 2.0),
            ("lone_known", 2.0),
            ("burst_200", 0.016),
            ("backfill_new", 0.016),
            ("backfill_known", 0.016),
            ("backfill_half_known", 0.016),
        )
    ),
    *(
        Aim(f"calls_of_{case}", "kinds", bound, _of(case, figure))
        for case, figure, bound in (
            ("lone_new_calendar", "calls", 2.0),
            ("lone_known_calendar", "calls", 2.0),
            ("moved_event", "calls", 8.0),
            ("emails", "each", 0.01),
        )
    ),
    *(
        Aim(
            f"package_calls_over_without_{case}",
            "package",
            1.0,
            _of("calls", case, "with"),
            _with_over_without(case),
            floor=_of("calls", case, "without"),
        )
        for case in ("lone_new", "lone_known", "burst_200", "backfill_new")
    ),
    # The look that every batch begins with, and one write.
    Aim("calls_to_certainty_with_package", "package", 2.0, _of("lost", "not_kept", "with", "calls")),
    Aim("toward_0.005_backfill_new", "calls", 0.005, *BACKFILL_NEW),
    Aim("drain_over_floor", "drain", 1.3, *DRAIN),
    Aim("intake_over_bare_route", "intake", 0.8, *INTAKE, is_floor=True),
    Aim("toward_1.2_intake", "intake", 1.2, *INTAKE, is_floor=True),
    Aim("lone_worker_cpu_ms", "lone", 8, _of("ours", "worker_cpu_ms"), peer=_of("peer", "worker_cpu_ms")),
    Aim(
        "lone_worker_transactions",
        "lone",
        6,
        _of("worker", "transactions"),
        peer=_of("peer", "transactions"),
    ),
    Aim(
        "lone_per_second_and_worker",
        "lone",
        60,
        _of("ours", "per_second"),
        peer=_of("peer", "per_second"),
        is_floor=True,
    ),
    Aim(
        "lone_p50_over_its_calls",
        "latency",
        1.15,
        _of("seconds"),
        _of("ratio_to_floor"),
        floor=_of("floor_seconds"),
    ),
    *(
        Aim(
            f"{name}_with_past_over_without",
            "past",
            1.2,
            _past(f"{name}_ms", max),
            _of(f"ratio_{name}_ms"),
            floor=_past(f"{name}_ms", min),
        )
        for name in ("claim", "stats")
    ),
    Aim(
        "others_p95_beside_backfill",
        "fairness",
        1.1,
        _of("beside_backfill", "p95_seconds"),
        _of("ratio_p95"),
        floor=_of("alone", "p95_seconds"),
    ),
    # Milliseconds are Postgres' own, MiB how far the peak rose after the first tenth, shares those of a core.
    Aim("import_memory_growth", "large_import", 16, _of("growth_mebibytes")),
    Aim("backfill_memory_growth", "large_backfill", 16, _of("growth_mebibytes")),
    Aim("event_stats_ms", "large_event", 50, _of("analysed", "stats", "ms")),
    Aim("event_page_ms", "large_event", 50, _of("analysed", "first page by -updated_at", "ms")),
    Aim(
        "event_page_ms_without_statistics", "large_event", 50, _of("fresh", "first page by -updated_at", "ms")
    ),
    Aim("sweep_ms_10000_hosts", "large_hosts", 20, _of("sweep_ms")),
    Aim("idle_worker_share", "large_hosts", 0.01, _of("idle_share")),
    Aim("idle_streams_share", "large_streams", 0.05, _of("rest", "cpu_share")),
    Aim("stream_p95_seconds", "large_streams", 1.5, _of("changes", "p95_seconds")),
)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
