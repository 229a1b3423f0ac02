"""What came in and went out over time: counted by a worker's chore from what is kept anyway, read by org."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database, database_now

STEP: Final = timedelta(minutes=5)
SETTLING: Final = timedelta(minutes=1)
"""How long after its end an interval is counted: whoever received in it has committed by then."""
FIRST_LOOK: Final = timedelta(days=1)
PORTION: Final = timedelta(hours=1)
WHOLE: Final = ""
"""The org id of the whole service's rows."""

Period = Literal["day", "week"]
LOCK: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('flow_intervals', 13))")
# The oldest interval that nobody counted and the end of the last that is over, both by the database's clock.
OPEN: Final = text("""
    WITH clock AS (
        SELECT date_bin(:step, clock_timestamp() - CAST(:settling AS interval), 'epoch') AS closed
    )
    SELECT greatest(
               (SELECT max(at) + CAST(:step AS interval) FROM flow_intervals WHERE org_id = ''),
               closed - CAST(:first_look AS interval)
           ), closed
    FROM clock
""")
# Both tables are read by the index on their time: the cost grows with the interval, not with the table.
COUNT: Final = text("""
    WITH counted AS (
        SELECT connection.org_id, date_bin(:step, delivery.received_at, 'epoch') AS at,
               count(*) AS received, 0 AS synced, 0 AS failed
        FROM deliveries AS delivery
        LEFT JOIN connections AS connection
          ON connection.host_id = delivery.host_id AND connection.state <> 'disconnected'
        WHERE delivery.received_at >= :begin AND delivery.received_at < :until
        GROUP BY 1, 2
        UNION ALL
        SELECT attempt.org_id, date_bin(:step, attempt.at, 'epoch') AS at, 0,
               count(*) FILTER (WHERE attempt.outcome = 'synced'),
               count(*) FILTER (WHERE attempt.outcome = 'failed')
        FROM sync_attempts AS attempt
        WHERE attempt.at >= :begin AND attempt.at < :until
        GROUP BY 1, 2
    )
    INSERT INTO flow_intervals (org_id, at, received, synced, failed)
    SELECT org_id, at, sum(received), sum(synced), sum(failed) FROM counted
    WHERE org_id IS NOT NULL GROUP BY org_id, at HAVING sum(received + synced + failed) > 0
    UNION ALL
    SELECT '', series.at, coalesce(sum(received), 0), coalesce(sum(synced), 0), coalesce(sum(failed), 0)
    FROM generate_series(
        CAST(:begin AS timestamptz), CAST(:until AS timestamptz) - :step, :step
    ) AS series (at)
    LEFT JOIN counted ON counted.at = series.at GROUP BY series.at
    ON CONFLICT (org_id, at) DO UPDATE
    SET received = excluded.received, synced = excluded.synced, failed = excluded.failed
""")
SUMS: Final = text("""
    SELECT org_id, date_bin(:step, at, :begin) AS began,
           sum(received)::int AS received, sum(synced)::int AS synced, sum(failed)::int AS failed
    FROM flow_intervals WHERE org_id = ANY(:org_ids) AND at >= :begin GROUP BY org_id, began
""")
LAST_MINUTE: Final = text("""
    SELECT count(*) FROM deliveries WHERE received_at > clock_timestamp() - interval '1 minute'
""")


@dataclass(frozen=True)
class Width:
    """How a period is cut: into `points` of `step` each."""

    step: timedelta
    points: int


WIDTHS: Final[dict[Period, Width]] = {
    "day": Width(timedelta(minutes=30), 48),
    "week": Width(timedelta(hours=3), 56),
}


class Flow(BaseModel):
    """Webhooks received, and runs of registrations that ended as synced or failed, one figure a step from
    `begins_at`; the last step is not over yet.
    """

    begins_at: datetime
    step_seconds: int
    received: list[int]
    synced: list[int]
    failed: list[int]


async def count_flow(database: Database) -> None:
    """Count the intervals that are over, an hour of them at most; one worker at a time."""
    async with database.system() as session:
        if not await session.scalar(LOCK):
            return
        clock = {"step": STEP, "settling": SETTLING, "first_look": FIRST_LOOK}
        begin, closed = (await session.execute(OPEN, clock)).one()
        if begin >= closed:
            return
        until = min(closed, begin + PORTION)
        await session.execute(COUNT, {"step": STEP, "begin": begin, "until": until})


async def read_flow(session: AsyncSession, org_ids: Sequence[str], period: Period) -> dict[str, Flow]:
    """The flow of each of these orgs, with zeros where nothing is known of it."""
    width = WIDTHS[period]
    begins_at = begin_of(await database_now(session), width)
    flows = {org_id: empty_flow(begins_at, width) for org_id in org_ids}
    chosen = {"step": width.step, "begin": begins_at, "org_ids": list(org_ids)}
    for row in await session.execute(SUMS, chosen):
        place, flow = (row.began - begins_at) // width.step, flows[row.org_id]
        if place < width.points:
            flow.received[place], flow.synced[place], flow.failed[place] = (
                row.received,
                row.synced,
                row.failed,
            )
    return flows


async def received_in_last_minute(session: AsyncSession) -> int:
    return await session.scalar(LAST_MINUTE) or 0


def begin_of(now: datetime, width: Width) -> datetime:
    """When a period begins that ends with the step of this moment; steps begin at whole ones of the clock."""
    into = timedelta(seconds=now.timestamp() % width.step.total_seconds())
    return now - into - (width.points - 1) * width.step


def empty_flow(begins_at: datetime, width: Width) -> Flow:
    zeros = [0] * width.points
    return Flow(
        begins_at=begins_at,
        step_seconds=int(width.step.total_seconds()),
        received=[*zeros],
        synced=[*zeros],
        failed=[*zeros],
    )
