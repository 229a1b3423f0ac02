"""The drains of one process: slots, lanes, crashes, and how they end."""

import asyncio
import logging

import pytest

from workers.drain_pool import DrainPool


class Orgs:
    """A drain that blocks until it is released; records what ran and what was announced."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.announced: list[str] = []
        self.more: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}

    def let_go(self, org_id: str) -> None:
        self.gates.setdefault(org_id, asyncio.Event()).set()

    async def drain(self, org_id: str) -> bool:
        self.started.append(org_id)
        try:
            await self.gates.setdefault(org_id, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(org_id)
            raise
        return org_id in self.more

    async def announce(self, org_ids: list[str]) -> None:
        self.announced += org_ids


@pytest.fixture
def orgs() -> Orgs:
    return Orgs()


def drains_of(orgs: Orgs, *, slots: int = 8, seconds: float = 60) -> DrainPool:
    return DrainPool(orgs.drain, orgs.announce, slots=slots, seconds=seconds)


async def ended(task: "asyncio.Task[None] | None") -> None:
    assert task is not None
    await task


async def test_one_org_is_never_drained_twice_at_once(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    first = drains.start("org_1", is_slow=False)
    assert drains.start("org_1", is_slow=False) is None
    orgs.let_go("org_1")
    await ended(first)
    await ended(drains.start("org_1", is_slow=False))
    assert orgs.started == ["org_1", "org_1"]


async def test_no_more_orgs_than_slots_are_drained(orgs: Orgs) -> None:
    drains = drains_of(orgs, slots=2)
    first = drains.start("org_1", is_slow=False)
    assert drains.start("org_2", is_slow=False) is not None
    assert drains.start("org_3", is_slow=False) is None
    orgs.let_go("org_1")
    await ended(first)
    assert drains.freed.is_set()
    assert drains.start("org_3", is_slow=False) is not None
    await drains.finish(0)


async def test_slow_orgs_fill_at_most_a_quarter_of_the_slots(orgs: Orgs) -> None:
    drains = drains_of(orgs, slots=8)
    taken = [drains.start(f"slow_{number}", is_slow=True) is not None for number in range(5)]
    assert taken == [True, True, False, False, False]
    quick = [drains.start(f"quick_{number}", is_slow=False) is not None for number in range(7)]
    assert quick == [True] * 6 + [False]
    await drains.finish(0)


async def test_a_worker_with_few_slots_still_has_one_for_slow_orgs(orgs: Orgs) -> None:
    drains = drains_of(orgs, slots=1)
    assert drains.start("slow", is_slow=True) is not None
    await drains.finish(0)


async def test_a_crashed_drain_is_logged_and_frees_its_slot(
    orgs: Orgs, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(org_id: str) -> bool:
        raise RuntimeError("an otter sat on the cable")

    drains = DrainPool(crash, orgs.announce, slots=1, seconds=60)
    with caplog.at_level(logging.ERROR):
        await ended(drains.start("org_1", is_slow=False))
    assert [record.message for record in caplog.records] == ["drain_crashed"]
    assert drains.count == 0
    assert drains.freed.is_set()


async def test_an_org_with_more_to_do_is_announced_behind_the_others(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    orgs.more = {"org_1"}
    for org_id in ("org_1", "org_2"):
        orgs.let_go(org_id)
        await ended(drains.start(org_id, is_slow=False))
    assert orgs.announced == ["org_1"]


async def test_a_wake_up_during_a_drain_is_announced_when_it_ends(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    task = drains.start("org_1", is_slow=False)
    drains.ask_again("org_1")
    orgs.let_go("org_1")
    await ended(task)
    await ended(drains.start("org_1", is_slow=False))
    assert orgs.announced == ["org_1"]


async def test_a_drain_that_outlives_its_time_is_cut_off(
    orgs: Orgs, caplog: pytest.LogCaptureFixture
) -> None:
    drains = drains_of(orgs, seconds=0.01)
    await ended(drains.start("org_1", is_slow=False))
    assert orgs.cancelled == ["org_1"]
    assert [record.message for record in caplog.records] == ["drain_cut"]


async def test_finishing_waits_for_drains_that_end(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    drains.start("org_1", is_slow=False)
    orgs.let_go("org_1")
    await drains.finish(5)
    assert (orgs.started, orgs.cancelled) == (["org_1"], [])


async def test_finishing_cancels_what_does_not_end_in_time(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    task = drains.start("org_1", is_slow=False)
    drains.ask_again("org_1")
    orgs.let_go("org_2")
    drains.start("org_2", is_slow=False)
    await drains.finish(0.05)
    assert (orgs.cancelled, orgs.announced) == (["org_1"], [])
    assert task is not None
    assert task.cancelled()


async def test_a_finished_worker_starts_nothing(orgs: Orgs) -> None:
    drains = drains_of(orgs)
    await drains.finish(0)
    assert drains.start("org_1", is_slow=False) is None
    assert orgs.started == []


async def test_a_drain_that_ignores_its_cancellation_is_reported(
    orgs: Orgs, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def stubborn(org_id: str) -> bool:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return False

    drains = DrainPool(stubborn, orgs.announce, slots=1, seconds=60, leave_within=0.01)
    task = drains.start("org_1", is_slow=False)
    await asyncio.sleep(0)
    await drains.finish(0)
    assert [record.message for record in caplog.records] == ["drain_left_behind"]
    release.set()
    await ended(task)
