"""The messages of one live stream, its filter and its queue. A slow reader delays only itself."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from app.api.auth import Role
from app.user_messages.language import current_language

HEARTBEAT: Final = b": still here\n\n"
OPENING: Final = b"retry: 1000\n\n"
ENDING: Final = b'event: end\ndata: {"reason": "time"}\n\n'
"""The last of a stream whose time, or whose token's, is over: open the next one at once, with a new token."""
NUMBER: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class StreamMessage:
    """`kind`: stats, row, link, card; in one language. `event_id` is empty on a card, which is made for one
    role and the other hosts that the reader's token names.
    """

    kind: str
    number: int
    data: str = field(repr=False)
    event_id: str = ""
    registration_id: str = ""
    role: Role | None = None
    hosts: frozenset[str] = frozenset()
    language: str = field(default_factory=current_language)

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is a snapshot of: a newer one takes its place."""
        return self.kind, self.event_id, self.registration_id

    def encoded(self) -> bytes:
        """https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON holds no line breaks."""
        return f"id: {self.number}\nevent: {self.kind}\ndata: {self.data}\n\n".encode()


def number_in(last_event_id: str | None) -> int | None:
    """The number that a client saw last; anything that is not ours means that it saw nothing."""
    return int(last_event_id) if last_event_id and NUMBER.fullmatch(last_event_id) else None


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
    language: str = field(default_factory=current_language)
    is_over: bool = False
    _waiting: dict[tuple[str, str, str], StreamMessage] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def viewer(self) -> tuple[Role, frozenset[str]]:
        """The user whom a card is made for."""
        return self.role, self.hosts

    def accepts(self, message: StreamMessage) -> bool:
        if message.language != self.language:
            return False
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
        """What waits, in the order of change numbers; empty after `within` seconds of silence.

        The timer wakes the reader, it does not cancel the wait: that costs three times as much, and of a
        thousand quiet streams two hundred a second are woken.
        """
        timer = asyncio.get_running_loop().call_later(within, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._wake.clear()
        waiting, self._waiting = self._waiting, {}
        return sorted(waiting.values(), key=lambda each: each.number)
