"""The sweeper finds due work without a wake-up."""

import asyncio
import time
from collections.abc import Sequence

from app.sync.jobs.claim import DueOrg
from tests.unit.workers.test_drain_pool import Orgs, drains_of
from workers.sweeper import sweep


def finding(*orgs: DueOrg) -> "Finder":
    return Finder(orgs)


class Finder:
    def __init__(self, orgs: Sequence[DueOrg]) -> None:
        self._orgs = orgs

    async def __call__(self) -> Sequence[DueOrg]:
        return self._orgs


async def test_orgs_with_work_are_drained() -> None:
    orgs = Orgs()
    drains = drains_of(orgs)
    await sweep(drains, finding(DueOrg("org_1", False), DueOrg("org_2", True)), every=0.001, seen=set())
    assert orgs.started == ["org_1", "org_2"]
    await drains.finish(0)


async def test_an_org_that_drains_here_is_left_alone() -> None:
    orgs = Orgs()
    drains = drains_of(orgs)
    task = drains.start("org_1", is_slow=False)
    await sweep(drains, finding(DueOrg("org_1", False)), every=0.001, seen=set())
    orgs.let_go("org_1")
    assert task is not None
    await task
    assert (orgs.started, orgs.announced) == (["org_1"], [])


async def test_an_org_without_a_slot_is_looked_at_again_as_soon_as_one_is_free() -> None:
    orgs = Orgs()
    drains = drains_of(orgs, slots=1)
    drains.start("org_1", is_slow=False)
    asyncio.get_running_loop().call_later(0.01, orgs.let_go, "org_1")
    begun = time.monotonic()
    await sweep(drains, finding(DueOrg("org_2", False)), every=60, seen=set())
    assert time.monotonic() - begun < 5
    await sweep(drains, finding(DueOrg("org_2", False)), every=0.001, seen=set())
    assert orgs.started == ["org_1", "org_2"]
    await drains.finish(0)
