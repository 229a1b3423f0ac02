"""The drains of one process: bounded slots, never two of one org, a crash stays in its drain."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from app.infrastructure.database_errors import first_line, is_away
from app.infrastructure.log_limit import LogLimit
from workers.loops import summarize_error

log = logging.getLogger(__name__)
limit = LogLimit(log)

Drain = Callable[[str], Awaitable[bool]]
Announce = Callable[[list[str]], Awaitable[None]]

SLOW_SHARE = 4
"""Orgs whose last call timed out get one slot in this many, so that they cannot fill a worker."""
BACKLOG_SECONDS = 1.0
"""A drain that has been at work for so long has a backlog: a live registration takes a few calls."""
CANCEL_SECONDS = 3.0
"""How long a cancelled drain has to note its call as ambiguous."""


class DrainPool:
    """Starts drains where a slot is free; `freed` is set whenever one ends.

    `drain` answers whether the org has more to do: then it is announced again, behind the others.
    `seconds` is the longest a drain may take, its last call included. `slow_orgs` are those of the running
    that count as slow: one of which that was not known is taken out as soon as its drain knows better.
    `has_other_workers` is what the last heartbeat found.
    """

    def __init__(
        self,
        drain: Drain,
        announce: Announce,
        *,
        slots: int,
        seconds: float,
        leave_within: float = CANCEL_SECONDS,
        slow_orgs: set[str] | None = None,
    ) -> None:
        self._drain = drain
        self._announce = announce
        self._slots = slots
        self._slow_slots = max(1, slots // SLOW_SHARE)
        self._seconds = seconds
        self._leave_within = leave_within
        self._running: dict[str, asyncio.Task[None]] = {}
        self._began: dict[str, float] = {}
        self._slow_orgs = set[str]() if slow_orgs is None else slow_orgs
        self._asked_again: set[str] = set()
        self._is_closed = False
        self.has_other_workers = False
        self.freed = asyncio.Event()
        self.has_room = asyncio.Event()
        """Set while a slot is free, until `finish`."""
        self.has_room.set()

    @property
    def count(self) -> int:
        return len(self._running)

    def is_draining(self, org_id: str) -> bool:
        return org_id in self._running

    def ask_again(self, org_id: str) -> None:
        """Announce the org once more when its running drain ends: it may have looked too early."""
        self._asked_again.add(org_id)

    @property
    def lets_others_go_first(self) -> bool:
        """Whether other workers, if there are any, should take what is new: this one works on a backlog."""
        before = time.monotonic() - BACKLOG_SECONDS
        return self.has_other_workers and any(began < before for began in self._began.values())

    def start(self, org_id: str, *, is_slow: bool) -> "asyncio.Task[None] | None":
        """The org's drain, or None when it runs here already or no slot is free for it."""
        if self._is_closed or self.is_draining(org_id) or not self._has_slot(is_slow=is_slow):
            return None
        task = asyncio.create_task(self._run(org_id), name=f"drain {org_id}")
        self._running[org_id], self._began[org_id] = task, time.monotonic()
        self._note_room()
        (self._slow_orgs.add if is_slow else self._slow_orgs.discard)(org_id)
        return task

    async def finish(self, within: float) -> None:
        """Start no more and wait; what is not done `within` seconds is cancelled in its call."""
        self._is_closed = True
        self._note_room()
        late = await _wait(list(self._running.values()), within)
        for task in late:
            task.cancel()
        for task in await _wait(late, self._leave_within):
            log.error("drain_left_behind", extra={"drain": task.get_name()})

    @property
    def has_room_for_slow(self) -> bool:
        """Whether even a slow org would get a slot now."""
        return self.count < self._slots and len(self._slow_orgs) < self._slow_slots

    def _has_slot(self, *, is_slow: bool) -> bool:
        return self.has_room_for_slow if is_slow else self.count < self._slots

    def _note_room(self) -> None:
        has_room = self.count < self._slots and not self._is_closed
        (self.has_room.set if has_room else self.has_room.clear)()

    async def _run(self, org_id: str) -> None:
        has_more = False
        try:
            async with asyncio.timeout(self._seconds):
                has_more = await self._drain(org_id)
        except Exception as error:
            _log_end(org_id, error)
        finally:
            del self._running[org_id], self._began[org_id]
            self._slow_orgs.discard(org_id)
            was_asked = org_id in self._asked_again
            self._asked_again.discard(org_id)
            self.freed.set()
            self._note_room()
        if (has_more or was_asked) and not self._is_closed:
            await self._announce([org_id])


def _log_end(org_id: str, error: Exception) -> None:
    """Log why a drain ended early; a database that is away needs no traceback."""
    if is_away(error):
        said = {"org_id": org_id, "error": summarize_error(error), "cause": first_line(error)}
        limit.log(logging.WARNING, "drain_cut", key=said["cause"], **said)
    else:
        kind = f"{org_id} {type(error).__name__}"
        limit.log(logging.ERROR, "drain_crashed", key=kind, exc_info=error, org_id=org_id)


async def _wait(tasks: "list[asyncio.Task[None]]", seconds: float) -> "list[asyncio.Task[None]]":
    if not tasks:
        return []
    _, late = await asyncio.wait(tasks, timeout=seconds)
    return list(late)
