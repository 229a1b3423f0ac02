"""Limits the rate of refusals: a client that repeats rejected requests is slowed down."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from starlette.types import Message, Send

PACED: Final = frozenset({401, 403, 404, 429})
A_SECOND: Final = 100
AT_ONCE: Final = 100
"""So many without waiting, after a while without any."""
WAIT_SECONDS_MAX: Final = 2.0
"""Nobody waits longer: their connections are bounded by number."""


class Pace:
    """The line in which refusals of this process wait; everything else passes by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() - AT_ONCE / A_SECOND

    def wait(self) -> float:
        """Take a place; how long to wait for it."""
        now = self._clock()
        self._next = min(max(self._next, now - AT_ONCE / A_SECOND) + 1 / A_SECOND, now + WAIT_SECONDS_MAX)
        return max(0.0, self._next - now)

    def paced(self, send: Send) -> Send:
        """A `send` that lets refusals wait for their turn."""

        async def in_turn(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in PACED:
                await asyncio.sleep(self.wait())
            await send(message)

        return in_turn
