"""One stream's filter and queue. A slow reader delays only itself."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from app.api.auth import Role
from app.live.messages import StreamMessage

WAITING_MAX: Final = 5_000
"""Snapshots that may wait for one reader; beyond that it is sent away, and resumes by its last number."""


@dataclass(eq=False)
class Subscriber:
    """`event_id` is None on a host's stream, which tells `stats` of every event and no rows. `hosts` are all
    that the reader's token names.
    """

    role: Role
    event_id: str | None = None
    hosts: frozenset[str] = frozenset()
    is_over: bool = False
    _waiting: dict[tuple[str, str, str], StreamMessage] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def viewer(self) -> tuple[Role, frozenset[str]]:
        """The user whom a card is made for."""
        return self.role, self.hosts

    def accepts(self, message: StreamMessage) -> bool:
        if message.kind == "card":
            return (message.role, message.hosts) == self.viewer
        if self.event_id is None:
            return message.kind == "stats"
        return message.event_id == self.event_id

    def put(self, message: StreamMessage) -> None:
        """A newer snapshot takes the place of one that still waits."""
        if self.is_over or not self.accepts(message):
            return
        self._waiting.pop(message.key, None)
        self._waiting[message.key] = message
        if len(self._waiting) > WAITING_MAX:
            self.end()
        self._wake.set()

    def end(self) -> None:
        """Let the stream finish."""
        self.is_over = True
        self._waiting.clear()
        self._wake.set()

    async def get(self, *, within: float) -> list[StreamMessage]:
        """What waits, in the order of change numbers; empty after `within` seconds of silence."""
        try:
            async with asyncio.timeout(within):
                await self._wake.wait()
        except TimeoutError:
            return []
        self._wake.clear()
        waiting, self._waiting = self._waiting, {}
        return sorted(waiting.values(), key=lambda each: each.number)
