"""Drain one org: under its lease, batch by batch, host by host, until it is empty or the budget is spent."""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, auto
from functools import partial

from app import tracing
from app.api.errors import Problem
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.log_context import logged_with
from app.infrastructure.work_reports import BatchReport, new_id, reported_batch
from app.metrics import BATCH_SIZE, DRAIN_SECONDS
from app.salesforce.auth import ConnectionUnusable
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import BrokenOff, SalesforceError
from app.states import SkipReason
from app.sync.engine.complete_batch import complete_batch
from app.sync.engine.host_client import ClientOpener, HostClient
from app.sync.engine.interruptions import close_gates, is_api_budget_exhausted, is_of_all_hosts
from app.sync.engine.pipeline import (
    BatchResult,
    Lookup,
    asked_about,
    key_rules_of,
    look_up,
    process_batch,
)
from app.sync.engine.prefetch import BatchPrefetcher, ClaimedBatch
from app.sync.jobs import leases
from app.sync.jobs.claim import hosts_with_open_gates, release_unless_due
from app.sync.jobs.gates import BATCH_MIN, back_off_host, clear_host_backoff, record_success
from app.sync.jobs.leases import Lease, LeaseLost
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.query_bisection import is_too_large
from app.sync.model.batch import Batch
from app.sync.model.batch_items import changed_item
from app.sync.model.decisions import ItemDecision, Skip
from app.sync.model.retry_policy import Clock
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.ticket_transfer import work_item_for
from app.sync.model.work_item import WorkItem
from app.sync.planning.suspected import suspected_items

log = logging.getLogger(__name__)

SLOW_CALL_SECONDS = 20.0
INTERNAL_FAULT = "internal_fault"


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


async def drain(context: DrainContext, org_id: str, *, stop: asyncio.Event) -> bool:
    """Work on an org's due rows; returns whether there may be more to do at once.

    Returns False when somebody else has the lease or the org wants to be left alone. Starts no new call after
    the drain budget or once `stop` is set. Cancelled, it leaves the rows of its call ambiguous.
    """
    times = context.settings.times
    lease = await leases.acquire(
        context.database,
        org_id,
        owner=context.worker_id,
        life=times.lease,
        send_window=times.send_window,
        guards_off=context.settings.guards_off,
    )
    if lease is None:
        return False
    (context.slow_orgs.add if lease.is_slow else context.slow_orgs.discard)(org_id)
    with (
        logged_with(org_id=org_id, drain_id=new_id()),
        tracing.span("drain", kind=tracing.CONSUMER, org_id=org_id),
        DRAIN_SECONDS.time(),
    ):
        return await _drain_under(context, lease, stop)


async def _drain_under(context: DrainContext, lease: Lease, stop: asyncio.Event) -> bool:
    times = context.settings.times
    keeper = asyncio.create_task(
        leases.renew_until_cancelled(context.database, lease, life=times.lease, every=times.heartbeat)
    )
    prefetcher = BatchPrefetcher(context.database, lease)
    deadline = time.monotonic() + times.drain_budget
    try:
        return await _drain_hosts(OrgDrain(context, lease, prefetcher, stop, deadline))
    except LeaseLost:
        return False
    except BaseException:
        await asyncio.shield(_abandon(context, lease, prefetcher))
        raise
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        if not lease.is_released:
            await asyncio.shield(_release(context, lease, prefetcher))


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


async def _drain_hosts(org: OrgDrain) -> bool:
    """Hosts of one org take turns; returns True when the budget ended the drain, not the work."""
    lease, stopped_hosts = org.lease, set[str]()
    hosts = lease.hosts
    while True:
        ends = set[TurnEnd]()
        for host_id in hosts:
            if not org.has_time():
                return True
            if host_id in stopped_hosts:
                continue
            failures = lease.failures
            turn = Turn(host_id, is_only_host=len(hosts) == 1, broken_off=hosts[host_id])
            try:
                end = await HostDrain(org, turn).run()
            except Exception as error:
                if is_of_all_hosts(error):
                    raise
                end = await _break_off(org, host_id, error)
            if end is TurnEnd.STOPPED:
                stopped_hosts.add(host_id)
                if lease.failures > failures:
                    return False
            ends.add(end)
        if ends.isdisjoint((TurnEnd.WORKED, TurnEnd.FULL)):
            return False
        is_at_its_end = TurnEnd.FULL not in ends and not org.prefetcher.has_claimed_ahead and org.has_time()
        if is_at_its_end and await release_unless_due(
            org.context.database, lease, except_hosts=stopped_hosts
        ):
            return False
        hosts = await hosts_with_open_gates(org.context.database, lease.org_id)


