"""One worker: what starts drains, the drains, chores and heartbeat; all of it stops in order and in time."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import DBAPIError

from app.api.dependencies import Resources
from workers.arq_listener import ArqListener, drain_timeout
from workers.drain_pool import Drain, DrainPool
from workers.heartbeat import Heartbeat
from workers.liveness import Liveness
from workers.loops import run_periodically, sleep_unless_stopped, summarize_error
from workers.periodic_tasks import PeriodicTask, run_periodic_tasks
from workers.sweeper import FindOrgs, sweep

log = logging.getLogger(__name__)

FINISH_SHARE = 0.75
"""Of the time to stop, drains get this much to end by themselves; the rest is for leaving their calls."""
HEARTBEATS = 3
"""A heartbeat may take as long as this many, and a worker that misses as many counts as gone."""
LAST_WORDS_SECONDS = 1.0
SILENCE_SECONDS = 30.0
"""A worker with short leases waits for its database as long as this at least."""
LOOK_SECONDS = 30.0
"""The longest that finding the orgs with work may take."""


def new_worker_id() -> str:
    """Names a process for as long as it lives, and no other process after it."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker is to do: how to drain an org, where to find orgs, and its chores.

    Drains take from `slow_orgs`, or put in, what they find their org to be.
    """

    drain: Drain
    find_orgs: FindOrgs
    chores: Sequence[PeriodicTask]
    slow_orgs: set[str] = field(default_factory=set)


class HeartbeatLost(Exception):
    """The worker's row could not be written for so long that others took its orgs over long ago."""


class Supervisor:
    """Runs one worker until `stop` is set."""

    def __init__(
        self, resources: Resources, work: WorkerConfig, *, worker_id: str, stop: asyncio.Event
    ) -> None:
        settings = resources.settings
        self._resources = resources
        self._work = work
        self._stop = stop
        self._gone = asyncio.Event()
        self._beaten_at = time.monotonic()
        self._silent_for = 0.0
        self.liveness = Liveness()
        self._note_beat = self.liveness.watch("heartbeat written", within=self._silence_allowed)
        self.drains = DrainPool(
            work.drain,
            resources.wakeups.announce,
            slots=settings.worker_drains,
            seconds=drain_timeout(settings),
            slow_orgs=work.slow_orgs,
        )
        self._listener = ArqListener(settings, resources.database, self.drains)
        self._heartbeat = Heartbeat(
            resources.database, worker_id, hostname=socket.gethostname(), pid=os.getpid()
        )

    async def run(self) -> None:
        """Work until `stop`; then let drains end, abandon the calls that do not, and take the row away.

        Raises HeartbeatLost after a stop that the worker gave itself, since nothing else restarts a process
        that hangs.
        """
        times = self._resources.settings.times
        beat = run_periodically(
            "heartbeat",
            self._beat,
            every=times.heartbeat,
            stop=self._gone,
            within=HEARTBEATS * times.heartbeat,
            liveness=self.liveness,
        )
        beating = asyncio.create_task(beat, name="heartbeat")
        loops = [asyncio.create_task(loop(), name=name) for name, loop in self._loops().items()]
        await self._stop.wait()
        await self.drains.finish(times.stop * FINISH_SHARE)
        self._gone.set()
        await _end([*loops, beating])
        await _remove_heartbeat(self._heartbeat)
        if self._silent_for > 0:
            raise HeartbeatLost(f"no heartbeat could be written for {self._silent_for:.0f} s")

    def _loops(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        every = self._resources.settings.times.sweep
        look = partial(sweep, self.drains, self._work.find_orgs, every=every, seen=set())
        return {
            "wake-ups": partial(self._listener.listen, stop=self._stop),
            "sweeper": partial(
                run_periodically,
                "sweeper",
                look,
                every=0,
                stop=self._stop,
                within=every + LOOK_SECONDS,
                liveness=self.liveness,
            ),
            "watch": self._watch,
            "chores": partial(
                run_periodic_tasks,
                self._resources,
                self._work.chores,
                stop=self._stop,
                liveness=self.liveness,
            ),
        }

    async def _beat(self) -> None:
        self.drains.has_other_workers = await self._heartbeat.beat(
            drains=self.drains.count,
            is_stopping=self._stop.is_set(),
            lives=HEARTBEATS * self._resources.settings.times.heartbeat,
        )
        self._beaten_at = time.monotonic()
        self._note_beat()

    @property
    def _silence_allowed(self) -> float:
        return max(3 * self._resources.settings.times.lease, SILENCE_SECONDS)

    def stalled(self) -> list[str]:
        """The loops that stand still, and a heartbeat that is not written; none of one that stops."""
        return [] if self._stop.is_set() else self.liveness.stalled()

    async def _watch(self) -> None:
        """Stop the worker once no heartbeat was written for three leases."""
        times, allowed = self._resources.settings.times, self._silence_allowed
        while (silent_for := time.monotonic() - self._beaten_at) < allowed:
            await sleep_unless_stopped(self._gone, min(times.heartbeat, allowed / 10))
        log.error("heartbeat_lost", extra={"seconds": round(silent_for)})
        self._silent_for = silent_for
        self._stop.set()


async def _end(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=LAST_WORDS_SECONDS)


async def _remove_heartbeat(heartbeat: Heartbeat) -> None:
    try:
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await heartbeat.end()
    except (DBAPIError, OSError, TimeoutError) as error:
        # Postgres may be away just now; the row then ages, and is purged.
        log.warning("heartbeat_left_behind", extra={"error": summarize_error(error)})
