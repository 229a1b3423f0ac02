"""Bounds what one trouble may log: a line at once, then one a minute that counts what happened in between."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

QUIET_SECONDS: Final = 60.0
KEYS_MAX: Final = 1000
"""Beyond as many troubles the oldest are forgotten, which costs a line more."""


class LogLimit:
    """Logs each key at most once in `seconds`; the next line says how often it happened since (`times`)."""

    def __init__(
        self,
        logger: logging.Logger,
        *,
        seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger, self._seconds, self._clock = logger, seconds, clock
        self._quiet: dict[str, tuple[float, int]] = {}

    def log(self, level: int, event: str, *, key: str, exc_info: Any = None, **extra: Any) -> None:
        """Log `event` with `extra`, unless `key` was logged in the last `seconds`."""
        now = self._clock()
        since, unlogged = self._quiet.get(key, (now - self._seconds, 0))
        if now - since < self._seconds:
            self._quiet[key] = (since, unlogged + 1)
            return
        self._quiet.pop(key, None)
        self._quiet[key] = (now, 0)
        if len(self._quiet) > KEYS_MAX:
            del self._quiet[next(iter(self._quiet))]
        times = {"times": unlogged + 1} if unlogged else {}
        self._logger.log(level, event, exc_info=exc_info, extra={**extra, **times})