async def _break_off(org: OrgDrain, host_id: str, error: Exception) -> TurnEnd:
    """Something of this host's own ended its turn: it rests, and the drain goes on to its neighbours."""
    about = {"org_id": org.lease.org_id, "host_id": host_id, "error": type(error).__name__}
    code = error.reason_code if isinstance(error, ConnectionUnusable) else INTERNAL_FAULT
    is_internal = code == INTERNAL_FAULT
    log.error("host_turn_broke_off", extra=about, exc_info=error if is_internal else None)
    await org.prefetcher.drop(host_id)
    await back_off_host(org.context.database, org.lease, host_id, code=code, is_caused_by_rows=is_internal)
    return TurnEnd.STOPPED


@dataclass(frozen=True)
class ClaimedWork:
    """A claimed batch with its work items; `row_limit` is how many rows a batch of the org may have."""

    claimed: ClaimedBatch
    items: tuple[WorkItem, ...]
    store: WriteStore
    row_limit: int


@dataclass(frozen=True)
class HostDrain:
    """A host's turn: one batch, with its effects in this order.

    1. `claim`: the host's due rows become the lease's, those that were prefetched first.
    2. The host's client is opened. Where that fails the rows are completed as they are and the host stops.
    3. The next claim begins, where no other host waits: it overlaps with this batch's calls.
    4. `process`: look-ups, plans, writes. What concerns more than single items is returned as interruption.
    5. The look-up of the next batch begins: not before all of this batch is written.
    6. `complete`: results, jobs and API figures are committed in one transaction; then the row caps.
    7. `conclude`: an interruption closes gates of the org or the host and stops the host; otherwise the
       host's back-off is cleared, or the batch size of the org adapts.
    """

    org: OrgDrain
    turn: Turn

    async def run(self) -> TurnEnd:
        """Work on one batch. Raises LeaseLost, and what ends this host's turn alone."""
        work = await self.claim()
        if work is None:
            return TurnEnd.NOTHING_DUE
        BATCH_SIZE.observe(len(work.items))
        with reported_batch(self.turn.host_id, work.store.batch.jobs) as report:
            return await self._work_on(work, report)

    async def _work_on(self, work: ClaimedWork, report: BatchReport) -> TurnEnd:
        client = await self._open_client(work, report)
        if client is None:
            return TurnEnd.STOPPED
        if self.turn.is_only_host and work.claimed.is_full and not self.turn.broken_off:
            size = min(work.row_limit, work.claimed.size * 2)
            self.org.prefetcher.begin(self.turn.host_id, size=size)
        started_at = time.monotonic()
        result = await self.process(work, client)
        calls = client.take_uncounted_calls()
        has_stale = any(item.stale_describes for item in result.items)
        if result.interruption is None and self.org.has_time() and not has_stale:
            look_up_next = partial(_prefetch, self.org.context, self.org.lease, client.client)
            self.org.prefetcher.look_up(self.turn.host_id, look_up_next)
        report.ended(await self.complete(work, client, result, calls=calls), calls=calls)
        return await self.conclude(work, result.interruption, started_at=started_at)

    async def claim(self) -> ClaimedWork | None:
        """The host's next rows; None where nothing is due. Each turn that broke off halves the batch."""
        context, lease = self.org.context, self.org.lease
        row_limit = lease.caps.rows_of(LOOK_UP, context.settings.batch_size_max)
        size = max(1, min(lease.batch_size, row_limit) >> self.turn.broken_off)
        claimed = await self.org.prefetcher.take(
            self.turn.host_id, size=size, key_rules=key_rules_of(context)
        )
        if claimed is None:
            return None
        items = tuple(work_item_for(job) for job in claimed.batch.jobs)
        if lease.restored is not None:
            items = suspected_items(items, claimed.batch, lease.restored)
        batch = replace(claimed.batch, jobs=tuple(item.job for item in items))
        return ClaimedWork(
            claimed, items, WriteStore(context.database, lease, batch, context.lost_write_window), row_limit
        )

    async def process(self, work: ClaimedWork, client: HostClient) -> BatchResult:
        """Bring the items as far as they can go, but for those whose registrations changed since they were
        read. For those of events that are switched off Salesforce is not asked.
        """
        context, claimed = self.org.context, work.claimed
        stale = [item for item in work.items if item.registration_id in claimed.stale]
        others = [item for item in work.items if item.registration_id not in claimed.stale]
        fresh = [item for item in others if item.job.is_enabled]
        settled = [*(_switched_off(item) for item in others if not item.job.is_enabled), *stale]
        if not fresh:
            return BatchResult(tuple(settled))
        store = replace(work.store, batch=work.store.batch.of_enabled_events())
        clock = Clock(store.batch.now, context.lost_write_window)
        result = await process_batch(
            context, client.client, store, fresh, clock=clock, prefetched=claimed.lookup, known=claimed.known
        )
        return replace(result, items=(*result.items, *settled))

    async def complete(
        self, work: ClaimedWork, client: HostClient, result: BatchResult, *, calls: int
    ) -> dict[str, str]:
        """Commit how every item ended, and what the org can take at a time; returns the jobs' states."""
        has_broken_off = isinstance(result.interruption, BrokenOff)
        states = await complete_batch(
            work.store, result.items, client.client, calls=calls, has_broken_off=has_broken_off
        )
        if result.interruption is not None and is_too_large(result.interruption):
            self.org.lease.caps.halve(LOOK_UP, len(work.items))
        await leases.store_caps(self.org.context.database, self.org.lease)
        return states

    async def conclude(
        self, work: ClaimedWork, interruption: Exception | None, *, started_at: float
    ) -> TurnEnd:
        """Close the gates that an interruption closes, or note that all went well."""
        context, lease, host_id = self.org.context, self.org.lease, self.turn.host_id
        if interruption is not None:
            await close_gates(context.database, lease, host_id, interruption)
            return TurnEnd.STOPPED
        end = TurnEnd.FULL if work.claimed.is_full else TurnEnd.WORKED
        if self.turn.broken_off:
            async with context.database.tenant(host_id) as session:
                await clear_host_backoff(session, host_id)
            return end
        seconds = time.monotonic() - started_at
        size = _next_size(work.claimed.size, len(work.items), seconds, work.row_limit)
        await record_success(context.database, lease, batch_size=size)
        return end

    async def _open_client(self, work: ClaimedWork, report: BatchReport) -> HostClient | None:
        """The host's client; None where there is none now, with the items completed as they are."""
        host_id, clients, read = self.turn.host_id, self.org.clients, work.claimed.connection
        guard = self.org.lease.check_send
        if host_id not in clients:
            try:
                client = await self.org.context.open_client(host_id, before_send=guard, connection=read)
            except ConnectionUnusable:
                raise
            except (Problem, SalesforceError):
                report.ended(await complete_batch(work.store, work.items, None, calls=0), calls=0)
                return None
            clients[host_id] = HostClient(client, counted_calls=client.calls)
        return clients[host_id]


