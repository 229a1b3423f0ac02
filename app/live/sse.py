"""The bytes of one live stream: the present first, what was missed, then what changes."""

import time
from collections.abc import AsyncIterator
from typing import Final

from app.live.changes import Changed, read_changed, resume_position
from app.live.host_feed import Feed
from app.live.registry import Feeds
from app.live.subscriber import ENDING, HEARTBEAT, OPENING, StreamMessage, Subscriber

BEAT_SECONDS: Final = 5.0
"""How often a quiet stream is heard of; the elements call it silent after 12 (web/src/api/live.ts)."""
LIFE_SECONDS: Final = 600.0
"""How long a stream lives at most, and never longer than its token: the next one shows its token again."""
CAUGHT_UP_AT_ONCE: Final = 50


async def stream(
    feeds: Feeds, host_id: str, subscriber: Subscriber, *, after: int | None, life: float = LIFE_SECONDS
) -> AsyncIterator[bytes]:
    """Events until the reader goes, the process stops, or the stream has had its time.

    `after` is the number of the last event that the reader saw before; None: it saw nothing.
    """
    ends_at = time.monotonic() + life
    async with feeds.subscribed(host_id, subscriber) as feed:
        yield OPENING
        async for message in _initial_snapshots(feed, subscriber):
            yield message.encoded()
        if after is not None and subscriber.event_id is not None:
            async for message in _replay_missed(feed, subscriber.event_id, after):
                yield message.encoded()
        while not subscriber.is_over and (left := ends_at - time.monotonic()) > 0:
            messages = await subscriber.get(within=min(BEAT_SECONDS, left))
            if not messages and not subscriber.is_over:
                yield HEARTBEAT
            for message in messages:
                yield message.encoded()
        if not subscriber.is_over:
            yield ENDING


async def _initial_snapshots(feed: Feed, subscriber: Subscriber) -> AsyncIterator[StreamMessage]:
    snapshots, number = feed.snapshots, feed.position
    for message in await snapshots.card(*subscriber.viewer, number=number):
        yield message
    if subscriber.event_id is not None:
        for message in await snapshots.link(subscriber.event_id, number=number):
            yield message
        event_ids = [subscriber.event_id]
    else:
        event_ids = await snapshots.event_ids()
    for event_id in event_ids:
        for message in await snapshots.stats(event_id, number=number):
            yield message
    if snapshots.aging:
        feed.hint()  # it may sleep, and knew of nothing that time may change


async def _replay_missed(feed: Feed, event_id: str, after: int) -> AsyncIterator[StreamMessage]:
    """The rows of the event that changed since, as they are now, with the overlap."""
    snapshots = feed.snapshots
    async with snapshots.resources.database.tenant(feed.host_id) as session:
        floor = await resume_position(session, feed.host_id, after)
    while True:
        async with snapshots.resources.database.tenant(feed.host_id) as session:
            changed = await read_changed(session, feed.host_id, after=floor)
        if not changed:
            return
        for portion in _chunks([each for each in changed if each.event_id == event_id]):
            for message in await snapshots.rows(event_id, portion):
                yield message
        floor = changed[-1].number


def _chunks(changed: list[Changed]) -> list[list[Changed]]:
    return [changed[start : start + CAUGHT_UP_AT_ONCE] for start in range(0, len(changed), CAUGHT_UP_AT_ONCE)]
