"""Two workers share what comes: one with a backlog takes what the other does not."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.sync.jobs.claim import DueOrg
from chaos.proxy import Proxy
from tests.integration.workers.test_supervisor import SOON, Bench, announced, without_sweeper
from tests.integration.workers.working import supervised
from workers import arq_listener, drain_pool
from workers.arq_listener import ArqListener
from workers.drain_pool import DrainPool
from workers.supervisor import Supervisor, WorkerConfig

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _a_drain_that_hangs_is_soon_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_pool, "BACKLOG_SECONDS", 0.2)


@asynccontextmanager
async def working(settings: Settings, name: str, bench: Bench) -> AsyncIterator[Supervisor]:
    work = WorkerConfig(bench.drain, bench.find_orgs, ())
    async with supervised(settings, work, worker_id=name) as (supervisor, _):
        yield supervisor


async def until_it_lets_others_go_first(supervisor: Supervisor) -> None:
    async with asyncio.timeout(SOON):
        while not supervisor.drains.lets_others_go_first:
            await asyncio.sleep(0.01)


async def test_a_worker_with_a_backlog_leaves_new_wake_ups_to_another(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arq_listener, "OTHERS_FIRST_SECONDS", HOUR)
    quiet, busy, idle = without_sweeper(settings), Bench(hangs=True), Bench()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(working(quiet, "otter:1", busy))
        await announced(quiet, "backlog")
        assert await busy.next_drained() == "backlog"
        await stack.enter_async_context(working(quiet, "otter:2", idle))
        await until_it_lets_others_go_first(first)
        orgs = [f"org_{number}" for number in range(10)]
        await announced(quiet, *orgs)
        async with asyncio.timeout(SOON):
            while busy.drained.qsize() + idle.drained.qsize() < len(orgs):
                await asyncio.sleep(0.01)
        # It may have waited for a wake-up when its backlog began.
        assert busy.drained.qsize() <= 1


async def test_what_nobody_else_takes_is_taken_by_a_worker_with_a_backlog(
    settings: Settings, database: Database
) -> None:
    few = without_sweeper(settings).model_copy(update={"worker_drains": 1})
    busy, full = Bench(hangs=True), Bench(hangs=True)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(working(without_sweeper(settings), "otter:1", busy))
        await announced(settings, "backlog")
        assert await busy.next_drained() == "backlog"
        second = await stack.enter_async_context(working(few, "otter:2", full))
        await until_it_lets_others_go_first(first)
        second.drains.start("org_1", is_slow=False)
        assert await full.next_drained() == "org_1"
        await announced(settings, "org_2")
        assert await busy.next_drained() == "org_2"


async def test_a_worker_that_is_alone_takes_all_at_once(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arq_listener, "OTHERS_FIRST_SECONDS", HOUR)
    busy = Bench(hangs=True)
    async with working(without_sweeper(settings), "otter:1", busy):
        await announced(settings, "backlog")
        assert await busy.next_drained() == "backlog"
        await announced(settings, "org_1")
        assert await busy.next_drained() == "org_1"


async def test_a_sweep_beside_a_backlog_takes_what_the_sweep_before_had_found(
    settings: Settings, database: Database
) -> None:
    busy, idle = Bench(hangs=True), Bench()
    async with (
        working(settings, "otter:1", busy) as first,
        working(without_sweeper(settings), "otter:2", idle),
    ):
        first.drains.start("backlog", is_slow=False)
        assert await busy.next_drained() == "backlog"
        await until_it_lets_others_go_first(first)
        looks, busy.due = busy.looks, [DueOrg("org_1", False)]
        assert await busy.next_drained() == "org_1"
        assert busy.looks == looks + 2


async def test_a_queue_that_falls_silent_is_left_beside_a_backlog_too(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arq_listener, "TAKE_SECONDS", 1)
    monkeypatch.setattr(arq_listener, "SILENT_SECONDS", 0.5)
    port = urlsplit(settings.redis_url).port
    assert port is not None
    proxy = Proxy("valkey", port, chance=random.Random(1))
    await proxy.start()
    behind = settings.model_copy(
        update={"redis_url": settings.redis_url.replace(f":{port}", f":{proxy.port}")}
    )
    busy = Bench(hangs=True)
    drains = DrainPool(busy.drain, AsyncMock(), slots=9, seconds=HOUR)
    drains.has_other_workers = True
    drains.start("backlog", is_slow=False)
    assert await busy.next_drained() == "backlog"
    while not drains.lets_others_go_first:
        await asyncio.sleep(0.01)
    listening = asyncio.create_task(ArqListener(behind, database, drains).listen(asyncio.Event()))
    await announced(settings, "org_1")
    assert await busy.next_drained() == "org_1"
    proxy.swallow()
    await announced(settings, "org_2")
    assert await busy.next_drained() == "org_2"
    listening.cancel()
    await asyncio.wait([listening])
    await drains.finish(0.0)
    proxy.close()