def _switched_off(item: WorkItem) -> WorkItem:
    """The item of an event that is switched off, skipped."""
    reason = SkipReason.ERASED if item.job.is_erased else SkipReason.SWITCHED_OFF
    return changed_item(item, ItemDecision(item, Skip(reason)))


async def _prefetch(
    context: DrainContext, lease: Lease, client: SalesforceClient, batch: Batch
) -> Lookup | None:
    """What stands of the next batch's people; None where its host may not be asked for just now."""
    if batch.host_id not in await hosts_with_open_gates(context.database, lease.org_id):
        return None
    asked = asked_about(lease, batch)
    if not asked.jobs or is_api_budget_exhausted(client, batch.api_cap_percent):
        return None
    store = WriteStore(context.database, lease, asked, context.lost_write_window)
    return await look_up(context, client, store)


async def _release(context: DrainContext, lease: Lease, prefetcher: BatchPrefetcher) -> None:
    """The end of a drain that still has the org: it goes back, and with it what was taken ahead of time."""
    if await prefetcher.stop():
        await _abandon(context, lease, prefetcher)
    elif not lease.is_lost:
        await leases.release(context.database, lease)


async def _abandon(context: DrainContext, lease: Lease, prefetcher: BatchPrefetcher) -> None:
    """This drain broke off in the middle: whoever comes next must know what is uncertain."""
    await prefetcher.stop()
    if lease.is_lost:
        return
    # Lost from here on: should this fail, the lease runs out and whoever takes over settles the rows.
    lease.is_lost = True
    async with context.database.system() as session:
        if await leases.release_in_transaction(session, lease):
            await leases.recover_running_jobs(
                session, lease.org_id, is_crash=False, guards_off=lease.guards_off
            )


def _next_size(size: int, used: int, seconds: float, limit: int) -> int:
    """Larger after a full batch that went quickly, smaller after a slow one."""
    if seconds > SLOW_CALL_SECONDS:
        return max(BATCH_MIN, size // 2)
    return min(limit, size * 2) if used >= size else size
