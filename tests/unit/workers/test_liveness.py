"""A loop that turns is alive, whatever comes of its turns; one that hangs is not."""

import asyncio

import pytest

from workers.liveness import Liveness
from workers.loops import JITTER, SLACK_SECONDS, run_periodically


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_loop_has_its_own_patience() -> None:
    clock = Clock()
    liveness = Liveness(clock)
    turned, _ = liveness.watch("sweeper", within=10), liveness.watch("purge", within=100)
    clock.now = 11
    assert liveness.stalled() == ["sweeper"]
    turned()
    assert liveness.stalled() == []
    clock.now = 101
    assert liveness.stalled() == ["sweeper", "purge"]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_turn_counts_even_if_it_fails(fails: bool) -> None:
    clock, stop, turns = Clock(), asyncio.Event(), 0
    liveness = Liveness(clock)

    async def turn() -> None:
        nonlocal turns
        turns, clock.now = turns + 1, clock.now + 40
        if turns == 3:
            stop.set()
        if fails:
            raise ConnectionError("the database is away")

    await run_periodically(
        "sweeper", turn, every=0, stop=stop, within=5, first=0.001, longest=0.001, liveness=liveness
    )
    assert liveness.stalled() == ["sweeper"]  # its last turn, and none after it
    clock.now = 80 + 5 + 0.001 * (1 + JITTER) + SLACK_SECONDS - 0.1
    assert liveness.stalled() == []
