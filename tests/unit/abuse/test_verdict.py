"""What `make abuse` calls too much, and when it does not judge."""

from dataclasses import replace
from typing import Any

import pytest

from abuse.verdict import (
    API_MIB,
    BOUNDS,
    CALM,
    HEAD,
    LIVES_MS,
    SYNCED_SECONDS,
    WEBHOOKS_MS,
    WORKER_MIB,
    Row,
    code,
    line,
)
from abuse.watch import milliseconds

GOOD = Row(
    "bodies",
    lives_p99=LIVES_MS,
    lives_max=900,
    webhooks_p99=WEBHOOKS_MS,
    webhooks_max=2_000,
    webhooks={202: 150},
    synced_max=SYNCED_SECONDS,
    api_mib=API_MIB,
    worker_mib=WORKER_MIB,
    answers={"stranger 401": 3},
    idle=0.1,
)
QUIET = replace(GOOD, attack=CALM, answers={}, idle=0.9)


def test_bounds_themselves_are_held() -> None:
    assert (GOOD.faults, code([QUIET, GOOD])) == ([], 0)
    assert line(GOOD).endswith("  held")
    assert len(HEAD.partition("  verdict")[0]) == len(line(GOOD).removesuffix("  held"))
    assert BOUNDS.startswith("bound")


@pytest.mark.parametrize(
    "more",
    [
        {"lives_p99": LIVES_MS + 1},
        {"webhooks_p99": WEBHOOKS_MS + 1},
        {"webhooks": {202: 149, 503: 1}},
        {"webhooks_p99": float("inf"), "webhooks": {}},
        {"synced_max": SYNCED_SECONDS + 1},
        {"synced_max": float("inf")},
        {"api_mib": API_MIB + 1},
        {"worker_mib": WORKER_MIB + 1},
    ],
)
def test_more_is_too_much(more: dict[str, Any]) -> None:
    row = replace(GOOD, **more)
    assert len(row.faults) == 1
    assert code([QUIET, GOOD, row]) == 1
    assert "TOO MUCH" in line(row)


def test_reading_has_a_bound_of_its_own() -> None:
    rows = [replace(GOOD, attack="reading", lives_p99=lives) for lives in (250.0, 251.0)]
    assert [len(row.faults) for row in rows] == [0, 1]


def test_attack_that_was_not_answered_proves_nothing() -> None:
    assert code([QUIET, replace(GOOD, answers={})]) == 1


@pytest.mark.parametrize("busy", [{"idle": 0.3}, {"lives_p99": 200.0}])
def test_busy_machine_is_not_judged(busy: dict[str, Any]) -> None:
    assert code([replace(QUIET, **busy), replace(GOOD, lives_p99=500.0)]) == 2


def test_percentile_takes_the_slow_ones() -> None:
    asked = [(202, 0.001)] * 98 + [(202, 0.5)] * 2
    assert (milliseconds(asked, 0.5), milliseconds(asked, 0.99)) == (1.0, 500.0)
    assert milliseconds([], 0.99) == float("inf")
