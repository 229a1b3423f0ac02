"""arq's queue: wake-ups become drains, and listening begins anew whenever Redis went away.

arq's own worker looks into its queue at intervals and says eight things to Redis for each job, so that one
may be tried again. A wake-up is no more than a hint: it is taken once, as soon as it is there.
"""

import asyncio
from typing import Final

from arq.connections import ArqRedis, create_pool
from arq.constants import default_queue_name, job_key_prefix
from arq.jobs import DeserializationError, deserialize_job
from sqlalchemy import text

from app.config.redis_url import redis_settings
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DRAIN, deserialize, named_org, serialize
from workers.drain_pool import DrainPool
from workers.loops import run_forever

IS_SLOW = text("SELECT is_slow FROM org_leases WHERE org_id = :org_id")
GRACE_SECONDS = 20.0
TAKE_SECONDS: Final = 5
"""The longest that Redis is asked to wait for the next wake-up."""
OTHERS_FIRST_SECONDS = 0.05
"""How long a worker with a backlog leaves a wake-up to the others: one with room takes it at once."""
SILENT_SECONDS: Final = 5.0
"""How much later its answer may come before the connection is given up."""


def drain_timeout(settings: Settings) -> float:
    """Seconds that a drain may take: its budget, a last call that began just before its end, and slack."""
    return settings.times.drain_budget + settings.times.http_total + GRACE_SECONDS


async def is_slow(database: Database, org_id: str) -> bool:
    """Whether the org's last call timed out, so that it belongs in the slow lane."""
    async with database.system() as session:
        return bool(await session.scalar(IS_SLOW, {"org_id": org_id}))


class ArqListener:
    """Takes wake-ups in our own loop, as long as a slot is free: the others are left to other workers."""

    def __init__(self, settings: Settings, database: Database, drains: DrainPool) -> None:
        self._settings = settings
        self._database = database
        self._drains = drains
        self._taken: str | None = None
        """Where Redis has the text of the wake-up that was taken last."""

    async def listen(self, stop: asyncio.Event) -> None:
        """Take wake-ups until cancelled; with Redis away the sweeper does all the work meanwhile."""
        await run_forever("wake-ups", self._one_life, stop=stop)

    async def _one_life(self) -> None:
        redis = redis_settings(self._settings.redis_url)
        pool = await create_pool(redis, job_serializer=serialize, job_deserializer=deserialize)
        try:
            while True:
                await self._drains.has_room.wait()
                async with asyncio.timeout(TAKE_SECONDS + SILENT_SECONDS):
                    org_id = await self._next_org(pool)
                if org_id is None:
                    continue
                if self._drains.has_room.is_set() or self._drains.is_draining(org_id):
                    await self._start(org_id)
                else:
                    # Its slot went to the sweeper, or the worker stops: it is another worker's.
                    async with asyncio.timeout(SILENT_SECONDS):
                        await pool.enqueue_job(DRAIN, org_id)
        finally:
            await pool.aclose(close_connection_pool=True)

    async def _next_org(self, pool: ArqRedis) -> str | None:
        """The org of the next wake-up; None where there is none, or other workers may go first."""
        if self._drains.lets_others_go_first and not await _is_left_over(pool):
            return None
        return await self._next_wake_up(pool)

    async def _next_wake_up(self, pool: ArqRedis) -> str | None:
        """The org that was announced, as soon as one is; None after TAKE_SECONDS without any.

        The text of the one before is taken away in the same round trip.
        """
        async with pool.pipeline(transaction=False) as together:
            if self._taken is not None:
                together.delete(self._taken)
            together.bzpopmin(default_queue_name, timeout=TAKE_SECONDS)
            *_, taken = await together.execute()
        self._taken = None
        if taken is None:
            return None
        job_id = taken[1].decode()
        self._taken = job_key_prefix + job_id
        return named_org(job_id) or _announced(await pool.get(self._taken))

    async def _start(self, org_id: str) -> None:
        """Start the org's drain; a worker without a slot for it leaves it to the sweeper."""
        if self._drains.is_draining(org_id):
            self._drains.ask_again(org_id)
            return
        # Where there is room for one more that is slow, it need not be known whether this one is.
        is_counted_slow = self._drains.has_room_for_slow or await is_slow(self._database, org_id)
        self._drains.start(org_id, is_slow=is_counted_slow)


async def _is_left_over(pool: ArqRedis) -> bool:
    """Whether a wake-up stands that no other worker has taken for OTHERS_FIRST_SECONDS."""
    first = await pool.zrange(default_queue_name, 0, 0)
    await asyncio.sleep(OTHERS_FIRST_SECONDS)
    return bool(first) and first == await pool.zrange(default_queue_name, 0, 0)


def _announced(job: bytes | None) -> str | None:
    """The org; None for what is no wake-up of ours, which costs its neighbours nothing."""
    if job is None:
        return None
    try:
        told = deserialize_job(job, deserializer=deserialize)
    except DeserializationError:
        return None
    return str(told.args[0]) if told.function == DRAIN and told.args else None
