"""How large a run is: the whole one, or a short one for a change under way."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Numbers of attendees, rounds and seconds; every part is bounded by them."""

    name: str
    backfill: int
    drain: int
    peer: int
    intake_rounds: int
    intake_requests: int
    pgbench_seconds: int
    latency_samples: int
    past: tuple[int, ...]
    claim_samples: int
    fair_backfill: int
    fair_seconds: float
    weighed: int
    simulated: tuple[int, ...]
    lone_rounds: int
    pg_lone: int
    pg_group: int
    pg_backfill: int
    large_import: int
    large_backfill: int
    large_event: int
    large_hosts: int
    large_streams: int
    large_seconds: float


SIZES = {
    "default": Size(
        name="default",
        backfill=10_000,
        drain=10_000,
        peer=200,
        intake_rounds=5,
        intake_requests=6_000,
        pgbench_seconds=5,
        latency_samples=15,
        past=(10_000, 1_000_000, 5_000_000),
        claim_samples=60,
        fair_backfill=50_000,
        fair_seconds=40,
        weighed=3_000,
        simulated=(1_000, 10_000, 100_000),
        lone_rounds=3,
        pg_lone=100,
        pg_group=3_000,
        pg_backfill=5_000,
        large_import=1_000_000,
        large_backfill=200_000,
        large_event=100_000,
        large_hosts=10_000,
        large_streams=1_000,
        large_seconds=30,
    ),
    "short": Size(
        name="short",
        backfill=2_000,
        drain=2_000,
        peer=40,
        intake_rounds=2,
        intake_requests=3_000,
        pgbench_seconds=2,
        latency_samples=5,
        past=(10_000, 1_000_000),
        claim_samples=30,
        fair_backfill=20_000,
        fair_seconds=12,
        weighed=500,
        simulated=(1_000, 10_000),
        lone_rounds=1,
        pg_lone=30,
        pg_group=1_000,
        pg_backfill=2_000,
        large_import=20_000,
        large_backfill=5_000,
        large_event=10_000,
        large_hosts=1_000,
        large_streams=50,
        large_seconds=8,
    ),
}
