"""All live streams of this process: bounded in number, one feed per host, ended together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from app.api.dependencies import Resources
from app.api.errors import TooManyRequests
from app.infrastructure.log_limit import LogLimit
from app.live.changes import read_digests
from app.live.host_feed import POLL_SECONDS, Feed
from app.live.snapshots import Snapshots
from app.live.subscriber import Subscriber
from app.user_messages.catalog import say

limit = LogLimit(logging.getLogger(__name__))

STREAMS_PER_HOST: Final = 20
STREAMS_PER_PROCESS: Final = 1_000
LATER: Final = {"Retry-After": "10"}


class Feeds:
    """The running feeds; a feed starts with its first subscriber and ends with its last.

    Feeds sleep: what wakes them is one look at all their hosts together, and hints.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def streams(self) -> int:
        return sum(len(feed.subscribers) for feed in self._feeds.values())

    def check_capacity(self, host_id: str) -> None:
        """Raises TooManyRequests when the host or the process has as many streams as it may."""
        feed = self._feeds.get(host_id)
        of_host = len(feed.subscribers) if feed else 0
        if self._is_closed or of_host >= STREAMS_PER_HOST or self.streams >= STREAMS_PER_PROCESS:
            raise TooManyRequests(say("detail.streams_open"), headers=LATER)

    @asynccontextmanager
    async def subscribed(self, host_id: str, subscriber: Subscriber) -> AsyncIterator[Feed]:
        """Let `subscriber` have what changes at the host from now on. Raises TooManyRequests."""
        self.check_capacity(host_id)
        feed = self._feeds.get(host_id)
        if feed is None:
            feed = self._feeds[host_id] = Feed(Snapshots(self._resources, host_id))
        feed.subscribers.add(subscriber)
        try:
            await self._start(feed)
            yield feed
        finally:
            feed.subscribers.discard(subscriber)
            if not feed.subscribers:
                self._stop(feed)

    def hint(self, org_ids: Iterable[str]) -> None:
        """Something happened at these orgs: their hosts' feeds look at once."""
        hinted = set(org_ids)
        for feed in self._feeds.values():
            if feed.org_id in hinted:
                feed.hint()

    def close(self) -> None:
        """End every stream, and let no new one begin: the process is about to stop."""
        self._is_closed = True
        for feed in self._feeds.values():
            for subscriber in feed.subscribers:
                subscriber.end()

    async def stop(self) -> None:
        """End every stream and every feed."""
        self.close()
        tasks = [*self._tasks.values(), *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, feed: Feed) -> None:
        async with feed.starting:
            if feed.host_id not in self._tasks:
                await feed.start()
                self._tasks[feed.host_id] = asyncio.create_task(feed.run(), name=f"feed {feed.host_id}")
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_hosts(), name="feeds of all hosts")

    def _stop(self, feed: Feed) -> None:
        if self._feeds.get(feed.host_id) is feed:
            del self._feeds[feed.host_id]
        task = self._tasks.pop(feed.host_id, None)
        if task is not None:
            task.cancel()
        if not self._tasks and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _watch_hosts(self) -> None:
        """Once a second one look at all hosts together; only the feeds of those that changed are woken."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look()
            except Exception as error:  # no other look would wake the feeds
                kind = type(error).__name__
                limit.log(logging.WARNING, "live_look_failed", key=kind, error=kind)

    async def look(self) -> None:
        """One statement, however many hosts have streams."""
        feeds = {host_id: self._feeds[host_id] for host_id in self._tasks if host_id in self._feeds}
        async with self._resources.database.system() as session:
            digests = await read_digests(session, list(feeds))
        for host_id, feed in feeds.items():
            if digests[host_id] != feed.markers.digest:
                feed.hint()
