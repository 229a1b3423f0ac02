"""Poll once a second for all streams of a host in this process, and send the same snapshots to all."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.infrastructure.log_limit import LogLimit
from app.live.change_detection import (
    CHANGED_MAX,
    OVERLAP_SECONDS,
    Changed,
    ChangeMarkers,
    changed_events,
    read_changed,
    read_markers,
)
from app.live.messages import Message
from app.live.snapshots import Snapshots
from app.live.subscriber import Subscriber

log = logging.getLogger(__name__)
limit = LogLimit(log)

LOOK_SECONDS: Final = 1.0
CARD_SECONDS: Final = 5.0
ROWS_PER_POLL: Final = 100
"""A row costs about 0.3 ms of the loop that also takes webhooks: a backlog is told in small portions."""
BUSY_POLL_SECONDS: Final = 0.05
REFRESH_SECONDS: Final = 15.0
"""How often numbers are told anew that time alone may change: back-offs that end, budgets that resume."""


@dataclass(eq=False)
class Feed:
    """The streams of one host. `hint` makes it look at once; without hints it looks every second."""

    snapshots: Snapshots
    listeners: set[Subscriber] = field(default_factory=set)
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    looks: int = 0
    position: int = 0
    _marks: ChangeMarkers = field(default_factory=dict)
    _floors: deque[tuple[float, int]] = field(default_factory=deque)
    _told: dict[str, int] = field(default_factory=dict)
    _hinted: asyncio.Event = field(default_factory=asyncio.Event)
    _stale: set[str] = field(default_factory=set)
    _stats_at: float = 0.0
    _card_at: float = 0.0
    _is_card_stale: bool = False
    _refreshed_at: float = 0.0

    @property
    def host_id(self) -> str:
        return self.snapshots.host_id

    @property
    def org_id(self) -> str | None:
        """The org on the card's mark, to find the feed by a hint."""
        parts = self._marks.get(("card", ""), "").split("|")
        return next((part for part in parts if part.startswith("00D")), None)

    def hint(self) -> None:
        self._hinted.set()

    async def run(self) -> None:
        """Look until cancelled; a database that is away is asked again a second later."""
        while True:
            try:
                has_more = await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                kind = type(error).__name__
                limit.log(logging.WARNING, "live_look_failed", key=kind, error=kind)
                has_more = False
            await self._rest(BUSY_POLL_SECONDS if has_more else LOOK_SECONDS)

    async def start(self) -> None:
        """Take the present for what is known: what came before is told by snapshots."""
        async with self.snapshots.resources.database.tenant(self.host_id) as session:
            self._marks = await read_markers(session, self.host_id)
        self.position = int(self._marks["rows", ""])
        self._floors.append((time.monotonic(), self.position))
        self._card_at = self._refreshed_at = time.monotonic()

    async def look(self) -> bool:
        """One look; returns whether there are more changed rows than one look tells."""
        self.looks += 1
        floor = self._floor()
        async with self.snapshots.resources.database.tenant(self.host_id) as session:
            marks = await read_markers(session, self.host_id)
            is_settled = floor >= int(marks["rows", ""])
            changed = [] if is_settled else await read_changed(session, self.host_id, after=floor)
        before, self._marks = self._marks, marks
        unknown = [each for each in changed if self._told.get(each.registration_id, 0) < each.number]
        fresh = unknown[:ROWS_PER_POLL]
        self._remember(fresh, floor=floor, is_crowded=len(changed) >= CHANGED_MAX)
        has_more = len(unknown) > len(fresh)
        await self._tell(before, marks, fresh, has_more=has_more)
        return has_more

    def _remember(self, fresh: Sequence[Changed], *, floor: int, is_crowded: bool) -> None:
        told = {each.registration_id: each.number for each in fresh}
        self._told = {name: number for name, number in self._told.items() if number > floor} | told
        self.position = max([self.position, *told.values()])
        if is_crowded:  # the overlap alone would fill every look
            self._floors.clear()
        self._floors.append((time.monotonic(), self.position))

    def _floor(self) -> int:
        """The highest number that was told ten seconds ago: nothing below it can still appear."""
        settled = time.monotonic() - OVERLAP_SECONDS
        while len(self._floors) > 1 and self._floors[1][0] <= settled:
            self._floors.popleft()
        return self._floors[0][1]

    async def _tell(
        self, before: ChangeMarkers, marks: ChangeMarkers, fresh: list[Changed], *, has_more: bool
    ) -> None:
        told = {each.event_id for each in self.listeners if each.event_id}
        has_host_streams = any(each.event_id is None for each in self.listeners)
        linked = changed_events(before, marks, "link")
        moved = {each.event_id for each in fresh} | linked
        moved |= changed_events(before, marks, "backfill") | changed_events(before, marks, "pause")
        is_card_new = bool(changed_events(before, marks, "card"))
        stale = told if is_card_new or self._is_time(REFRESH_SECONDS) else set()
        for event_id in sorted(told & {each.event_id for each in fresh}):
            self._offer_all(*await self.snapshots.rows(event_id, fresh))
        for event_id in sorted(linked & told):
            self._offer_all(await self.snapshots.link(event_id, number=self.position))
        self._stale |= (moved if has_host_streams else moved & told) | stale
        if not has_more or time.monotonic() - self._stats_at > LOOK_SECONDS:
            await self._tell_stats()
        await self._tell_card(is_new=is_card_new, has_moved=bool(moved))

    async def _tell_stats(self) -> None:
        stale, self._stale = sorted(self._stale), set()
        for event_id in stale:
            if (stats := await self.snapshots.stats(event_id, number=self.position)) is not None:
                self._offer_all(stats)
        self._stats_at = time.monotonic()

    async def _tell_card(self, *, is_new: bool, has_moved: bool) -> None:
        now = time.monotonic()
        self._is_card_stale |= is_new or has_moved
        if not is_new and not (self._is_card_stale and now - self._card_at > CARD_SECONDS):
            return
        self._card_at, self._is_card_stale = now, False
        for viewer in {each.viewer for each in self.listeners}:
            self._offer_all(await self.snapshots.card(*viewer, number=self.position))

    def _is_time(self, period: float) -> bool:
        now = time.monotonic()
        if now - self._refreshed_at < period:
            return False
        self._refreshed_at = now
        return True

    def _offer_all(self, *messages: Message) -> None:
        for message in messages:
            for listener in self.listeners:
                listener.offer(message)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        except TimeoutError:
            return
        self._hinted.clear()
