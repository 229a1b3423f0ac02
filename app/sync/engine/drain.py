"""Drain one org: under its lease, batch by batch, host by host, until it is empty or the budget is spent."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from app.api.errors import Problem
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.database_errors import is_away, sqlstate
from app.salesforce.auth import ConnectionEnded, ConnectionUnusable, GrantDoubted
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import (
    BrokenOff,
    NotSent,
    RequestRejected,
    ResponseLost,
    SalesforceError,
    SendGuardTripped,
)
from app.sync.engine.complete_batch import BatchSummary, complete_batch
from app.sync.engine.pipeline import BudgetReached, Lookup, is_api_budget_exhausted, look_up, process_batch
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs import leases
from app.sync.jobs.claim import open_hosts
from app.sync.jobs.gates import (
    BATCH_MIN,
    back_off,
    close_connection,
    doubt_session,
    forget_fault,
    record_success,
    rest_connection,
    rest_host,
)
from app.sync.jobs.leases import Lease, LeaseLost
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.query_bisection import is_too_large
from app.sync.model.batch import Batch
from app.sync.model.clock import Clock
from app.sync.model.retry_policy import ErrorAction, action_for, is_moved, is_session_refused
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.ticket_transfer import for_current_holder, work_item_for
from app.sync.model.work_item import WorkItem

log = logging.getLogger(__name__)

SLOW_CALL_SECONDS = 20.0
INTERNAL_FAULT = "internal_fault"
INSTANCE_MOVED = "instance_moved"
TOOK_TOO_LONG = ("57014", "55P03")
"""A statement or a lock beyond its limit: a server that is well says so, and of one host's rows perhaps."""


class ClientOpener(Protocol):
    """Opens the Salesforce client of a host; raises a Problem when its connection is not usable."""

    def __call__(self, host_id: str, *, before_send: Callable[[], None]) -> Awaitable[SalesforceClient]: ...


@dataclass(frozen=True)
class DrainContext:
    """What a drain needs. `pepper` keys the hashes of fenced e-mails; equal in all processes."""

    database: Database
    settings: Settings
    open_client: ClientOpener
    worker_id: str
    pepper: bytes

    @property
    def quiet(self) -> timedelta:
        is_off = "quiet" in self.settings.guards_off
        return timedelta(seconds=0 if is_off else self.settings.times.in_doubt)


@dataclass
class HostClient:
    """A host's open client; `told` of its calls are counted for batches that ended."""

    client: SalesforceClient
    told: int

    def untold(self) -> int:
        """The calls since this was asked last."""
        calls, self.told = self.client.calls - self.told, self.client.calls
        return calls


@dataclass(frozen=True)
class Turn:
    """A host's turn: whether it shares the org with nobody, and how many turns before broke off."""

    host_id: str
    is_alone: bool
    faults: int


class HostDrainStopped(Exception):
    """The org or the host has to wait; the rows stay where they are."""


async def drain(engine: DrainContext, org_id: str, *, stop: asyncio.Event) -> bool:
    """Work on an org's due rows; returns whether there may be more to do at once.

    Returns False when somebody else has the lease or the org wants to be left alone. Starts no new call after
    the drain budget or once `stop` is set. Cancelled, it leaves the rows of its call ambiguous.
    """
    times = engine.settings.times
    lease = await leases.acquire(
        engine.database,
        org_id,
        owner=engine.worker_id,
        life=times.lease,
        send_window=times.send_window,
        guards_off=engine.settings.guards_off,
    )
    if lease is None:
        return False
    keeper = asyncio.create_task(
        leases.renew_until_cancelled(engine.database, lease, life=times.lease, every=times.heartbeat)
    )
    ahead = BatchPrefetcher(engine.database, lease)
    try:
        return await _drain_hosts(engine, lease, ahead, stop=stop)
    except LeaseLost:
        return False
    except BaseException:
        await asyncio.shield(_abandon(engine, lease, ahead))
        raise
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await asyncio.shield(_release(engine, lease, ahead))


