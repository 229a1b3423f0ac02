"""Look for what changed at one host, and send the same snapshots to all its streams in this process."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.infrastructure.log_limit import LogLimit
from app.live.changes import (
    CHANGED_MAX,
    Changed,
    ChangeMarkers,
    SentRows,
    SnapshotPlan,
    detect,
    read_changed,
    read_late,
    read_markers,
    snapshots_for,
)
from app.live.snapshots import Snapshots
from app.live.subscriber import StreamMessage, Subscriber
from app.user_messages.language import in_language

log = logging.getLogger(__name__)
limit = LogLimit(log)

POLL_SECONDS: Final = 1.0
CARD_SECONDS: Final = 5.0
ROWS_PER_POLL: Final = 100
"""A row costs about 0.3 ms of the loop that also takes webhooks: a backlog goes out in small portions."""
BUSY_POLL_SECONDS: Final = 0.05
REFRESH_SECONDS: Final = 15.0
"""How often numbers are sent again that time alone may change: back-offs that end, budgets that resume."""


@dataclass(eq=False)
class Feed:
    """The streams of one host. `hint` makes it poll at once; else it polls while something is under way."""

    snapshots: Snapshots
    subscribers: set[Subscriber] = field(default_factory=set)
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    polls: int = 0
    _markers: ChangeMarkers = field(default_factory=ChangeMarkers)
    _rows: SentRows = field(default_factory=SentRows)
    _unsent: Sequence[Changed] = ()
    _hinted: asyncio.Event = field(default_factory=asyncio.Event)
    _stale_stats: set[str] = field(default_factory=set)
    _is_card_stale: bool = False
    _looked_at: float = 0.0
    _stats_at: float = 0.0
    _card_at: float = 0.0
    _refreshed_at: float = 0.0

    @property
    def host_id(self) -> str:
        return self.snapshots.host_id

    @property
    def markers(self) -> ChangeMarkers:
        """What the last poll found."""
        return self._markers

    @property
    def position(self) -> int:
        """The highest change number that was sent."""
        return self._rows.position

    @property
    def org_id(self) -> str | None:
        """The org on the card's marker, to find the feed by a hint."""
        parts = self._markers.get(("card", ""), "").split("|")
        return next((part for part in parts if part.startswith("00D")), None)

    def hint(self) -> None:
        self._hinted.set()

    async def run(self) -> None:
        """Poll until cancelled; poll again a second later when the database is away."""
        while True:
            try:
                seconds = BUSY_POLL_SECONDS if await self.poll() else self._seconds_to_next()
            except Exception as error:  # a feed outlives whatever it meets
                kind = type(error).__name__
                limit.log(logging.WARNING, "live_look_failed", key=kind, error=kind)
                seconds = POLL_SECONDS
            await self._wait(seconds)

    async def start(self) -> None:
        """Begin at the present: a new stream gets what came before as snapshots.

        Lower numbers than the highest may be committed later, so shortly after a change the feed stays awake.
        """
        async with self.snapshots.resources.database.tenant(self.host_id) as session:
            self._markers = (await read_markers(session, [self.host_id]))[self.host_id]
            position = int(self._markers["rows", ""])
            floor, sent = await read_late(session, self.host_id, position)
        now = time.monotonic()
        self._rows.start(position, now=now, floor=floor, sent=sent)
        self._looked_at = self._card_at = self._refreshed_at = now

    async def poll(self) -> bool:
        """Send what changed; returns whether more rows changed than one poll sends.

        What one look found of a backlog is sent before the next, unless that takes a second. What could not
        be sent is found again by the next poll.
        """
        self.polls += 1
        now = time.monotonic()
        before, sent, unsent = self._markers, self._rows.copy(), self._unsent
        safe = self._rows.safe_position(self._looked_at)
        is_look = not unsent or now - self._looked_at >= POLL_SECONDS
        is_crowded = is_look and await self._look(safe)
        rows, self._unsent = self._unsent[:ROWS_PER_POLL], self._unsent[ROWS_PER_POLL:]
        self._rows.remember(rows, safe=safe, is_crowded=is_crowded, now=time.monotonic())
        changes = detect(before, self._markers, rows)
        aged = self.snapshots.aging if self._is_refresh_due() else frozenset()
        plan = snapshots_for(changes, self.subscribers, aged=aged)
        try:
            await self._send(plan, rows, is_last=not self._unsent)
            await self._send_card(is_new=changes.is_card_new, has_moved=bool(changes.moved))
        except Exception:
            self._markers, self._rows, self._unsent = before, sent, unsent
            raise
        if is_look:
            self._looked_at = now
        return bool(self._unsent)

    async def _look(self, safe: int) -> bool:
        """Read what changed after `safe`; says whether that is more than a look takes."""
        async with self.snapshots.resources.database.tenant(self.host_id) as session:
            markers = (await read_markers(session, [self.host_id]))[self.host_id]
            is_settled = safe >= int(markers["rows", ""])
            changed = [] if is_settled else await read_changed(session, self.host_id, after=safe)
        self._markers, self._unsent = markers, self._rows.unsent(changed)
        return len(changed) >= CHANGED_MAX

    async def _send(self, plan: SnapshotPlan, rows: Sequence[Changed], *, is_last: bool) -> None:
        """Send rows and links at once; stats once a second while more rows follow."""
        for event_id in plan.rows:
            await self._broadcast(partial(self.snapshots.rows, event_id, rows))
        for event_id in plan.links:
            await self._broadcast(partial(self.snapshots.link, event_id, number=self.position))
        self._stale_stats |= plan.stats
        if not is_last and time.monotonic() - self._stats_at <= POLL_SECONDS:
            return
        for event_id in sorted(self._stale_stats):
            await self._broadcast(partial(self.snapshots.stats, event_id, number=self.position))
            self._stale_stats.discard(event_id)
        self._stats_at = time.monotonic()

    async def _send_card(self, *, is_new: bool, has_moved: bool) -> None:
        """Send a new card at once, and one whose counts moved every five seconds."""
        now = time.monotonic()
        self._is_card_stale |= is_new or has_moved
        if not is_new and not (self._is_card_stale and now - self._card_at > CARD_SECONDS):
            return
        for viewer in {each.viewer for each in self.subscribers}:
            await self._broadcast(partial(self.snapshots.card, *viewer, number=self.position))
        self._card_at, self._is_card_stale = now, False

    def _is_refresh_due(self) -> bool:
        now = time.monotonic()
        if now - self._refreshed_at < REFRESH_SECONDS:
            return False
        self._refreshed_at = now
        return True

    async def _broadcast(self, read: Callable[[], Awaitable[Sequence[StreamMessage]]]) -> None:
        """Send what is read, once for each language that a stream is read in."""
        for language in sorted({each.language for each in self.subscribers}):
            with in_language(language):
                messages = await read()
            for message in messages:
                for subscriber in self.subscribers:
                    subscriber.put(message)

    def _seconds_to_next(self) -> float | None:
        """Until the next poll without a hint: none where nothing is under way that markers do not show.

        For ten seconds after a change, lower numbers may still be committed.
        """
        is_settled = self._rows.safe_position(self._looked_at) >= int(self._markers.get(("rows", ""), "0"))
        if not is_settled or self._is_card_stale or self._stale_stats:
            return POLL_SECONDS
        return REFRESH_SECONDS if self.snapshots.aging else None

    async def _wait(self, seconds: float | None) -> None:
        """Wait for a hint, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        except TimeoutError:
            return
        self._hinted.clear()
