"""A pool that closes idle connections: it keeps as many as its process needed lately, the last one longer."""

import asyncio
import contextlib
import math
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from prometheus_client import Histogram
from sqlalchemy import AsyncAdaptedQueuePool, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

from app.infrastructure.database_errors import SERVER_FULL, sqlstate
from app.metrics import OTHER, POOL_SECONDS, POOL_TIMEOUTS

LOOK_SECONDS: Final = 2.0
KEPT_LOOKS: Final = 3
"""The most connections in use over so many looks are kept open."""
LAST_KEPT_SECONDS: Final = 600.0
"""How long a pool keeps its last connection unused: a new one plans all texts anew, which takes a lone
registration 40 ms."""
IDLE_SECONDS: Final = 5.0
"""A connection that nobody used for so long is asked whether it still lives before somebody uses it."""
USED_AT: Final = "used_at"


class ShrinkingPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which can also give up idle connections: by itself it never shrinks.

    `most_used`: the most connections that were in use at once since somebody last asked. `awaited`: how many
    wait for one. `used_at`: when somebody last took one, in monotonic seconds.
    """

    most_used: int = 0
    awaited: int = 0
    used_at: float = -math.inf

    def _do_get(self) -> ConnectionPoolEntry:
        """A connection, its wait measured."""
        began = time.perf_counter()
        self.awaited += 1
        try:
            found = super()._do_get()
        except PoolTimeout:
            POOL_TIMEOUTS.labels(self._orig_logging_name or OTHER).inc()
            raise
        finally:
            self.awaited -= 1
            self._waits.observe(time.perf_counter() - began)
        self._note_use()
        return found

    def _note_use(self) -> None:
        self.most_used = max(self.most_used, self.checkedout())
        self.used_at = time.monotonic()

    @cached_property
    def _waits(self) -> Histogram:
        return POOL_SECONDS.labels(self._orig_logging_name or OTHER)

    def take_fresh(self) -> ConnectionPoolEntry | None:
        """A connection that can be used as it is; None where that takes more than to look.

        Whoever takes it ends what he began on it, and gives it back.
        """
        try:
            entry = self._pool.get(block=False)
        except Empty:
            return None
        if not self._is_fresh(entry):
            self._do_return_conn(entry)
            return None
        self._waits.observe(0)
        self._note_use()
        return entry

    def give_back(self, entry: ConnectionPoolEntry) -> None:
        """Take back what `take_fresh` gave."""
        entry.info[USED_AT] = time.monotonic()
        self._do_return_conn(entry)

    def _is_fresh(self, entry: Any) -> bool:
        """Whether it lives as far as is known, and was used too lately to be asked."""
        if entry._is_hard_or_soft_invalidated() or entry.driver_connection.is_closed():
            return False
        used_at: float = entry.info.get(USED_AT, -math.inf)
        return time.monotonic() - used_at < IDLE_SECONDS

    def close_idle(self, count: int) -> None:
        """Close up to `count` connections that nobody uses, those first that were idle for longest."""
        for _ in range(count):
            record = self._longest_idle()
            if record is None:
                return
            record.close()
            self._dec_overflow()

    def _longest_idle(self) -> ConnectionPoolEntry | None:
        """Take out the connection that lies lowest; None where none is idle."""
        idle: list[ConnectionPoolEntry] = []
        with contextlib.suppress(Empty):
            while True:
                idle.append(self._pool.get(block=False))
        for record in reversed(idle[:-1]):
            self._pool.put(record, block=False)
        return idle[-1] if idle else None


def check_idle(engine: AsyncEngine) -> None:
    """Replace connections that ended while they were idle, before somebody uses them.

    One that was used a moment ago is not asked: that takes two round trips and half of what a short
    transaction costs. That its server hung up is known without asking.
    """
    dialect = engine.sync_engine.dialect

    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[USED_AT] = time.monotonic()

    def check(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server hung up")
        if time.monotonic() - record.info.get(USED_AT, time.monotonic()) < IDLE_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("it ended while it was idle") from error

    event.listen(engine.sync_engine, "checkin", note)
    event.listen(engine.sync_engine, "checkout", check)


def connections_of(engines: Iterable[AsyncEngine]) -> list[tuple[tuple[str, str], int]]:
    """How many connections each engine's pool has, by role and state."""
    found = []
    for engine in engines:
        pool = engine.sync_engine.pool
        assert isinstance(pool, ShrinkingPool)
        counts = {
            "idle": pool.checkedin(),
            "used": pool.checkedout(),
            "overflow": max(pool.overflow(), 0),
        }
        role = pool._orig_logging_name or OTHER
        found += [((role, state), count) for state, count in counts.items()]
    return found


class PoolUse:
    """Counts what one engine's pool had in use at most, look by look."""

    def __init__(self, engine: AsyncEngine) -> None:
        pool = engine.sync_engine.pool
        assert isinstance(pool, ShrinkingPool)
        self._pool = pool
        self._peaks = [0] * KEPT_LOOKS

    def unneeded(self) -> int:
        """How many of the open connections nobody needed lately; begins the next look."""
        self._peaks = [*self._peaks[1:], self._pool.most_used]
        self._pool.most_used = self._pool.checkedout()
        is_last_kept = time.monotonic() - self._pool.used_at < LAST_KEPT_SECONDS
        needed = max(*self._peaks, int(is_last_kept))
        return max(self._pool.checkedin() + self._pool.checkedout() - needed, 0)

    async def give_back(self) -> None:
        """Close the idle connections that nobody needed lately."""
        await greenlet_spawn(self._pool.close_idle, self.unneeded())

    async def give_all_back(self) -> None:
        await greenlet_spawn(self._pool.close_idle, self._pool.checkedin())


async def give_back_idle(engines: Sequence[AsyncEngine], *, every: float = LOOK_SECONDS) -> None:
    """Look after the pools of `engines` until cancelled.

    A server without room for one more gets all idle ones back at once: one pool's are what the other needs.
    """
    uses = [PoolUse(engine) for engine in engines]
    is_full = asyncio.Event()

    def note(context: ExceptionContext) -> None:
        if sqlstate(context.original_exception) == SERVER_FULL:
            is_full.set()

    for engine in engines:
        event.listen(engine.sync_engine, "handle_error", note)
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await is_full.wait()
        for use in uses:
            await (use.give_all_back() if is_full.is_set() else use.give_back())
        is_full.clear()
