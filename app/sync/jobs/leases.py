"""One worker at a time per org: a lease with a fence, kept by a heartbeat, all by the database's clock."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.log_limit import LogLimit
from app.metrics import LEASE_LOSSES, LEASE_TAKEOVERS
from app.models.kept_plan import found_by, kept_plan
from app.notifications.facts import events_failed
from app.salesforce.errors import SendGuardTripped
from app.states import JobState
from app.sync.errors.item_error import NOT_PROCESSED_ERROR, OUTCOME_UNKNOWN_ERROR
from app.sync.model.item_errors import ItemError
from app.sync.model.restored import RestoredWindow
from app.sync.model.retry_policy import MAX_WORKER_CRASHES
from app.sync.model.row_caps import Caps

log = logging.getLogger(__name__)
limit = LogLimit(log)

HAS_OPEN_GATES = """
    connection.state = 'connected' AND host.paused_at IS NULL
    AND (connection.api_closed_until IS NULL OR connection.api_closed_until <= clock_timestamp())
    AND (connection.fault_until IS NULL OR connection.fault_until <= clock_timestamp())
"""
IS_LEASE_FREE = """
    lease.paused_at IS NULL AND (lease.until IS NULL OR lease.until <= clock_timestamp())
    AND (lease.not_before IS NULL OR lease.not_before <= clock_timestamp())
"""
# By the org's index, and each host by its key: a plan that is kept must not depend on how many there were.
HOSTS_OF_ORG = f"""
    {found_by("org_id", ":org_id", table="connections", beside="true")} AS connection
    CROSS JOIN LATERAL {found_by("host_id", "connection.host_id", table="hosts", beside="true")} AS host
"""
TAKE_LEASE = kept_plan("SELECT * FROM take_lease(:org_id, :owner, :life, :recovers)")
STORE_CAPS = kept_plan("""
    UPDATE org_leases SET caps = CAST(:caps AS jsonb) WHERE org_id = :org_id AND fence = :fence
""")
RENEW = kept_plan("""
    UPDATE org_leases SET until = clock_timestamp() + :life
    WHERE org_id = :org_id AND owner = :owner AND fence = :fence AND until > clock_timestamp()
""")
RELEASE = kept_plan("""
    UPDATE org_leases SET owner = NULL, until = NULL
    WHERE org_id = :org_id AND owner = :owner AND fence = :fence
""")

# The fence rises, so that whoever had the lease cannot write any more when he wakes up.
RELEASE_EXPIRED = text("""
    UPDATE org_leases SET owner = NULL, until = NULL, fence = fence + 1
    WHERE org_id = :org_id AND (until IS NULL OR until <= clock_timestamp())
    RETURNING fence
""")

DELETE_INTENTS = text("""
    DELETE FROM written_records AS slot USING sync_jobs AS job
    WHERE job.org_id = :org_id AND job.state = 'running'
      AND slot.host_id = job.host_id AND slot.org_id = job.org_id
      AND slot.registration_id = job.registration_id AND slot.state = 'intended'
""")
LOCKED_RUNNING_JOBS = """
        FROM sync_jobs
        WHERE org_id = :org_id AND state = 'running'
          AND (CAST(:host_id AS text) IS NULL OR (host_id = :host_id AND fence = :fence))
        ORDER BY host_id, registration_id FOR UPDATE
