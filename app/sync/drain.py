"""Drain one org: under its lease, batch by batch, host by host, until it is empty or the budget is spent."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

from app.database import Database
from app.database_faults import is_away, sqlstate
from app.problems import Problem
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import (
    AnswerLost,
    BrokenOff,
    NotSent,
    Refused,
    SalesforceError,
    SendGuardTripped,
)
from app.salesforce.session import ConnectionEnded, ConnectionUnusable, GrantDoubted
from app.settings import Settings
from app.sync import leases
from app.sync.ahead import Ahead
from app.sync.batch import Batch
from app.sync.caps import LOOK_UP
from app.sync.claim import open_hosts
from app.sync.clock import Clock
from app.sync.finish import Tally, finish
from app.sync.gates import (
    BATCH_MIN,
    back_off,
    close_connection,
    doubt_session,
    forget_fault,
    note_health,
    rest_connection,
    rest_host,
)
from app.sync.handover import for_holder, row_of
from app.sync.leases import Lease, LeaseLost
from app.sync.policy import Consequence, consequence_of, is_moved, is_session_refused
from app.sync.rows import Row
from app.sync.steps import BudgetReached, Looked, is_used_up, look_up, take_steps
from app.sync.store import Store
from app.sync.unasked import is_too_large

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
class Engine:
    """What a drain needs. `pepper` keys the hashes of fenced e-mails; equal in all processes."""

    database: Database
    settings: Settings
    open_client: ClientOpener
    worker_id: str
    pepper: bytes

    @property
    def quiet(self) -> timedelta:
        is_off = "quiet" in self.settings.guards_off
        return timedelta(seconds=0 if is_off else self.settings.times.quiet)


@dataclass
class Line:
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


class DrainEnded(Exception):
    """The org or the host has to wait; the rows stay where they are."""


def pepper_of(settings: Settings) -> bytes:
    """A key for keyed hashes: PEPPER, else made of the oldest encryption key, which must not go before."""
    if settings.pepper is not None:
        return bytes.fromhex(settings.pepper.get_secret_value())
    oldest = settings.encryption_keys[-1].get_secret_value()
    return hashlib.blake2b(oldest.encode(), digest_size=32, person=b"evs-pepper").digest()


async def drain(engine: Engine, org_id: str, *, stop: asyncio.Event) -> bool:
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
    keeper = asyncio.create_task(leases.keep(engine.database, lease, life=times.lease, every=times.heartbeat))
    ahead = Ahead(engine.database, lease)
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
        await asyncio.shield(_give_back(engine, lease, ahead))


async def _drain_hosts(engine: Engine, lease: Lease, ahead: Ahead, *, stop: asyncio.Event) -> bool:
    """Hosts of one org take turns; returns True when the budget ended the drain, not the work."""
    deadline = time.monotonic() + engine.settings.times.drain_budget
    lines: dict[str, Line] = {}
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
            except DrainEnded:
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


async def _break_off(engine: Engine, lease: Lease, host_id: str, error: Exception, *, ahead: Ahead) -> None:
    """Something of this host's own ended its turn: it rests, and the drain goes on to its neighbours."""
    about = {"org_id": lease.org_id, "host_id": host_id, "error": type(error).__name__}
    code = error.reason_code if isinstance(error, ConnectionUnusable) else INTERNAL_FAULT
    is_ours = code == INTERNAL_FAULT
    log.error("host_turn_broke_off", extra=about, exc_info=error if is_ours else None)
    await ahead.drop(host_id)
    await rest_host(engine.database, lease, host_id, code=code, is_fault_of_rows=is_ours)


