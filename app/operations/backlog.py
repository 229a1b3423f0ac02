"""What waits, by what keeps it: read at every scrape, so that its cost does not grow with what is settled.

Live work only: a large backfill takes its time, and nobody need be woken for it. The oldest of each event and
state is the first entry of an index that holds waiting rows alone; running rows are as many as batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.states import BacklogReason, BackoffReason

OURS: Final = (BacklogReason.READY, BacklogReason.BACKING_OFF, BacklogReason.AMBIGUOUS)
"""Behind gates that the host has open."""

IS_WAITING: Final = """
    job.priority = 0 AND job.settled_state IS NULL
    AND (job.waiting_for IS NULL OR job.waiting_for = 'certainty')
"""
# A host that disconnected by itself is left out; an org counts as backing off until it has answered, also
# while it is tried again.
BACKLOG: Final = text(
    f"""
    WITH RECURSIVE pairs (host_id, event_id) AS (
        (SELECT job.host_id, job.event_id FROM sync_jobs AS job
         WHERE job.state IN ('pending', 'ambiguous') AND {IS_WAITING}
         ORDER BY job.host_id, job.event_id LIMIT 1)
        UNION ALL
        SELECT next.host_id, next.event_id FROM pairs CROSS JOIN LATERAL (
            SELECT job.host_id, job.event_id FROM sync_jobs AS job
            WHERE job.state IN ('pending', 'ambiguous') AND {IS_WAITING}
              AND (job.host_id, job.event_id) > (pairs.host_id, pairs.event_id)
            ORDER BY job.host_id, job.event_id LIMIT 1
        ) AS next
    ), oldest AS (
        SELECT pairs.host_id, pairs.event_id, kind.state, first.waiting_since
        FROM pairs
        JOIN connections AS connection ON connection.host_id = pairs.host_id
        CROSS JOIN (VALUES ('pending'), ('ambiguous')) AS kind (state)
        CROSS JOIN LATERAL (
            SELECT job.waiting_since FROM sync_jobs AS job
            WHERE job.host_id = pairs.host_id AND job.event_id = pairs.event_id AND job.state = kind.state
              AND job.state IN ('pending', 'ambiguous') AND {IS_WAITING}
              AND job.org_id = connection.org_id
            ORDER BY job.waiting_since LIMIT 1
        ) AS first
        UNION ALL
        SELECT job.host_id, job.event_id, job.state, min(job.waiting_since)
        FROM sync_jobs AS job
        WHERE job.state = 'running' AND {IS_WAITING}
        GROUP BY job.host_id, job.event_id, job.state
    ), judged AS (
        SELECT connection.org_id, oldest.waiting_since,
               CASE
                   WHEN connection.state <> 'connected' THEN 'reconnect'
                   WHEN coalesce(host.paused_at, event.paused_at, lease.paused_at) IS NOT NULL THEN 'paused'
                   WHEN connection.api_closed_until > clock_timestamp()
                       OR (lease.not_before > clock_timestamp() AND lease.not_before_reason = :api_limit)
                       THEN 'budget'
                   WHEN oldest.state = 'ambiguous' THEN 'ambiguous'
                   WHEN lease.failures > 0 OR lease.not_before > clock_timestamp()
                       OR connection.fault_count > 0 THEN 'backing_off'
                   ELSE 'ready'
               END AS kept_by
        FROM oldest
        JOIN connections AS connection ON connection.host_id = oldest.host_id
        JOIN hosts AS host ON host.host_id = oldest.host_id
        JOIN events AS event ON event.host_id = oldest.host_id AND event.event_id = oldest.event_id
        LEFT JOIN org_leases AS lease ON lease.org_id = connection.org_id
        WHERE connection.state <> 'disconnected' AND oldest.waiting_since <= clock_timestamp()
    )
    SELECT org_id, kept_by, extract(epoch FROM clock_timestamp() - min(waiting_since))::float8 AS age
    FROM judged GROUP BY org_id, kept_by
    """  # noqa: S608 -- put together from constants
).bindparams(api_limit=BackoffReason.API_LIMIT)


@dataclass(frozen=True)
class Waiting:
    """The oldest work of an org that one thing keeps, in seconds."""

    org_id: str
    kept_by: BacklogReason
    age: float


@dataclass(frozen=True)
class Backlog:
    """What waits in all orgs."""

    rows: tuple[Waiting, ...]

    def oldest(self, kept_by: Sequence[BacklogReason]) -> float:
        """Seconds; 0 where nothing waits so."""
        return max((row.age for row in self.rows if row.kept_by in kept_by), default=0.0)

    def orgs(self, kept_by: Sequence[BacklogReason]) -> int:
        return len({row.org_id for row in self.rows if row.kept_by in kept_by})


async def read_backlog(session: AsyncSession) -> Backlog:
    """All that waits now, by the database's clock."""
    rows = await session.execute(BACKLOG)
    return Backlog(tuple(Waiting(row.org_id, BacklogReason(row.kept_by), row.age) for row in rows))
