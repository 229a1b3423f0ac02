"""Change hints for live views: sent with every wake-up and after a drain, without delay if Valkey is away."""

import asyncio

from redis.asyncio.client import PubSub

from app.config.redis_url import redis_client
from app.infrastructure.job_queue import CHANGES_CHANNEL, DrainQueue
from devtools.local_stack.local_services import LocalServices, free_port

ORG = "00D5g000004XyZaEAK"


async def told(pubsub: PubSub) -> str:
    """The next message."""
    async with asyncio.timeout(5):
        async for message in pubsub.listen():
            if message["type"] == "message":
                return str(message["data"])
    raise AssertionError("nobody tells anything more")


async def heard(redis_url: str, wakeups: DrainQueue) -> list[str]:
    """The messages of a wake-up and of a change."""
    async with redis_client(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANGES_CHANNEL)
        await wakeups.announce([ORG])
        wakeups.tell_changed(ORG)
        return [await told(pubsub), await told(pubsub)]


async def test_wake_up_and_change_are_both_received(engines: LocalServices) -> None:
    wakeups = DrainQueue(engines.redis_url)
    assert await heard(engines.redis_url, wakeups) == [ORG, ORG]
    await wakeups.close()


async def test_hint_that_nobody_takes_is_no_error() -> None:
    wakeups = DrainQueue(f"redis://127.0.0.1:{free_port()}/0")
    wakeups.tell_changed(ORG)
    await wakeups.announce([ORG])
    await wakeups.close()


async def test_what_changes_together_is_told_together(engines: LocalServices) -> None:
    others = [f"00D5g00000{number}" for number in range(3)]
    wakeups = DrainQueue(engines.redis_url)
    async with redis_client(engines.redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANGES_CHANNEL)
        for org_id in (*others, *others):
            wakeups.tell_changed(org_id)
        await asyncio.sleep(0)
        for org_id in (ORG, ORG):
            wakeups.tell_changed(org_id)
        found = [await told(pubsub) for _ in range(4)]
        assert (sorted(found[:3]), found[3]) == (others, ORG)
        await asyncio.sleep(0.3)
        assert await pubsub.get_message(timeout=0) is None
    await wakeups.close()
