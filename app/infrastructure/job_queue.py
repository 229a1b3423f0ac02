"""Tell the workers that an org has work: best effort, after the commit, never in the way of an answer.

With a new id each time, on purpose: arq drops an equal id while a job runs and for an hour after it finished,
and the org's lease makes a second wake-up harmless. A lost one costs a sweep (seconds), never data.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

from arq.connections import ArqRedis, create_pool
from arq.constants import default_queue_name, expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from app.config.redis_url import redis_settings
from app.infrastructure.log_limit import LogLimit
from app.metrics import WAKE_UP_FAILURES

log = logging.getLogger(__name__)
limit = LogLimit(log)

DRAIN = "drain"
NAMED: Final = re.compile(rf"{DRAIN}:(\w+):[0-9a-f]{{32}}")
CHANGES_CHANNEL = "eventship:changes"
"""Where org ids are published whose rows changed, for whoever shows them live."""
BUDGET_SECONDS = 0.25
TELL_EVERY_SECONDS = 0.1
KEEP_SECONDS = 2.0


def serialize(job: dict[str, Any]) -> bytes:
    """Serialize as JSON: with arq's default, pickle, a writer to Redis could run code here."""
    return json.dumps(job).encode()


def deserialize(raw: bytes) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(raw)
    return job


class DrainQueue:
    """Announces orgs to the workers; connects when first needed and forgets a broken pool."""

    def __init__(self, redis_url: str) -> None:
        self._settings = redis_settings(redis_url)
        self._pool: ArqRedis | None = None
        self._changed: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    async def announce(self, org_ids: Iterable[str]) -> None:
        """Enqueue one drain per org, within 250 ms in all; failures are counted, not raised."""
        wanted = set(org_ids)
        if not wanted:
            return
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                redis = await self._connected()
                async with redis.pipeline(transaction=False) as together:
                    for org_id in wanted:
                        _enqueue(together, org_id)
                        together.publish(CHANGES_CHANNEL, org_id)
                    await together.execute()
        except (RedisError, OSError, TimeoutError) as error:
            WAKE_UP_FAILURES.inc()
            limit.log(logging.WARNING, "wake_up_failed", key="", error=type(error).__name__)
            await self._give_up()

    def tell_changed(self, org_id: str) -> None:
        """Let live views look at once, or with what changes in the next TELL_EVERY_SECONDS.

        Nobody waits for that; without it they look a second later.
        """
        self._changed.add(org_id)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all(), name="hints of changes")

    async def _tell_all(self) -> None:
        while self._changed:
            org_ids, self._changed = self._changed, set()
            try:
                async with asyncio.timeout(BUDGET_SECONDS):
                    redis = await self._connected()
                    async with redis.pipeline(transaction=False) as together:
                        for org_id in org_ids:
                            together.publish(CHANGES_CHANNEL, org_id)
                        await together.execute()
            except (RedisError, OSError, TimeoutError):
                await self._give_up()
            await asyncio.sleep(TELL_EVERY_SECONDS)

    async def is_up(self) -> bool:
        """Whether it answers within 250 ms."""
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                await (await self._connected()).ping()
        except (RedisError, OSError, TimeoutError):
            await self._give_up()
            return False
        return True

    async def kept(self, name: str) -> str | None:
        """What was kept under this name; None where there is nothing, or nobody to ask."""
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                found = await (await self._connected()).get(name)
        except (RedisError, OSError, TimeoutError) as error:
            limit.log(logging.WARNING, "not_kept", key="kept", error=type(error).__name__)
            await self._give_up()
            return None
        return found.decode() if isinstance(found, bytes) else None

    async def keep(self, name: str, value: str) -> None:
        """Keep a short text under this name, as long as Valkey keeps anything."""
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await (await self._connected()).set(name, value)
        except (RedisError, OSError, TimeoutError) as error:
            limit.log(logging.WARNING, "not_kept", key="keep", error=type(error).__name__)
            await self._give_up()

    async def close(self) -> None:
        """Leave what was not told yet untold."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        await self._give_up()

    async def _give_up(self) -> None:
        """Forget the connections: the next one who needs one makes it."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose(close_connection_pool=True)

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await create_pool(
                self._settings, job_serializer=serialize, job_deserializer=deserialize
            )
        return self._pool


def named_org(job_id: str) -> str | None:
    """The org in the id of a wake-up; None in those of arq's own making and of the release before."""
    match = NAMED.fullmatch(job_id)
    return match[1] if match else None


def _enqueue(together: Pipeline, org_id: str) -> None:
    """As `ArqRedis.enqueue_job`, which watches an id of its own making: three round trips more.

    The id names the org, so that whoever takes it need not ask for the job's text.
    """
    job_id, now_ms = f"{DRAIN}:{org_id}:{uuid4().hex}", int(time.time() * 1000)
    job = serialize_job(DRAIN, (org_id,), {}, None, now_ms, serializer=serialize)
    together.psetex(job_key_prefix + job_id, expires_extra_ms, job)
    together.zadd(default_queue_name, {job_id: now_ms})