async def _drain_hosts(
    engine: DrainContext, lease: Lease, ahead: BatchPrefetcher, *, stop: asyncio.Event
) -> bool:
    """Hosts of one org take turns; returns True when the budget ended the drain, not the work."""
    deadline = time.monotonic() + engine.settings.times.drain_budget
    lines: dict[str, HostClient] = {}
    resting: set[str] = set()

    def has_time() -> bool:
        return not stop.is_set() and time.monotonic() <= deadline

    while True:
        did_something = False
        hosts = await open_hosts(engine.database, lease.org_id)
        for host_id in hosts:
            if not has_time():
                return True
            if host_id in resting:
                continue
            failures = lease.failures
            turn = Turn(host_id, is_alone=len(hosts) == 1, faults=hosts[host_id])
            try:
                tally = await _drain_batch(engine, lease, turn, lines=lines, ahead=ahead, has_time=has_time)
            except HostDrainStopped:
                resting.add(host_id)
                if lease.failures > failures:
                    return False
                continue
            except Exception as error:
                if is_of_all_hosts(error):
                    raise
                resting.add(host_id)
                await _break_off(engine, lease, host_id, error, ahead=ahead)
                continue
            did_something = did_something or tally.rows > 0
        if not did_something:
            return False


def is_of_all_hosts(error: Exception) -> bool:
    """Whether it ends a drain whoever's turn it is: the lease went, or the database cannot be used."""
    return isinstance(error, LeaseLost) or (is_away(error) and sqlstate(error) not in TOOK_TOO_LONG)


async def _break_off(
    engine: DrainContext, lease: Lease, host_id: str, error: Exception, *, ahead: BatchPrefetcher
) -> None:
    """Something of this host's own ended its turn: it rests, and the drain goes on to its neighbours."""
    about = {"org_id": lease.org_id, "host_id": host_id, "error": type(error).__name__}
    code = error.reason_code if isinstance(error, ConnectionUnusable) else INTERNAL_FAULT
    is_ours = code == INTERNAL_FAULT
    log.error("host_turn_broke_off", extra=about, exc_info=error if is_ours else None)
    await ahead.drop(host_id)
    await rest_host(engine.database, lease, host_id, code=code, is_fault_of_rows=is_ours)


async def _drain_batch(
    engine: DrainContext,
    lease: Lease,
    turn: Turn,
    *,
    lines: dict[str, HostClient],
    ahead: BatchPrefetcher,
    has_time: Callable[[], bool],
) -> BatchSummary:
    host_id = turn.host_id
    most = lease.caps.rows_of(LOOK_UP, engine.settings.batch_size_max)
    taken = await ahead.take(host_id, size=max(1, min(lease.batch_size, most) >> turn.faults))
    if taken is None:
        return BatchSummary(0, has_uncertain=False)
    rows = [work_item_for(job) for job in taken.batch.jobs]
    batch = replace(taken.batch, jobs=tuple(row.job for row in rows))
    store = WriteStore(engine.database, lease, batch, engine.quiet)
    line = await _client_for(engine, lease, host_id, lines, store=store, rows=rows)
    if turn.is_alone and taken.is_full and not turn.faults:
        ahead.begin(host_id, size=min(most, taken.size * 2))
    started_at = time.monotonic()
    ended: Exception | None = None
    try:
        fresh = [row for row in rows if row.job.registration_id not in taken.stale]
        if fresh:
            clock = Clock(batch.now, engine.quiet)
            await process_batch(engine, line.client, store, fresh, clock=clock, asked=taken.asked)
    except ConnectionUnusable:
        raise
    except (SalesforceError, BudgetReached) as error:
        ended = error
    calls = line.untold()
    if ended is None and has_time() and not any(row.misjudged for row in rows):
        ahead.ask(host_id, partial(_prefetch, engine, lease, line.client))
    tally = await complete_batch(
        store, rows, line.client, calls=calls, has_broken_off=isinstance(ended, BrokenOff)
    )
    if ended is not None and is_too_large(ended):
        lease.caps.halve(LOOK_UP, len(rows))
    await leases.keep_caps(engine.database, lease)
    if ended is not None:
        await _handle_drain_error(engine, lease, host_id, ended)
        raise HostDrainStopped from ended
    if turn.faults:
        async with engine.database.tenant(host_id) as session:
            await forget_fault(session, host_id)
        return tally
    took = time.monotonic() - started_at
    await record_success(engine.database, lease, batch_size=_next_size(taken.size, len(rows), took, most))
    return tally


