"""Whether the loops of a worker turn: each notes its turns; one that noted none for too long has stalled."""

import time
from collections.abc import Callable


class Liveness:
    """The loops of one worker, by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned: dict[str, float] = {}
        self._allowed: dict[str, float] = {}

    def watch(self, name: str, *, within: float) -> Callable[[], None]:
        """What the loop calls at each turn, and from now on every `within` seconds at the latest."""
        self._allowed[name] = within
        self._note(name)
        return lambda: self._note(name)

    def stalled(self) -> list[str]:
        """The loops that were silent for too long."""
        now = self._clock()
        return [name for name, at in self._turned.items() if now - at > self._allowed[name]]

    def _note(self, name: str) -> None:
        self._turned[name] = self._clock()
