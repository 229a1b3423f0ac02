"""Supervised loops: failures are logged, and the loop continues."""

import asyncio
import logging

import pytest

from app.infrastructure.log_limit import LogLimit
from workers import loops
from workers.loops import jittered, run_forever, run_periodically, sleep_unless_stopped, summarize_error


@pytest.fixture(autouse=True)
def every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "limit", LogLimit(loops.log, seconds=0))


class Turns:
    """Fails in the given turns, and sets `stop` in the last."""

    def __init__(self, *, fails: set[int], last: int) -> None:
        self.stop = asyncio.Event()
        self.count = 0
        self._fails = fails
        self._last = last

    async def run(self) -> None:
        self.count += 1
        if self.count == self._last:
            self.stop.set()
        if self.count in self._fails:
            raise ConnectionError("gone fishing\nand more")


async def test_a_loop_is_started_again_after_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(fails={1, 2}, last=3)
    with caplog.at_level(logging.WARNING):
        await run_forever("wake-ups", turns.run, stop=turns.stop, first=0.001)
    assert turns.count == 3
    waits = [vars(record)["next_in"] for record in caplog.records]
    assert waits == [0.001, 0.002]


async def test_waits_grow_only_up_to_the_longest(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(fails=set(range(1, 6)), last=5)
    await run_forever("wake-ups", turns.run, stop=turns.stop, first=0.001, longest=0.002)
    assert [vars(record)["next_in"] for record in caplog.records] == [0.001, 0.002, 0.002, 0.002, 0.002]


async def test_a_failure_after_a_long_run_is_no_repetition(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener whose Valkey is restarted once a week is not deaf for ten seconds every time."""
    monkeypatch.setattr(loops, "WELL_SECONDS", 0)
    turns = Turns(fails={1, 2, 3}, last=3)
    await run_forever("wake-ups", turns.run, stop=turns.stop, first=0.001)
    assert [vars(record)["next_in"] for record in caplog.records] == [0.001, 0.001, 0.001]


async def test_a_failed_turn_costs_one_turn(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(fails={2}, last=4)
    await run_periodically("chores", turns.run, every=0.001, stop=turns.stop, within=5, first=0.001)
    assert turns.count == 4
    assert [vars(record)["error"] for record in caplog.records] == ["ConnectionError: gone fishing"]


async def test_a_loop_that_fails_every_other_turn_says_so_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "limit", LogLimit(loops.log))
    turns = Turns(fails={1, 3, 5, 7}, last=9)
    with caplog.at_level(logging.INFO):
        await run_periodically("chores", turns.run, every=0.001, stop=turns.stop, within=5, first=0.001)
    assert [record.message for record in caplog.records] == ["turn_failed", "loop_recovered"]


async def test_a_turn_that_hangs_is_cut_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns(fails=set(), last=3)

    async def hang_once() -> None:
        await turns.run()
        if turns.count == 1:
            await asyncio.Event().wait()

    await run_periodically("sweeper", hang_once, every=0, stop=turns.stop, within=0.02, first=0.001)
    assert turns.count == 3
    assert [vars(record)["error"] for record in caplog.records if record.levelno > logging.INFO] == [
        "TimeoutError"
    ]


async def test_a_loop_without_a_pause_of_its_own_does_not_spin_while_it_fails() -> None:
    turns = Turns(fails=set(range(1, 10_000)), last=10_000)
    asyncio.get_running_loop().call_later(1, turns.stop.set)
    await run_periodically("sweeper", turns.run, every=0, stop=turns.stop, within=5)
    assert 2 <= turns.count <= 4, "0 s, 0.25 s, 0.75 s"


async def test_the_wait_after_failures_is_over_with_the_first_success() -> None:
    turns = Turns(fails={1, 2}, last=60)
    async with asyncio.timeout(1):
        await run_periodically("sweeper", turns.run, every=0, stop=turns.stop, within=5, first=0.01)
    assert turns.count == 60


async def test_nothing_runs_after_the_stop() -> None:
    turns = Turns(fails=set(), last=0)
    turns.stop.set()
    await run_periodically("chores", turns.run, every=0, stop=turns.stop, within=5)
    await run_forever("wake-ups", turns.run, stop=turns.stop)
    assert turns.count == 0


async def test_a_pause_ends_with_the_stop() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await sleep_unless_stopped(stop, 3600)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ValueError("one\ntwo"), "ValueError: one", id="first-line"),
        pytest.param(TimeoutError(), "TimeoutError", id="silent"),
    ],
)
def test_an_error_is_described_in_one_line(error: Exception, expected: str) -> None:
    assert summarize_error(error) == expected


def test_jitter_stays_within_a_fifth() -> None:
    assert all(8 <= jittered(10) <= 12 for _ in range(100))
