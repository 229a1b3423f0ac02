"""An event loop in a thread of its own: proxies and senders run there while the main thread breaks things."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

import uvloop

T = TypeVar("T")

CALL_SECONDS = 60.0


class Background:
    """A context manager around the loop and its thread."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="background", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start `work` there; its end can be asked of the future."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` there and wait for it, a minute at most."""
        return self.begin(work).result(CALL_SECONDS)
