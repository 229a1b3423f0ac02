"""What we aim at, frozen: nothing leaves this list because it is not met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """A figure that must not be above (or, `is_floor`, below) `bound`. `read` finds it in a part's figures.

    `peer` and `floor` are what stands beside it in the same run, where there is such a thing.
    """

    name: str
    part: str
    bound: float
    read: Callable[[Figures], float]
    peer: Callable[[Figures], float] | None = None
    floor: Callable[[Figures], float] | None = None
    is_floor: bool = False

    def line(self, figures: Figures | None) -> str:
        """`name value peer floor ratio met|not met`; `-` for what there is not."""
        if figures is None:
            return f"{self.name:<34} {'-':>10} {'-':>10} {'-':>10} {'-':>8}  not measured"
        value = self.read(figures)
        peer, floor = (read(figures) if read else None for read in (self.peer, self.floor))
        beside = floor if floor is not None else peer
        ratio = value / beside if beside else None
        shown = [_shown(each) for each in (value, peer, floor)]
        verdict = "met" if self.is_met(figures) else "not met"
        return f"{self.name:<34} {shown[0]:>10} {shown[1]:>10} {shown[2]:>10} {_shown(ratio):>8}  {verdict}"

    def is_met(self, figures: Figures) -> bool:
        value = self.read(figures)
        return value >= self.bound if self.is_floor else value <= self.bound


def _calls(case: str, side: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures[case][side])


def _of(*path: str) -> Callable[[Figures], float]:
    def read(figures: Figures) -> float:
        found: Any = figures
        for name in path:
            found = found[name]
        return float(found)

    return read


AIMS: tuple[Aim, ...] = (
    *(
        Aim(f"calls_per_attendee_{case}", "calls", bound, _calls(case, "ours"), _calls(case, "peer"))
        for case, bound in (
            ("lone_new", 2.0),
            ("lone_known", 2.0),
            ("burst_200", 0.016),
            ("backfill_new", 0.016),
            ("backfill_known", 0.016),
            ("backfill_half_known", 0.016),
        )
    ),
    Aim(
        "toward_0.005_backfill_new",
        "calls",
        0.005,
        _calls("backfill_new", "ours"),
        _calls("backfill_new", "peer"),
    ),
    Aim(
        "drain_over_floor",
        "drain",
        1.3,
        _of("ratio_to_floor"),
        lambda figures: float(figures["peer_seconds"] / figures["floor_seconds"]),
        lambda _: 1.0,
    ),
    Aim("intake_over_bare_route", "intake", 0.8, _of("ratio_to_floor"), floor=lambda _: 1.0, is_floor=True),
    Aim("toward_1.2_intake", "intake", 1.2, _of("ratio_to_floor"), floor=lambda _: 1.0, is_floor=True),
    Aim("claim_with_past_over_without", "past", 1.2, _of("ratio_claim_ms"), floor=lambda _: 1.0),
    Aim("others_p95_beside_backfill", "fairness", 1.1, _of("ratio_p95"), floor=lambda _: 1.0),
)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
