"""arq's side: wake-ups become drains, and arq's worker is started again whenever Redis took it down."""

import asyncio
import logging
from typing import Any

from arq.connections import ArqRedis, create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError
from sqlalchemy import text

from app.config.redis_url import redis_settings
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DRAIN, deserialize, serialize
from workers.drain_pool import DrainPool
from workers.loops import run_forever

log = logging.getLogger(__name__)

IS_SLOW = text("SELECT is_slow FROM org_leases WHERE org_id = :org_id")
GRACE_SECONDS = 20.0
HEALTH_SECONDS = 15
POLL_SECONDS = 0.05
"""arq looks for wake-ups this often; its own half a second was most of an idle system's latency."""


def drain_timeout(settings: Settings) -> float:
    """Seconds that a drain may take: its budget, a last call that began just before its end, and slack."""
    return settings.times.drain_budget + settings.times.http_total + GRACE_SECONDS


async def drain_org_task(ctx: dict[str, Any], org_id: str) -> None:
    """The arq task `drain`: no more than a hint, so a full worker leaves the org to the sweeper."""
    drains: DrainPool = ctx["drains"]
    if drains.is_draining(org_id):
        drains.ask_again(org_id)
        return
    # Where there is room for one more that is slow, it need not be known whether this one is.
    is_counted_slow = drains.has_room_for_slow or await is_slow(ctx["database"], org_id)
    drain = drains.start(org_id, is_slow=is_counted_slow)
    if drain is not None:
        await asyncio.shield(drain)


async def is_slow(database: Database, org_id: str) -> bool:
    """Whether the org's last call timed out, so that it belongs in the slow lane."""
    async with database.system() as session:
        return bool(await session.scalar(IS_SLOW, {"org_id": org_id}))


class ArqListener:
    """Runs arq's worker in our own loop, and restarts it whenever it exits because Redis is away."""

    def __init__(self, settings: Settings, database: Database, drains: DrainPool, *, worker_id: str) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._context = {"drains": drains, "database": database}

    async def listen(self, stop: asyncio.Event) -> None:
        """Take wake-ups until cancelled; with Redis away the sweeper does all the work meanwhile."""
        await run_forever("wake-ups", self._one_life, stop=stop)

    async def _one_life(self) -> None:
        redis = redis_settings(self._settings.redis_url)
        pool = await create_pool(redis, job_serializer=serialize, job_deserializer=deserialize)
        worker = self._worker(pool)
        try:
            await worker.main()
        finally:
            await _closed(worker, pool)

    def _worker(self, pool: ArqRedis) -> Worker:
        drain = func(
            drain_org_task, name=DRAIN, max_tries=1, keep_result=0, timeout=drain_timeout(self._settings)
        )
        return Worker(
            functions=[drain],
            redis_pool=pool,
            handle_signals=False,
            job_completion_wait=int(self._settings.times.drain_budget) + 5,
            max_jobs=self._settings.worker_drains,
            poll_delay=POLL_SECONDS,
            keep_result=0,  # per function it is ignored when tries are used up
            health_check_interval=HEALTH_SECONDS,
            health_check_key=f"arq:health-check:{self._worker_id}",
            ctx=dict(self._context),
            job_serializer=serialize,
            job_deserializer=deserialize,
            log_results=False,
        )


async def _closed(worker: Worker, pool: ArqRedis) -> None:
    try:
        await worker.close()
    except (RedisError, OSError):
        log.info("wake_ups_lost")
    finally:
        await pool.aclose(close_connection_pool=True)
