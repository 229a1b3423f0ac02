"""A whole worker on real Postgres and Valkey; only what it drains is made up."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from arq.connections import RedisSettings, create_pool
from sqlalchemy import select

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DRAIN, deserialize, serialize
from app.main import open_resources
from app.models import OrgLease, WorkerHeartbeat
from app.sync.jobs.claim import DueOrg
from devtools.local_stack.local_services import LocalServices, free_port
from tests.integration.workers.working import supervised
from tests.scraped import scraped
from workers import supervisor
from workers.periodic_tasks import PeriodicTask
from workers.supervisor import HeartbeatLost, Supervisor, WorkerConfig

SOON = 10.0


@dataclass
class Bench:
    """Made-up work: which orgs the sweeper finds, which were drained, and whether drains hang."""

    due: list[DueOrg] = field(default_factory=list)
    drained: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    hangs: bool = False
    cancelled: list[str] = field(default_factory=list)
    looks: int = 0

    async def drain(self, org_id: str) -> bool:
        self.drained.put_nowait(org_id)
        self.due = [org for org in self.due if org.org_id != org_id]
        try:
            if self.hangs:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(org_id)
            raise
        return False

    async def find_orgs(self) -> Sequence[DueOrg]:
        self.looks += 1
        return self.due

    async def next_drained(self) -> str:
        async with asyncio.timeout(SOON):
            return await self.drained.get()


@asynccontextmanager
async def working(
    settings: Settings, bench: Bench, *, chores: Sequence[PeriodicTask] = ()
) -> AsyncIterator[Resources]:
    work = WorkerConfig(bench.drain, bench.find_orgs, chores)
    async with supervised(settings, work, worker_id="otter:1") as (_, resources):
        yield resources


def without_sweeper(settings: Settings) -> Settings:
    return settings.model_copy(update={"times": settings.times.model_copy(update={"sweep": 3600})})


async def heartbeats(database: Database) -> list[WorkerHeartbeat]:
    async with database.system() as session:
        return list(await session.scalars(select(WorkerHeartbeat)))


async def eventually_beats(database: Database) -> WorkerHeartbeat:
    async with asyncio.timeout(SOON):
        while not (found := await heartbeats(database)):
            await asyncio.sleep(0.01)
    return found[0]


async def test_a_wake_up_starts_a_drain(settings: Settings, database: Database) -> None:
    bench = Bench()
    async with working(without_sweeper(settings), bench):
        await announced(settings, "org_1")
        assert await bench.next_drained() == "org_1"


async def test_the_sweeper_finds_what_no_wake_up_announced(settings: Settings, database: Database) -> None:
    bench = Bench(due=[DueOrg("org_1", False)])
    async with working(settings, bench):
        assert await bench.next_drained() == "org_1"


async def test_without_valkey_work_goes_on(settings: Settings, database: Database) -> None:
    nowhere = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    bench = Bench(due=[DueOrg("org_1", False)])
    async with working(nowhere, bench):
        assert await bench.next_drained() == "org_1"
        bench.due = [DueOrg("org_2", False)]
        assert await bench.next_drained() == "org_2"


async def test_wake_ups_are_received_again_after_valkey_came_back(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    valkey = LocalServices(tmp_path, is_durable=False)
    valkey.start_valkey()
    own = without_sweeper(settings).model_copy(update={"redis_url": valkey.redis_url})
    bench = Bench()
    try:
        async with working(own, bench):
            await announced(own, "org_1")
            assert await bench.next_drained() == "org_1"
            valkey.stop()
            valkey.start_valkey()
            await announced(own, "org_2")
            assert await bench.next_drained() == "org_2"
    finally:
        valkey.stop()


async def announced(settings: Settings, *org_ids: str) -> None:
    """As DrainQueue does, but without its haste: a busy machine must not fail a test."""
    redis = RedisSettings.from_dsn(settings.redis_url)
    pool = await create_pool(redis, job_serializer=serialize, job_deserializer=deserialize)
    for org_id in org_ids:
        await pool.enqueue_job(DRAIN, org_id)
    await pool.aclose(close_connection_pool=True)


async def test_a_slow_org_that_is_woken_goes_to_the_slow_lane(settings: Settings, database: Database) -> None:
    async with database.system() as session:
        session.add_all(OrgLease(org_id=f"slow_{number}", is_slow=True) for number in range(3))
    few = without_sweeper(settings).model_copy(update={"worker_drains": 4})
    bench = Bench(hangs=True)
    async with working(few, bench):
        await announced(settings, "slow_0")
        await bench.next_drained()
        await announced(settings, "slow_1", "slow_2", "quick")
        assert await bench.next_drained() == "quick"
        assert bench.drained.empty()


async def test_the_worker_shows_itself_and_takes_its_row_away(settings: Settings, database: Database) -> None:
    async with working(settings, Bench()):
        row = await eventually_beats(database)
        assert (row.worker_id, row.is_stopping) == ("otter:1", False)
        assert row.pid > 0
    assert await heartbeats(database) == []


async def test_a_drain_that_hangs_is_left_within_the_time_to_stop(
    settings: Settings, database: Database
) -> None:
    bench = Bench(due=[DueOrg("org_1", False)], hangs=True)
    quick = settings.model_copy(update={"times": settings.times.model_copy(update={"stop": 2.5})})
    async with working(quick, bench):
        await bench.next_drained()
        begun = time.monotonic()
    assert bench.cancelled == ["org_1"]
    assert time.monotonic() - begun < 5


async def test_a_chore_that_fails_holds_up_no_other(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()
    turns: list[str] = []

    async def fail(resources: Resources) -> None:
        turns.append("fail")
        raise RuntimeError("the broom broke")

    async def succeed(resources: Resources) -> None:
        turns.append("succeed")
        if turns.count("succeed") >= 2 and turns.count("fail") >= 2:
            done.set()

    chores = (PeriodicTask("broken", 0.01, fail), PeriodicTask("sound", 0.01, succeed))
    async with working(settings, Bench(), chores=chores), asyncio.timeout(SOON):
        await done.wait()
    assert {vars(record)["loop"] for record in caplog.records if record.message == "turn_failed"} == {
        "broken"
    }


async def test_a_database_that_goes_away_at_the_end_only_leaves_the_row(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"postgresql+asyncpg://owner@127.0.0.1:{free_port()}/postgres"
    stop = asyncio.Event()
    stop.set()
    bench = Bench()
    async with open_resources(settings) as resources:
        away = replace(resources, database=Database.connect(nowhere))
        work = WorkerConfig(bench.drain, bench.find_orgs, ())
        await Supervisor(away, work, worker_id="otter:2", stop=stop).run()
        await away.database.close()
    assert "heartbeat_left_behind" in {record.message for record in caplog.records}


async def test_a_worker_whose_heartbeat_is_lost_ends_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS", 0.5)
    times = settings.times.model_copy(update={"lease": 0.1, "heartbeat": 0.02, "stop": 2.5})
    nowhere = f"postgresql+asyncpg://owner@127.0.0.1:{free_port()}/postgres"
    away = settings.model_copy(update={"times": times, "database_url": nowhere})
    async with open_resources(away) as resources, asyncio.timeout(SOON):
        work = WorkerConfig(Bench().drain, Bench().find_orgs, ())
        with pytest.raises(HeartbeatLost, match="no heartbeat could be written"):
            await Supervisor(resources, work, worker_id="otter:1", stop=asyncio.Event()).run()
    assert "heartbeat_lost" in [record.message for record in caplog.records]


async def test_a_chore_s_last_success_is_kept_whoever_did_it(settings: Settings, database: Database) -> None:
    turns: asyncio.Queue[str] = asyncio.Queue()

    async def well(resources: Resources) -> None:
        turns.put_nowait("well")

    async def badly(resources: Resources) -> None:
        turns.put_nowait("badly")
        raise ConnectionError("gone fishing")

    chores = (PeriodicTask("feed otters", 0.01, well), PeriodicTask("count fish", 0.01, badly))
    async with working(without_sweeper(settings), Bench(), chores=chores):
        async with asyncio.timeout(SOON):
            while not (found := await last_successes(database)):
                await asyncio.sleep(0.01)
            first = found["feed otters"]
            for _ in range(50):
                await turns.get()
    assert set(found) == {"feed otters"}
    # One that is done all the time is noted now and then.
    assert (await last_successes(database))["feed otters"] == first


async def last_successes(database: Database) -> dict[str, float]:
    """By chore, as a scrape shows them."""
    shown = "chore_last_success_timestamp_seconds"
    samples = await scraped(database)
    return {name.split('"')[1]: at for name, at in samples.items() if name.startswith(shown)}
