"""Drain one org: under its lease, batch by batch, host by host, until it is empty or the budget is spent."""

import asyncio
import contextlib
import logging
import time

from app import tracing
from app.infrastructure.log_context import logged_with
from app.infrastructure.work_reports import new_id
from app.metrics import DRAIN_SECONDS
from app.salesforce.auth import ConnectionUnusable
from app.sync.engine.host_turn import HostTurn
from app.sync.engine.interruptions import is_of_all_hosts
from app.sync.engine.org_drain import DrainContext, OrgDrain, Turn, TurnEnd
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs import leases
from app.sync.jobs.claim import hosts_with_open_gates, release_unless_due
from app.sync.jobs.gates import back_off_host
from app.sync.jobs.leases import Lease, LeaseLost

log = logging.getLogger(__name__)

SLOW_CALL_SECONDS = 20.0
INTERNAL_FAULT = "internal_fault"


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
                end = await HostTurn(org, turn).run()
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
