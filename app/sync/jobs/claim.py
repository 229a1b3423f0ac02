"""Which orgs have work, and which rows come next: through open gates only, by loose scans.

Gates (connection, API budget, pauses, the org's own wish to be left alone) are looked at here and never
written to the rows, so a hundred thousand rows behind a closed gate cost as much as one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.models.kept_plan import found_by, kept_plan
from app.sync.jobs.leases import HAS_OPEN_GATES, HOSTS_OF_ORG, IS_LEASE_FREE, Lease

WAITING_AND_RUNNING = """
    WITH RECURSIVE pairs (host_id, event_id) AS (
        (SELECT host_id, event_id FROM sync_jobs WHERE state IN ('pending', 'ambiguous')
         ORDER BY host_id, event_id LIMIT 1)
        UNION ALL
        SELECT next.host_id, next.event_id FROM pairs CROSS JOIN LATERAL (
            SELECT job.host_id, job.event_id FROM sync_jobs AS job
            WHERE job.state IN ('pending', 'ambiguous')
              AND (job.host_id, job.event_id) > (pairs.host_id, pairs.event_id)
            ORDER BY job.host_id, job.event_id LIMIT 1
        ) AS next
    ), running (org_id) AS (
        (SELECT org_id FROM sync_jobs WHERE state = 'running' ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT next.org_id FROM running CROSS JOIN LATERAL (
            SELECT job.org_id FROM sync_jobs AS job
            WHERE job.state = 'running' AND job.org_id > running.org_id ORDER BY job.org_id LIMIT 1
        ) AS next
    )
"""
# The time as a subquery is asked for once, and bounds the index: rows that are due later are not read.
IS_DUE = "job.state IN ('pending', 'ambiguous') AND job.due_at <= (SELECT clock_timestamp())"
WAITING_EVENT = found_by("event_id", "waiting.event_id", table="events", columns="paused_at")
HOSTS_WITH_OPEN_GATES = kept_plan(
    f"""
    SELECT connection.host_id, connection.fault_count FROM {HOSTS_OF_ORG} WHERE {HAS_OPEN_GATES}
    ORDER BY connection.host_id
    """  # noqa: S608 -- put together from constants
)
ORGS_WITH_WORK = text(
    f"""
    {WAITING_AND_RUNNING}
    SELECT connection.org_id, coalesce(bool_or(lease.is_slow), false) AS is_slow
    FROM pairs
    JOIN connections AS connection ON connection.host_id = pairs.host_id
    JOIN hosts AS host ON host.host_id = pairs.host_id
    JOIN events AS event ON event.host_id = pairs.host_id AND event.event_id = pairs.event_id
    LEFT JOIN org_leases AS lease ON lease.org_id = connection.org_id
    WHERE {HAS_OPEN_GATES} AND event.paused_at IS NULL AND {IS_LEASE_FREE}
      AND EXISTS (
        SELECT 1 FROM (VALUES (0), (10)) AS lane (priority) CROSS JOIN LATERAL (
            SELECT job.org_id FROM sync_jobs AS job
            WHERE job.host_id = pairs.host_id AND job.event_id = pairs.event_id
              AND job.priority = lane.priority AND {IS_DUE} AND job.org_id = connection.org_id
            LIMIT 1
        ) AS due
      )
    GROUP BY connection.org_id
    UNION
    SELECT lease.org_id, lease.is_slow
    FROM running JOIN org_leases AS lease ON lease.org_id = running.org_id
    WHERE {IS_LEASE_FREE}
    LIMIT :most
    """  # noqa: S608 -- put together from constants
)
WAITING_EVENTS = """
    WITH RECURSIVE waiting (event_id) AS (
        (SELECT event_id FROM sync_jobs WHERE host_id = :host_id AND state IN ('pending', 'ambiguous')
         ORDER BY event_id LIMIT 1)
        UNION ALL
        SELECT next.event_id FROM waiting CROSS JOIN LATERAL (
            SELECT job.event_id FROM sync_jobs AS job
            WHERE job.host_id = :host_id AND job.state IN ('pending', 'ambiguous')
              AND job.event_id > waiting.event_id
            ORDER BY job.event_id LIMIT 1
        ) AS next
    )
"""
HAS_DUE_LIVE_WORK = kept_plan(
    f"""
    {WAITING_EVENTS}
    SELECT EXISTS (
        SELECT FROM waiting
        CROSS JOIN LATERAL {WAITING_EVENT} AS event
        CROSS JOIN LATERAL (
            SELECT job.registration_id FROM sync_jobs AS job
            WHERE job.host_id = :host_id AND job.event_id = waiting.event_id
              AND job.priority = 0 AND {IS_DUE} AND job.org_id = :org_id
            ORDER BY job.due_at LIMIT 1
        ) AS row
        WHERE event.paused_at IS NULL
    )
    """  # noqa: S608 -- put together from constants
)
GIVE_UP_LEASE = kept_plan("SELECT give_up_lease_unless_due(:org_id, :owner, :fence, :except_hosts)")
OTHERS_AT_WORK = text("""
    SELECT EXISTS (SELECT FROM org_leases WHERE until > clock_timestamp() AND org_id <> :org_id)
""")
MIN_CANDIDATES = 200
"""Among how many rows of an event and lane a small batch is chosen."""

IN_ORDER = """
    priority, (batch_limit IS NOT NULL) = CAST(:are_isolated_last AS boolean),
    batch_limit DESC NULLS LAST, due_at
"""
# Rows whose batch broke off are tried with as many as they may share a batch with, the largest parts first: a
# row that breaks its batch off is met after those that do not, whatever the order of their due times. Turn by
# turn they and the others of their lane go first, so that neither keeps the other waiting.
# Rows are met again by place, not by key: while statistics know nothing of a host, any index that starts
# with it looks as good as the key's, and each row of a batch would be compared with all that wait. A row that
# changed in the meantime has another place and waits for the next claim.
CLAIM = kept_plan(
    f"""
    {WAITING_EVENTS}, candidate AS (
        SELECT row.place, row.batch_limit, row.due_at, lane.priority
        FROM waiting
        CROSS JOIN LATERAL {WAITING_EVENT} AS event
        CROSS JOIN (VALUES (0), (10)) AS lane (priority)
        CROSS JOIN LATERAL (
            SELECT job.ctid AS place, job.batch_limit, job.due_at FROM sync_jobs AS job
            WHERE job.host_id = :host_id AND job.event_id = waiting.event_id
              AND job.priority = lane.priority AND {IS_DUE} AND job.org_id = :org_id
            ORDER BY job.due_at LIMIT greatest(:most, {MIN_CANDIDATES})
        ) AS row
        WHERE event.paused_at IS NULL
        ORDER BY {IN_ORDER} LIMIT :most
    ), first AS (
        SELECT batch_limit FROM candidate ORDER BY {IN_ORDER} LIMIT 1
    ), chosen AS (
        SELECT candidate.place FROM candidate
        JOIN first ON candidate.batch_limit IS NOT DISTINCT FROM first.batch_limit
        ORDER BY candidate.priority, candidate.due_at
        LIMIT (SELECT CASE batch_limit WHEN 0 THEN 1 ELSE batch_limit END FROM first)
    ), locked AS (
        SELECT row.place FROM chosen CROSS JOIN LATERAL (
            SELECT job.ctid AS place FROM sync_jobs AS job WHERE job.ctid = chosen.place
            FOR UPDATE SKIP LOCKED
        ) AS row
    )
    UPDATE sync_jobs AS job
    SET state = 'running', fence = :fence, running_version = job.requested_version, optional_requests = 0
    FROM locked
    WHERE job.ctid = locked.place
      AND EXISTS (
        SELECT 1 FROM org_leases WHERE org_id = :org_id AND fence = :fence AND until > clock_timestamp()
      )
    RETURNING job.registration_id, job.event_id
    """  # noqa: S608 -- put together from constants
)


@dataclass(frozen=True)
class DueOrg:
    """An org that somebody should drain; a slow one goes to the slow lane."""

    org_id: str
    is_slow: bool


async def orgs_with_work(database: Database, *, limit: int) -> list[DueOrg]:
    """Orgs with due rows behind open gates and nobody at them, and orgs whose drain died."""
    async with database.system() as session:
        rows = await session.execute(ORGS_WITH_WORK, {"most": limit})
    return [DueOrg(row.org_id, row.is_slow) for row in rows]


async def are_others_at_work(database: Database, org_id: str) -> bool:
    """Whether another org is being drained at this moment, here or by another worker."""
    async with database.system() as session:
        return bool(await session.scalar(OTHERS_AT_WORK, {"org_id": org_id}))


async def hosts_with_open_gates(database: Database, org_id: str) -> dict[str, int]:
    """The hosts of an org whose gates are open, in a fixed order, and how many turns in a row broke off."""
    async with database.system() as session:
        rows = await session.execute(HOSTS_WITH_OPEN_GATES, {"org_id": org_id})
    return {row.host_id: row.fault_count for row in rows}


async def release_unless_due(database: Database, lease: Lease, *, except_hosts: Collection[str]) -> bool:
    """Give the org up, unless rows are due behind open gates; says whether it was given up.

    Rows of `except_hosts` do not count. Nothing may be claimed under the lease.
    """
    values = {**lease.key, "except_hosts": sorted(except_hosts)}
    lease.is_released = bool((await database.call(GIVE_UP_LEASE, values)).scalar())
    return lease.is_released


async def claim(
    session: AsyncSession, lease: Lease, host_id: str, *, limit: int, are_isolated_last: bool = True
) -> dict[str, str]:
    """Mark the next due rows of a host as running under this lease; returns the event of each by its id.

    `are_isolated_last`: rows whose batch broke off come after the others; else they come first.
    """
    values = {
        "host_id": host_id,
        "org_id": lease.org_id,
        "fence": lease.fence,
        "most": limit,
        "are_isolated_last": are_isolated_last,
    }
    return dict(sorted(map(tuple, await session.execute(CLAIM, values))))


async def has_due_live_work(session: AsyncSession, lease: Lease, host_id: str) -> bool:
    """Whether live rows of the host wait that could be claimed now; those of a backfill do not count."""
    values = {"host_id": host_id, "org_id": lease.org_id}
    return bool(await session.scalar(HAS_DUE_LIVE_WORK, values))
