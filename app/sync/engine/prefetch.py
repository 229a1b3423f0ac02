"""The next batch: claimed, read and asked about in its turn, or while the one before is still at work."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.joined_texts import Read, read_ahead
from app.models.client_connection import CONNECTION_OF_CLIENT, ClientConnection
from app.models.kept_plan import found_by, kept_plan
from app.sync.engine.complete_batch import PACED_REASONS
from app.sync.engine.interruptions import is_of_all_hosts
from app.sync.engine.pipeline import Lookup, asked_about
from app.sync.jobs.claim import claim, has_due_live_work
from app.sync.jobs.leases import Lease
from app.sync.jobs.load_batch import is_unchanged, load_batch, load_claimed, siblings_read, with_siblings
from app.sync.jobs.load_queries import CLAIMED, EVENTS, HOST_ROW, SLOTS
from app.sync.lookup.access import LOAD_ACCESS
from app.sync.lookup.describe_cache import MAX_AGE, unique_fields_read
from app.sync.lookup.lookup import KnownOfOrg, load_known
from app.sync.lookup.requirements import keyed_objects
from app.sync.model.batch import Batch
from app.sync.model.record_key import NO_KEY_RULES, KeyRules

# What was read ahead counts only where nothing changed since, and where its event was not paused meanwhile.
UNCHANGED = kept_plan(
    f"""
    SELECT job.registration_id
    FROM unnest(CAST(:registration_ids AS text[])) AS wanted (id)
    CROSS JOIN LATERAL {found_by("registration_id", "wanted.id", table="sync_jobs")} AS job
    CROSS JOIN LATERAL {found_by("event_id", "job.event_id", table="events", columns="paused_at")} AS event
    WHERE job.requested_version = job.running_version AND event.paused_at IS NULL
    """  # noqa: S608 -- put together from constants
)

FEW: Final = 20
"""Of how many rows all is read at once: of many, the round trips that this saves are nothing."""


@dataclass(frozen=True)
class ClaimedBatch:
    """Jobs of a host that this lease claimed, at most `size`; `stale` are those that changed since.

    `lookup` is the look-up of their people that is under way already; where they were read just now, `known`
    is what their look-up needs to know of the org, and `connection` what a client needs.
    """

    batch: Batch
    size: int
    stale: frozenset[str] = frozenset()
    lookup: Awaitable[Lookup | None] | None = None
    known: KnownOfOrg | None = None
    connection: ClientConnection | None = None

    @property
    def is_full(self) -> bool:
        return len(self.batch.jobs) >= self.size

    @property
    def is_backfill(self) -> bool:
        """Whether no row is live."""
        return all(job.reason in PACED_REASONS for job in self.batch.jobs)


LookUpFunction = Callable[[Batch], Awaitable[Lookup | None]]
ClaimFunction = Callable[[AsyncSession], Awaitable[dict[str, str]]]


@dataclass
class BatchPrefetcher:
    """Takes batches under one lease. What was claimed ahead and not asked for again is given back with it.

    Rows whose batch broke off go last in one claim and first in the next.
    """

    database: Database
    lease: Lease
    _waiting: dict[str, asyncio.Task[ClaimedBatch | None]] = field(default_factory=dict)
    _lookups: dict[str, asyncio.Task[Lookup | None]] = field(default_factory=dict)
    _claims: dict[str, int] = field(default_factory=dict)

    def begin(self, host_id: str, *, size: int) -> None:
        """Take the host's next rows, unless some wait already, while somebody else's answer is awaited."""
        if host_id not in self._waiting:
            self._waiting[host_id] = asyncio.create_task(self._claim(host_id, size))

    def look_up(self, host_id: str, look_up: LookUpFunction) -> None:
        """Look at the people of the rows that were claimed ahead, while the batch before is being settled.

        To be called when all of that batch is written: what is found counts for the very next batch only.
        """
        if host_id in self._waiting:
            self._lookups[host_id] = asyncio.create_task(self._look_up(self._waiting[host_id], look_up))

    @property
    def has_claimed_ahead(self) -> bool:
        return bool(self._waiting)

    async def take(
        self, host_id: str, *, size: int, key_rules: KeyRules = NO_KEY_RULES
    ) -> ClaimedBatch | None:
        """The host's next rows, those claimed ahead first; None where nothing is due.

        What is claimed only now is read whole in the same transaction, with what its look-up has to know.
        """
        claimed = await self._next_claimed(host_id)
        if claimed is not None:
            return await self._confirmed(claimed)
        await self._discard_lookups()
        return await self._claim(host_id, size, key_rules)

    async def take_beside(self, host_id: str, may_begin: Callable[[Batch], bool]) -> ClaimedBatch | None:
        """The rows that were claimed ahead, where they may begin beside others; else they go on waiting."""
        if host_id not in self._waiting:
            return None
        claimed = await self._waiting[host_id]
        if claimed is None or not may_begin(claimed.batch) or await self._is_overtaken(claimed):
            return None
        confirmed = await self._confirmed(claimed)
        if not may_begin(confirmed.batch):
            return None
        del self._waiting[host_id]
        return confirmed

    async def drop(self, host_id: str) -> None:
        """Take nothing more for this host; rows that were claimed are left running."""
        tasks = (self._lookups.pop(host_id, None), self._waiting.pop(host_id, None))
        await _end([task for task in tasks if task is not None])

    async def stop(self) -> bool:
        """Take nothing more; returns whether rows may be left that were claimed ahead."""
        await self._discard_lookups()
        left, self._waiting = list(self._waiting.values()), {}
        await _end(left)
        return bool(left)

    async def _next_claimed(self, host_id: str) -> ClaimedBatch | None:
        """What was claimed ahead; None while live rows that came since go before rows of a backfill."""
        if host_id not in self._waiting:
            return None
        claimed = await self._waiting[host_id]
        if claimed is not None and await self._is_overtaken(claimed):
            return None
        del self._waiting[host_id]
        return claimed

    async def _is_overtaken(self, claimed: ClaimedBatch) -> bool:
        if not claimed.is_backfill:
            return False
        host_id = claimed.batch.host_id
        async with self.database.tenant(host_id, keeps_plans=True) as session:
            return await has_due_live_work(session, self.lease, host_id)

    async def _claim(self, host_id: str, size: int, key_rules: KeyRules | None = None) -> ClaimedBatch | None:
        before = self._claims.get(host_id, 0)
        self._claims[host_id] = before + 1
        is_even = before % 2 == 0
        claim_next = partial(claim, lease=self.lease, host_id=host_id, limit=size, are_isolated_last=is_even)
        try:
            return await self._claim_and_read(host_id, size, claim_next, key_rules)
        except Exception as error:
            if not is_of_all_hosts(error):
                # Rows that cannot be read are claimed all the same: recovery finds out which is to blame.
                async with self.database.tenant(host_id, keeps_plans=True) as session:
                    await claim_next(session)
            raise

    async def _claim_and_read(
        self, host_id: str, size: int, claim_next: ClaimFunction, key_rules: KeyRules | None
    ) -> ClaimedBatch | None:
        asked_at = time.monotonic()
        # Whatever is written for these rows locks them first, as rows that run under this lease.
        async with self.database.tenant(host_id, keeps_plans=True, waits_for_disk=False) as session:
            claimed = await claim_next(session)
            if not claimed:
                return None
            org_id, fence = self.lease.org_id, self.lease.fence
            if key_rules is not None and len(claimed) <= FEW:
                host, whose = {"host_id": host_id}, {"host_id": host_id, "org_id": org_id}
                of_rows = {"host_id": host_id, "ids": list(claimed)}
                reads: list[Read] = [
                    (HOST_ROW, host),
                    (CLAIMED, of_rows),
                    (EVENTS, whose | {"event_ids": sorted(set(claimed.values()))}),
                    (SLOTS, whose | of_rows),
                    (LOAD_ACCESS, whose),
                    (CONNECTION_OF_CLIENT, host),
                ]
                await read_ahead(session, reads)
            batch = await load_claimed(session, list(claimed), host_id=host_id, org_id=org_id, fence=fence)
            found = ClaimedBatch(batch, size)
            if key_rules is not None:
                if len(claimed) <= FEW:
                    objects = keyed_objects(batch.jobs, key_rules)
                    asks = siblings_read(batch), unique_fields_read(host_id, org_id, objects, MAX_AGE)
                    asked_for = [each for each in asks if each is not None]
                    if len(asked_for) > 1:
                        await read_ahead(session, asked_for)
                batch = await with_siblings(session, batch)
                asked = asked_about(self.lease, batch)
                known = await load_known(session, asked, key_rules) if asked.jobs else None
                connection = await ClientConnection.read(session, host_id)
                found = ClaimedBatch(batch, size, known=known, connection=connection)
        self.lease.confirm(asked_at)
        return found

    async def _confirmed(self, claimed: ClaimedBatch) -> ClaimedBatch:
        """With siblings; read anew where the host unlinked, excluded or mapped something since."""
        batch = claimed.batch
        async with self.database.tenant(batch.host_id, keeps_plans=True) as session:
            stale = await _stale(session, batch)
            is_same = await is_unchanged(session, batch)
            batch = await with_siblings(session, batch) if is_same else await _reload(session, batch)
        if not is_same or len(stale) == len(batch.jobs):
            await self._discard_lookups()
        lookup = self._lookups.pop(batch.host_id, None)
        await self._discard_lookups()
        return replace(claimed, batch=batch, stale=stale, lookup=lookup)

    async def _look_up(
        self, waiting: Awaitable[ClaimedBatch | None], look_up: LookUpFunction
    ) -> Lookup | None:
        """None where something changed since the rows were claimed, or their turn has not come."""
        claimed = await waiting
        if claimed is None or not await self._is_current(claimed):
            return None
        return await look_up(claimed.batch)

    async def _is_current(self, claimed: ClaimedBatch) -> bool:
        batch = claimed.batch
        async with self.database.tenant(batch.host_id, keeps_plans=True) as session:
            if await _stale(session, batch) or not await is_unchanged(session, batch):
                return False
            return not (claimed.is_backfill and await has_due_live_work(session, self.lease, batch.host_id))

    async def _discard_lookups(self) -> None:
        """What was found is too old once another batch is written, or is about other rows than now."""
        left, self._lookups = list(self._lookups.values()), {}
        await _end(left)


async def _end(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _reload(session: AsyncSession, batch: Batch) -> Batch:
    ids = [job.registration_id for job in batch.jobs]
    return await load_batch(session, ids, host_id=batch.host_id, org_id=batch.org_id, fence=batch.fence)


async def _stale(session: AsyncSession, batch: Batch) -> frozenset[str]:
    ids = [job.registration_id for job in batch.jobs]
    still_so = await session.scalars(UNCHANGED, {"host_id": batch.host_id, "registration_ids": ids})
    return frozenset(ids).difference(still_so)
