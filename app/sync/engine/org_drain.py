"""What the drain of an org is about: what it needs, what its hosts share, and how a host's turn ends."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.sync.engine.host_client import ClientOpener, HostClient
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs.leases import Lease


@dataclass(frozen=True)
class DrainContext:
    """What a drain needs. `pepper` keys the hashes that create locks are named by; equal in all
    processes. `slow_orgs`: those that are drained and known to be slow."""

    database: Database
    settings: Settings
    open_client: ClientOpener
    worker_id: str
    pepper: bytes
    slow_orgs: set[str] = field(default_factory=set)

    @property
    def lost_write_window(self) -> timedelta:
        is_off = "quiet" in self.settings.guards_off
        return timedelta(seconds=0 if is_off else self.settings.times.in_doubt)


@dataclass(frozen=True)
class Turn:
    """A host's turn: whether it shares the org with nobody, and how many turns before broke off."""

    host_id: str
    is_only_host: bool
    broken_off: int


class TurnEnd(Enum):
    """How a host's turn ended; STOPPED: the org or the host has to wait; FULL: more may be due."""

    NOTHING_DUE = auto()
    WORKED = auto()
    FULL = auto()
    STOPPED = auto()


@dataclass(frozen=True)
class OrgDrain:
    """What the turns of an org's hosts share."""

    context: DrainContext
    lease: Lease
    prefetcher: BatchPrefetcher
    stop: asyncio.Event
    deadline: float
    clients: dict[str, HostClient] = field(default_factory=dict)

    def has_time(self) -> bool:
        return not self.stop.is_set() and time.monotonic() <= self.deadline
