"""Change hints for live views: sent with every wake-up and after a drain, without delay if Valkey is away."""

import asyncio

from redis.asyncio import Redis

from app.infrastructure.job_queue import CHANGES_CHANNEL, DrainQueue
from devtools.local_stack.local_services import LocalServices, free_port

ORG = "00D5g000004XyZaEAK"


async def heard(redis_url: str, wakeups: DrainQueue) -> list[str]:
    """The messages of a wake-up and of a change."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANGES_CHANNEL)
        found: list[str] = []
        await wakeups.announce([ORG])
        await wakeups.tell_changed(ORG)
        async with asyncio.timeout(5):
            async for message in pubsub.listen():
                if message["type"] == "message":
                    found.append(message["data"])
                if len(found) == 2:
                    break
    return found


async def test_wake_up_and_change_are_both_received(engines: LocalServices) -> None:
    wakeups = DrainQueue(engines.redis_url)
    assert await heard(engines.redis_url, wakeups) == [ORG, ORG]
    await wakeups.close()


async def test_hint_that_nobody_takes_is_no_error() -> None:
    wakeups = DrainQueue(f"redis://127.0.0.1:{free_port()}/0")
    await wakeups.tell_changed(ORG)
    await wakeups.announce([ORG])