"""
LOCK_RUNNING_JOBS = text(f"SELECT {LOCKED_RUNNING_JOBS}")
# Calls that were under way when their worker went: what they wrote is not known. Only these count as crashes:
# a row that is merely looked up again takes nobody with it. Where one host's turn broke off (`host_id`), only
# a row that was alone is to blame. All that may be to blame are tried in halves next. Slots are read by their
# whole key, with a fence for the planner: with old statistics it would read all slots of the host for each
# row.
#
#   running job that                        next state    waits for    org
#   crashed its worker too often            failed                     as before
#   left a write that may have happened     ambiguous     certainty    as before
#   was run for the last version            pending                    as before
#   was run for an earlier version          pending                    that of the host's connection
RECOVER_RUNNING_JOBS = text(
    f"""
    WITH running AS (
        SELECT host_id, registration_id, org_id, worker_crashes, requested_version, running_version
        {LOCKED_RUNNING_JOBS}
    ), unsettled AS (
        SELECT kept.* FROM running CROSS JOIN LATERAL (
            SELECT host_id, org_id, registration_id, slot, instance_key, state FROM written_records
            WHERE host_id = running.host_id AND org_id = running.org_id
              AND registration_id = running.registration_id
            ORDER BY host_id, org_id, registration_id, slot, instance_key OFFSET 0
        ) AS kept WHERE kept.state IN ('intended', 'ambiguous')
    ), doubted AS (
        UPDATE written_records AS record SET state = 'ambiguous' FROM unsettled
        WHERE unsettled.state = 'intended'
          AND record.host_id = unsettled.host_id AND record.org_id = unsettled.org_id
          AND record.registration_id = unsettled.registration_id
          AND record.slot = unsettled.slot AND record.instance_key = unsettled.instance_key
    ), doubt AS (
        SELECT running.*,
               (host_id, registration_id) IN (SELECT host_id, registration_id FROM unsettled) AS is_in_doubt,
               (host_id, registration_id) IN (
                   SELECT host_id, registration_id FROM unsettled WHERE state = 'intended'
               ) AS was_called
        FROM running
    ), blamed AS (
        SELECT doubt.*,
               CAST(:crashes AS int) = 1 AND (was_called OR CAST(:host_id AS text) IS NOT NULL) AS is_suspect,
               CASE WHEN CAST(:host_id AS text) IS NULL THEN was_called
                    ELSE (SELECT count(*) FROM running) = 1 END AS is_blamed
        FROM doubt
    ), verdict AS (
        SELECT host_id, registration_id, is_in_doubt, requested_version, running_version,
               worker_crashes + CASE WHEN is_blamed THEN CAST(:crashes AS int) ELSE 0 END AS worker_crashes,
               is_blamed AND worker_crashes + CAST(:crashes AS int) >= :max_crashes AS is_exhausted,
               CASE WHEN is_suspect THEN count(*) FILTER (WHERE is_suspect) OVER () / 2 END AS batch_limit
        FROM blamed
    ), settled AS (
        SELECT verdict.*,
               CASE WHEN is_exhausted THEN 'failed' WHEN is_in_doubt THEN 'ambiguous' ELSE 'pending' END
                   AS next_state,
               (is_exhausted OR is_in_doubt OR requested_version <= running_version) IS NOT TRUE AS is_rearmed
        FROM verdict
    )
    UPDATE sync_jobs AS job
    SET state = settled.next_state,
        settled_state = CASE WHEN settled.next_state <> 'failed' THEN job.settled_state END,
        worker_crashes = settled.worker_crashes,
        batch_limit = coalesce(settled.batch_limit, job.batch_limit),
        waiting_for = CASE WHEN settled.next_state = 'ambiguous' THEN 'certainty' END,
        error_class = CASE WHEN is_exhausted THEN :error ->> 'class' ELSE error_class END,
        error_code = CASE WHEN is_exhausted THEN :error ->> 'error_code' ELSE error_code END,
        group_id = CASE WHEN is_exhausted THEN :group_id ELSE group_id END,
        error = CASE WHEN is_exhausted THEN :error ELSE error END,
        first_error_at = CASE WHEN is_exhausted THEN clock_timestamp() ELSE first_error_at END,
        last_error_at = CASE WHEN is_exhausted THEN clock_timestamp() ELSE last_error_at END,
        org_id = CASE WHEN is_rearmed
                      THEN coalesce((SELECT connections.org_id FROM connections
                                     WHERE connections.host_id = job.host_id), job.org_id)
                      ELSE job.org_id END,
        fence = NULL, running_version = NULL, due_at = clock_timestamp()
    FROM settled
    WHERE job.host_id = settled.host_id AND job.registration_id = settled.registration_id
    RETURNING job.state, job.host_id, job.event_id
    """  # noqa: S608 -- put together from constants
).bindparams(bindparam("error", type_=JSONB))


class LeaseLost(Exception):
    """Another worker owns the org now; nothing more may be written under this lease."""


@dataclass
class Lease:
    """An org that this process drains. `batch_size` and `failures` are what the last drain left behind.

    `hosts` are those whose gates were open as it was acquired, in a fixed order, and how many turns in a row
    broke off. `restored`: what a restored database may have forgotten. `guards_off` is empty but in
    control runs against the simulator.
    """

    org_id: str
    owner: str
    fence: int
    batch_size: int
    failures: int
    send_window: float
    guards_off: frozenset[str] = frozenset()
    hosts: Mapping[str, int] = field(default_factory=dict)
    is_slow: bool = False
    is_lost: bool = False
    is_released: bool = False
    confirmed_at: float = field(default_factory=time.monotonic)
    caps: Caps = field(default_factory=Caps)
    restored: RestoredWindow | None = None

    @property
    def key(self) -> dict[str, Any]:
        return {"org_id": self.org_id, "owner": self.owner, "fence": self.fence}

    def confirm(self, asked_at: float) -> None:
        """The database said at `asked_at` (monotonic seconds) or later that the lease is ours."""
        self.confirmed_at = max(self.confirmed_at, asked_at)

    def check_send(self) -> None:
        """Refuse a send unless the lease was confirmed just now: a frozen process must not wake up and write.

        Raises SendGuardTripped.
        """
        if "send_window" in self.guards_off:
            return
        if self.is_lost or time.monotonic() - self.confirmed_at > self.send_window:
            raise SendGuardTripped("the lease is no longer certain")


async def acquire(
    database: Database,
    org_id: str,
    *,
    owner: str,
    life: float,
    send_window: float,
    guards_off: frozenset[str] = frozenset(),
) -> Lease | None:
    """The lease, or None while somebody has it or the org wants to be left alone.

    Taking over settles what the last owner left running, under the new fence and in the same transaction.
    """
    asked_at = time.monotonic()
    values = {"org_id": org_id, "owner": owner, "life": timedelta(seconds=life), "recovers": False}
    row = (await database.call(TAKE_LEASE, values)).first()
    if row is not None and not row.is_taken:
        row = await _take_over(database, values, guards_off=guards_off)
    if row is None:
        return None
    return Lease(
        org_id,
        owner,
        row.fence,
        row.batch_size,
        row.failures,
        send_window,
        guards_off=guards_off,
        is_slow=row.is_slow,
        hosts=dict(sorted(row.hosts.items())),
        confirmed_at=asked_at,
        caps=Caps.of(row.caps),
        restored=RestoredWindow(row.restored_since, row.restored_at) if row.restored_since else None,
    )


async def _take_over(
    database: Database, values: Mapping[str, Any], *, guards_off: frozenset[str]
) -> Row[Any] | None:
    """The lease of an org whose rows were left running; None where somebody else has it by now."""
    left_behind = 0
    async with database.system() as session:
        row = (await session.execute(TAKE_LEASE, {**values, "recovers": True})).first()
        if row is not None:
            left_behind = await recover_running_jobs(
                session, values["org_id"], is_crash=True, guards_off=guards_off
            )
    if left_behind:
        LEASE_TAKEOVERS.inc()
        log.warning("lease_taken_over", extra={"org_id": values["org_id"], "rows": left_behind})
    return row


async def recover_running_jobs(
    session: AsyncSession, org_id: str, *, is_crash: bool, guards_off: frozenset[str] = frozenset()
) -> int:
    """Rows whose call was under way become ambiguous, the others pending again; returns how many there were.

    A row that took several workers with it is not tried again without a person.
    """
    if "reconcile" in guards_off:
        await session.execute(DELETE_INTENTS, {"org_id": org_id})
    whole_org = {"org_id": org_id, "host_id": None, "fence": None}
    states = await _recover(session, whole_org, crashes=int(is_crash), error=OUTCOME_UNKNOWN_ERROR)
    return len(states)


async def recover_host_jobs(
    session: AsyncSession, lease: Lease, host_id: str, *, is_caused_by_rows: bool
) -> bool:
    """The same for the rows of one host whose turn broke off; returns whether one was given up.

    With `is_caused_by_rows`, a row that broke it off by itself MAX_WORKER_CRASHES times has failed.
    """
    of_host = {"org_id": lease.org_id, "host_id": host_id, "fence": lease.fence}
    return JobState.FAILED in await _recover(
        session, of_host, crashes=int(is_caused_by_rows), error=NOT_PROCESSED_ERROR
    )


async def _recover(
    session: AsyncSession, values: Mapping[str, object], *, crashes: int, error: ItemError
) -> Sequence[str]:
    about = {"error": error.as_json(), "group_id": error.group_id, "crashes": crashes}
    limits = {"max_crashes": MAX_WORKER_CRASHES}
    # Locked beforehand: who has a row may be committing an intent, which a statement that waited for the row
    # would not see.
    await session.execute(LOCK_RUNNING_JOBS, values)
    recovered = (await session.execute(RECOVER_RUNNING_JOBS, {**values, **about, **limits})).all()
    failed: dict[str, set[str]] = {}
    for state, host_id, event_id in recovered:
        if state == JobState.FAILED:
            failed.setdefault(host_id, set()).add(event_id)
    for host_id, event_ids in sorted(failed.items()):
        await events_failed(session, host_id, event_ids)
    return [state for state, _, _ in recovered]


async def store_caps(database: Database, lease: Lease) -> None:
    """Remember what the org has shown since of how much it takes at a time."""
    if not lease.caps.is_changed:
        return
    lease.caps.is_changed = False
    caps = to_json(lease.caps.as_json()).decode()
    async with database.system() as session:
        await session.execute(STORE_CAPS, {"caps": caps, "org_id": lease.org_id, "fence": lease.fence})


async def release(database: Database, lease: Lease) -> None:
    """Give the org up, so that the next worker need not wait for the lease to end."""
    async with database.system(waits_for_disk=False) as session:
        await release_in_transaction(session, lease)


async def release_in_transaction(session: AsyncSession, lease: Lease) -> bool:
    """The same within the caller's transaction; says whether the org was this lease's until now."""
    return bool((await session.execute(RELEASE, lease.key)).rowcount)  # type: ignore[attr-defined]


async def release_expired(
    session: AsyncSession, org_id: str, *, guards_off: frozenset[str] = frozenset()
) -> int | None:
    """Give up a lease whose time is over, and settle its rows as a take-over does; returns how many.

    None while somebody holds it.
    """
    if (await session.execute(RELEASE_EXPIRED, {"org_id": org_id})).first() is None:
        return None
    return await recover_running_jobs(session, org_id, is_crash=True, guards_off=guards_off)


async def renew_until_cancelled(database: Database, lease: Lease, *, life: float, every: float) -> None:
    """Renew until cancelled; a lease that could not be renewed is lost for good."""
    values = {**lease.key, "life": timedelta(seconds=life)}
    while not lease.is_lost:
        await asyncio.sleep(every)
        asked_at = time.monotonic()
        try:
            async with database.system() as session:
                renewed = (await session.execute(RENEW, values)).rowcount  # type: ignore[attr-defined]
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            kind = type(error).__name__
            limit.log(logging.WARNING, "heartbeat_failed", key=kind, org_id=lease.org_id, error=kind)
            continue
        if lease.is_released:
            return
        if renewed or "fence" in lease.guards_off:
            lease.confirm(asked_at)
        else:
            lease.is_lost = True
            LEASE_LOSSES.inc()
            log.warning("lease_lost", extra={"org_id": lease.org_id})
