"""Wake-ups: each is taken once, as soon as a slot is free for its drain, never by a worker without one."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from arq.connections import ArqRedis, RedisSettings, create_pool

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DRAIN, deserialize, serialize
from app.main import open_resources
from devtools.local_stack.local_services import LocalServices
from tests.waiting import until
from workers.arq_listener import ArqListener
from workers.drain_pool import DrainPool

SOON = 5.0
QUEUE = "arq:queue"


class Drains:
    """Drains that last until they are let go, in a pool with a single slot."""

    def __init__(self) -> None:
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.pool = DrainPool(self._drain, self._announce, slots=1, seconds=60)

    async def _drain(self, org_id: str) -> bool:
        self.started.put_nowait(org_id)
        await self.gate.wait()
        return False

    async def _announce(self, _: list[str]) -> None:
        return

    async def ended(self) -> None:
        async with asyncio.timeout(SOON):
            while self.pool.count:
                await asyncio.sleep(0.01)

    async def next_started(self) -> str:
        async with asyncio.timeout(SOON):
            return await self.started.get()


@pytest.fixture
async def resources(settings: Settings, database: Database) -> AsyncIterator[Resources]:
    """Without what other tests announced."""
    pool = await create_pool(RedisSettings.from_dsn(settings.redis_url))
    await pool.flushall()
    await pool.aclose(close_connection_pool=True)
    async with open_resources(settings) as opened:
        yield opened


@asynccontextmanager
async def listening(resources: Resources, drains: Drains) -> AsyncIterator[None]:
    listener = ArqListener(resources.settings, resources.database, drains.pool)
    task = asyncio.create_task(listener.listen(stop=asyncio.Event()))
    try:
        yield
    finally:
        drains.gate.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def waiting(engines: LocalServices) -> int:
    pool = await create_pool(RedisSettings.from_dsn(engines.redis_url))
    found = int(await pool.zcard(QUEUE))
    await pool.aclose(close_connection_pool=True)
    return found


async def no_texts(engines: LocalServices) -> bool:
    """Whether Redis has no text of a wake-up."""
    pool = await create_pool(RedisSettings.from_dsn(engines.redis_url))
    found = await pool.keys("arq:job:*")
    await pool.aclose(close_connection_pool=True)
    return not found


async def test_texts_of_wake_ups_are_taken_away(resources: Resources, engines: LocalServices) -> None:
    drains = Drains()
    async with listening(resources, drains):
        drains.gate.set()
        for org_id in ("00DOTTER1", "00DOTTER2"):
            await resources.wakeups.announce([org_id])
            assert await drains.next_started() == org_id
        await until(lambda: no_texts(engines))


async def test_a_wake_up_of_the_release_before_is_read(resources: Resources, engines: LocalServices) -> None:
    """Its id is of arq's own making and names no org."""
    drains = Drains()
    pool = await create_pool(RedisSettings.from_dsn(engines.redis_url), job_serializer=serialize)
    await pool.enqueue_job(DRAIN, "00DOTTER1")
    await pool.aclose(close_connection_pool=True)
    async with listening(resources, drains):
        assert await drains.next_started() == "00DOTTER1"


async def test_an_org_is_announced_as_arq_itself_would(resources: Resources, engines: LocalServices) -> None:
    pool = await create_pool(
        RedisSettings.from_dsn(engines.redis_url), job_serializer=serialize, job_deserializer=deserialize
    )
    await resources.wakeups.announce(["00DOTTER1"])
    await pool.enqueue_job(DRAIN, "00DOTTER1")
    ours, arqs = await pool.queued_jobs()
    until = [await pool.pttl(f"arq:job:{each.job_id}") for each in (ours, arqs)]
    await pool.aclose(close_connection_pool=True)
    of_ours, of_arqs = ([each.function, each.args, each.kwargs, each.job_try] for each in (ours, arqs))
    assert of_ours == of_arqs == [DRAIN, ["00DOTTER1"], {}, None]
    assert abs(until[0] - until[1]) < 60_000


@pytest.mark.parametrize("seconds_between", [0.0, 0.2], ids=["together", "one after the other"])
async def test_a_worker_without_a_slot_leaves_wake_ups_in_the_queue(
    resources: Resources, engines: LocalServices, seconds_between: float
) -> None:
    drains = Drains()
    async with listening(resources, drains):
        await resources.wakeups.announce(["00DOTTER1"])
        await asyncio.sleep(seconds_between)
        await resources.wakeups.announce(["00DOTTER2"])
        first = await drains.next_started()
        await asyncio.sleep(0.2)
        assert drains.started.empty()
        assert await waiting(engines) == 1
        drains.gate.set()
        assert {first, await drains.next_started()} == {"00DOTTER1", "00DOTTER2"}
        assert await waiting(engines) == 0


@pytest.mark.parametrize("is_stopped", [True, False])
async def test_a_wake_up_that_comes_while_no_slot_is_left_goes_back(
    resources: Resources, engines: LocalServices, monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> None:
    drains, taken, take = Drains(), list[str | None](), ArqListener._next_wake_up

    async def noted(listener: ArqListener, pool: ArqRedis) -> str | None:
        taken.append(await take(listener, pool))
        return taken[-1]

    async def is_back() -> bool:
        return await waiting(engines) == 1

    monkeypatch.setattr(ArqListener, "_next_wake_up", noted)
    async with listening(resources, drains):
        await resources.wakeups.announce(["00DOTTER1"])
        await drains.next_started()
        drains.gate.set()
        await drains.ended()
        drains.gate.clear()
        if is_stopped:
            await drains.pool.finish(0)
        else:
            drains.pool.start("00DOTTER2", is_slow=False)
        await resources.wakeups.announce(["00DOTTER3"])
        await until(lambda: taken == ["00DOTTER1", "00DOTTER3"])
        await until(is_back)


@pytest.mark.parametrize(
    "serializer", [serialize, pickle.dumps, None], ids=["ours", "pickled", "no arguments"]
)
async def test_what_is_no_wake_up_is_taken_away(
    resources: Resources, engines: LocalServices, caplog: pytest.LogCaptureFixture, serializer: Any
) -> None:
    drains = Drains()
    pool = await create_pool(
        RedisSettings.from_dsn(engines.redis_url), job_serializer=serializer or serialize
    )
    await (pool.enqueue_job("swim", "00DOTTER1") if serializer else pool.enqueue_job(DRAIN))
    await pool.aclose(close_connection_pool=True)
    async with listening(resources, drains):
        await resources.wakeups.announce(["00DOTTER2"])
        assert await drains.next_started() == "00DOTTER2"
        drains.gate.set()
        # Of two that came within a millisecond either may be taken first.
        async with asyncio.timeout(SOON):
            while await waiting(engines):
                await asyncio.sleep(0.01)
    assert "loop_failed" not in caplog.messages