async def _client_for(
    engine: DrainContext,
    lease: Lease,
    host_id: str,
    lines: dict[str, HostClient],
    *,
    store: WriteStore,
    rows: list[WorkItem],
) -> HostClient:
    if host_id not in lines:
        try:
            client = await engine.open_client(host_id, before_send=lease.check_send)
        except ConnectionUnusable:
            raise
        except (Problem, SalesforceError) as error:
            await complete_batch(store, rows, None, calls=0)
            raise HostDrainStopped from error
        lines[host_id] = HostClient(client, told=client.calls)
    return lines[host_id]


async def _prefetch(
    engine: DrainContext, lease: Lease, client: SalesforceClient, batch: Batch
) -> Lookup | None:
    """What stands of the next batch's people; None where its host may not be asked for just now."""
    if batch.host_id not in await open_hosts(engine.database, lease.org_id):
        return None
    of_holders = replace(batch, jobs=tuple(for_current_holder(job) for job in batch.jobs))
    store = WriteStore(engine.database, lease, of_holders, engine.quiet)
    return None if await is_api_budget_exhausted(client, store) else await look_up(client, store)


async def _handle_drain_error(engine: DrainContext, lease: Lease, host_id: str, error: Exception) -> None:
    """What an end that concerns more than single rows does to the gates."""
    log.warning(
        "drain_ended",
        extra={
            "org_id": lease.org_id,
            "host_id": host_id,
            "error": type(error).__name__,
            "code": error.failure.error_code if isinstance(error, SalesforceError) else None,
        },
    )
    match error:
        case ConnectionEnded() | BudgetReached() | GrantDoubted():
            return
        case RequestRejected() if is_too_large(error):
            return
        case RequestRejected() if is_moved(error.failure):
            await rest_connection(engine.database, lease, host_id, code=INSTANCE_MOVED)
        case SendGuardTripped():
            raise LeaseLost from error
        case RequestRejected() if action_for(error.failure) is ErrorAction.CLOSE:
            await close_connection(engine.database, host_id, error.failure)
        case RequestRejected() if is_session_refused(error.failure):
            await doubt_session(engine.database, lease, host_id, error.failure)
        case RequestRejected():
            await back_off(engine.database, lease, error.failure, is_slow=False)
        case BrokenOff():
            await back_off(engine.database, lease, error.failure, is_slow=True)
        case ResponseLost() | NotSent():
            await back_off(engine.database, lease, None, is_slow=isinstance(error, ResponseLost))
        case _:
            await back_off(engine.database, lease, None, is_slow=False)


async def _release(engine: DrainContext, lease: Lease, ahead: BatchPrefetcher) -> None:
    """The end of a drain: the org goes back, and with it what was taken ahead of time."""
    if await ahead.stop():
        await _abandon(engine, lease, ahead)
    elif not lease.is_lost:
        await leases.release(engine.database, lease)


async def _abandon(engine: DrainContext, lease: Lease, ahead: BatchPrefetcher) -> None:
    """This drain broke off in the middle: whoever comes next must know what is uncertain."""
    await ahead.stop()
    if lease.is_lost:
        return
    # Lost from here on: should this fail, the lease runs out and whoever takes over settles the rows.
    lease.is_lost = True
    async with engine.database.system() as session:
        if await leases.release_in_transaction(session, lease):
            await leases.recover_running_jobs(
                session, lease.org_id, has_died=False, guards_off=lease.guards_off
            )


def _next_size(size: int, used: int, took: float, most: int) -> int:
    """Larger after a full batch that went quickly, smaller after a slow one."""
    if took > SLOW_CALL_SECONDS:
        return max(BATCH_MIN, size // 2)
    return min(most, size * 2) if used >= size else size
