"""Valkey notifications that shorten the wait for the next poll; nothing depends on them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from redis.exceptions import RedisError

from app.config.redis_url import redis_client
from app.infrastructure.job_queue import CHANGES_CHANNEL
from app.infrastructure.log_limit import LogLimit
from app.live.registry import Feeds

log = logging.getLogger(__name__)
limit = LogLimit(log)

AGAIN_SECONDS: Final = 5.0


@asynccontextmanager
async def listening_for_changes(feeds: Feeds, redis_url: str) -> AsyncIterator[Feeds]:
    """The feeds, with hints passed on to them; at the end every stream ends."""
    listening = asyncio.create_task(_pass_on(feeds, redis_url), name="live hints")
    try:
        yield feeds
    finally:
        await feeds.stop()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _pass_on(feeds: Feeds, redis_url: str) -> None:
    while True:
        try:
            await _listen(feeds, redis_url)
        except (RedisError, OSError, TimeoutError) as error:
            limit.log(logging.INFO, "live_hints_away", key="", error=type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def _listen(feeds: Feeds, redis_url: str) -> None:
    async with redis_client(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANGES_CHANNEL)
        async for message in pubsub.listen():
            if message["type"] == "message":
                feeds.hint([message["data"]])