async def _drain_batch(
    engine: Engine,
    lease: Lease,
    turn: Turn,
    *,
    lines: dict[str, Line],
    ahead: Ahead,
    has_time: Callable[[], bool],
) -> Tally:
    host_id = turn.host_id
    most = lease.caps.rows_of(LOOK_UP, engine.settings.batch_size_max)
    taken = await ahead.take(host_id, size=max(1, min(lease.batch_size, most) >> turn.faults))
    if taken is None:
        return Tally(0, has_uncertain=False)
    rows = [row_of(job) for job in taken.batch.jobs]
    batch = replace(taken.batch, jobs=tuple(row.job for row in rows))
    store = Store(engine.database, lease, batch, engine.quiet)
    line = await _line(engine, lease, host_id, lines, store=store, rows=rows)
    if turn.is_alone and taken.is_full and not turn.faults:
        ahead.begin(host_id, size=min(most, taken.size * 2))
    started_at = time.monotonic()
    ended: Exception | None = None
    try:
        fresh = [row for row in rows if row.job.registration_id not in taken.stale]
        if fresh:
            clock = Clock(batch.now, engine.quiet)
            await take_steps(engine, line.client, store, fresh, clock=clock, asked=taken.asked)
    except ConnectionUnusable:
        raise
    except (SalesforceError, BudgetReached) as error:
        ended = error
    calls = line.untold()
    if ended is None and has_time() and not any(row.misjudged for row in rows):
        ahead.ask(host_id, partial(_look_ahead, engine, lease, line.client))
    tally = await finish(store, rows, line.client, calls=calls, has_broken_off=isinstance(ended, BrokenOff))
    if ended is not None and is_too_large(ended):
        lease.caps.halve(LOOK_UP, len(rows))
    await leases.keep_caps(engine.database, lease)
    if ended is not None:
        await _react(engine, lease, host_id, ended)
        raise DrainEnded from ended
    if turn.faults:
        async with engine.database.tenant(host_id) as session:
            await forget_fault(session, host_id)
        return tally
    took = time.monotonic() - started_at
    await note_health(engine.database, lease, batch_size=_next_size(taken.size, len(rows), took, most))
    return tally


async def _line(
    engine: Engine,
    lease: Lease,
    host_id: str,
    lines: dict[str, Line],
    *,
    store: Store,
    rows: list[Row],
) -> Line:
    if host_id not in lines:
        try:
            client = await engine.open_client(host_id, before_send=lease.check_send)
        except ConnectionUnusable:
            raise
        except (Problem, SalesforceError) as error:
            await finish(store, rows, None, calls=0)
            raise DrainEnded from error
        lines[host_id] = Line(client, told=client.calls)
    return lines[host_id]


async def _look_ahead(engine: Engine, lease: Lease, client: SalesforceClient, batch: Batch) -> Looked | None:
    """What stands of the next batch's people; None where its host may not be asked for just now."""
    if batch.host_id not in await open_hosts(engine.database, lease.org_id):
        return None
    of_holders = replace(batch, jobs=tuple(for_holder(job) for job in batch.jobs))
    store = Store(engine.database, lease, of_holders, engine.quiet)
    return None if await is_used_up(client, store) else await look_up(client, store)


async def _react(engine: Engine, lease: Lease, host_id: str, error: Exception) -> None:
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
        case Refused() if is_too_large(error):
            return
        case Refused() if is_moved(error.failure):
            await rest_connection(engine.database, lease, host_id, code=INSTANCE_MOVED)
        case SendGuardTripped():
            raise LeaseLost from error
        case Refused() if consequence_of(error.failure) is Consequence.CLOSE:
            await close_connection(engine.database, host_id, error.failure)
        case Refused() if is_session_refused(error.failure):
            await doubt_session(engine.database, lease, host_id, error.failure)
        case Refused():
            await back_off(engine.database, lease, error.failure, is_slow=False)
        case BrokenOff():
            await back_off(engine.database, lease, error.failure, is_slow=True)
        case AnswerLost() | NotSent():
            await back_off(engine.database, lease, None, is_slow=isinstance(error, AnswerLost))
        case _:
            await back_off(engine.database, lease, None, is_slow=False)


async def _give_back(engine: Engine, lease: Lease, ahead: Ahead) -> None:
    """The end of a drain: the org goes back, and with it what was taken ahead of time."""
    if await ahead.stop():
        await _abandon(engine, lease, ahead)
    elif not lease.is_lost:
        await leases.release(engine.database, lease)


async def _abandon(engine: Engine, lease: Lease, ahead: Ahead) -> None:
    """This drain broke off in the middle: whoever comes next must know what is uncertain."""
    await ahead.stop()
    if lease.is_lost:
        return
    # Lost from here on: should this fail, the lease runs out and whoever takes over settles the rows.
    lease.is_lost = True
    async with engine.database.system() as session:
        if await leases.give_up(session, lease):
            await leases.settle_running(session, lease.org_id, has_died=False, guards_off=lease.guards_off)


def _next_size(size: int, used: int, took: float, most: int) -> int:
    """Larger after a full batch that went quickly, smaller after a slow one."""
    if took > SLOW_CALL_SECONDS:
        return max(BATCH_MIN, size // 2)
    return min(most, size * 2) if used >= size else size
