"""What /metrics reads when somebody scrapes: from the database, each query at most every few seconds."""

import asyncio
import logging
import platform
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.clock_skew import read_skew
from app.infrastructure.connection_pool import connections_of
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.log_limit import LogLimit
from app.metrics import GAUGES, REGISTRY
from app.models import Base, ChoreRun, Quarantined
from app.notifications.delivery import count_undelivered
from app.operations.backlog import read_backlog
from app.operations.limits import ALIVE_SECONDS
from app.states import STORED_CONNECTION_STATES, BacklogReason, JobState
from app.version import REVISION, VERSION

log = logging.getLogger(__name__)
limit = LogLimit(log)

Samples = Mapping[str, Iterable[tuple[tuple[str, ...], float]]]
"""By the name of a gauge: the values of its labels, and its own."""

FRESH_SECONDS: Final = 5.0
COUNTS_SECONDS: Final = 15.0
SIZES_SECONDS: Final = 60.0
READ_SECONDS: Final = 5.0
"""The longest that one reading may take; it is left out then."""

ORGS_MAX: Final = 20
UNREACHABLE: Final = (DBAPIError, PoolTimeout, OSError, TimeoutError)

JOBS = text("SELECT state, count(*) FROM sync_jobs GROUP BY state")
CONNECTIONS = text("SELECT state, count(*) FROM connections GROUP BY state")
TROUBLES = text("""
    SELECT 'needs_reconnect' AS kind, coalesce(reason_code, 'unknown') AS code, count(*) AS hosts
    FROM connections WHERE state = 'needs_reconnect' GROUP BY code
    UNION ALL
    SELECT 'fault', fault_code, count(*) FROM connections
    WHERE state = 'connected' AND fault_code IS NOT NULL GROUP BY fault_code
    UNION ALL
    SELECT 'access', problem.code, count(DISTINCT host_id)
    FROM (
        SELECT host_id, problems FROM connections WHERE state = 'connected' AND problems <> '[]' OFFSET 0
    ) AS hosts CROSS JOIN LATERAL jsonb_to_recordset(problems) AS problem (code text) GROUP BY problem.code
    UNION ALL
    SELECT 'budget', 'api_budget', count(*) FROM connections
    WHERE state = 'connected' AND api_closed_until > clock_timestamp()
    HAVING count(*) > 0
    UNION ALL
    SELECT 'org', CASE WHEN lease.not_before_reason IN ('api_limit', 'concurrency', 'unavailable')
                       THEN lease.not_before_reason ELSE 'other' END AS code, count(*)
    FROM connections JOIN org_leases AS lease ON lease.org_id = connections.org_id
    WHERE connections.state = 'connected' AND lease.not_before > clock_timestamp() GROUP BY code
""")
"""What keeps hosts' work from moving, by kind and code; holds no host."""
BUDGETS = text("""
    SELECT org_id, max(api_used::float8 / api_limit) AS used FROM connections
    WHERE state = 'connected' AND api_limit > 0 AND api_used IS NOT NULL
      AND api_measured_at > clock_timestamp() - interval '1 day'
    GROUP BY org_id ORDER BY used DESC, org_id LIMIT :most
""")
# A worker that stopped takes its row with it: what it last finished still says when one lived.
WORKERS = text("""
    SELECT count(*) FILTER (WHERE is_alive),
           coalesce(
               extract(epoch FROM clock_timestamp() - min(beat_at) FILTER (WHERE is_alive)),
               extract(epoch FROM clock_timestamp() - greatest(
                   max(beat_at), (SELECT max(succeeded_at) FROM chore_runs)
               ))
           )::float8
    FROM (
        SELECT beat_at, beat_at > clock_timestamp() - make_interval(secs => :alive) AS is_alive
        FROM worker_heartbeats
    ) AS beats
""")
SIZES = text("""
    SELECT name, (pg_total_relation_size(to_regclass(name)) + coalesce(
        (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(to_regclass(name)) WHERE isleaf), 0
    ))::float8
    FROM unnest(CAST(:names AS text[])) AS names (name) WHERE to_regclass(name) IS NOT NULL
""")


async def _jobs(session: AsyncSession) -> Samples:
    counts = {row[0]: row[1] for row in await session.execute(JOBS)}
    return {"sync_jobs": [((state,), counts.get(state, 0)) for state in JobState]}


async def _quarantined(session: AsyncSession) -> Samples:
    quarantined = await session.scalar(select(func.count()).select_from(Quarantined))
    return {"deliveries_quarantined": [((), quarantined or 0)]}


async def _backlog(session: AsyncSession) -> Samples:
    backlog = await read_backlog(session)
    return {
        "sync_oldest_due_age_seconds": [((kept,), backlog.oldest([kept])) for kept in BacklogReason],
        "sync_orgs_with_backlog": [((kept,), backlog.orgs([kept])) for kept in BacklogReason],
    }


async def _connections(session: AsyncSession) -> Samples:
    states = {row[0]: row[1] for row in await session.execute(CONNECTIONS)}
    troubles = await session.execute(TROUBLES)
    budgets = await session.execute(BUDGETS, {"most": ORGS_MAX})
    return {
        "oauth_connections": [((state,), states.get(state, 0)) for state in STORED_CONNECTION_STATES],
        "connection_troubles": [((kind, code), hosts) for kind, code, hosts in troubles],
        "salesforce_api_budget_used_ratio": [((org_id,), used) for org_id, used in budgets],
    }


async def _workers(session: AsyncSession) -> Samples:
    skew = await read_skew(session)
    living, silence = (await session.execute(WORKERS, {"alive": ALIVE_SECONDS})).one()
    chores = await session.execute(select(ChoreRun.chore, func.extract("epoch", ChoreRun.succeeded_at)))
    return {
        "clock_skew_seconds": [((), skew.seconds)],
        "sync_workers": [((), living)],
        "sync_worker_oldest_heartbeat_seconds": [((), silence)] if silence is not None else [],
        "chore_last_success_timestamp_seconds": [((chore,), float(at)) for chore, at in chores],
    }


async def _notifications(session: AsyncSession) -> Samples:
    counts, oldest = await count_undelivered(session)
    return {
        "notifications": [((state,), count) for state, count in counts.items()],
        "notifications_oldest_pending_age_seconds": [((), oldest)],
    }


async def _sizes(session: AsyncSession) -> Samples:
    rows = await session.execute(SIZES, {"names": sorted(Base.metadata.tables)})
    return {"db_table_bytes": [((name,), size) for name, size in rows]}


@dataclass(frozen=True)
class Reading:
    """Queries for some gauges, asked again once their answer is `every` seconds old."""

    read: Callable[[AsyncSession], Awaitable[Samples]]
    every: float = FRESH_SECONDS


READINGS: Final = (
    Reading(_workers),
    Reading(_backlog),
    Reading(_connections),
    Reading(_quarantined, COUNTS_SECONDS),
    Reading(_notifications, COUNTS_SECONDS),
    # Of the whole table, and of what the whole database takes.
    Reading(_jobs, SIZES_SECONDS),
    Reading(_sizes, SIZES_SECONDS),
)


class Gauges:
    """The gauges of one process; several scrapers cost as much as one."""

    def __init__(
        self, database: Database, wakeups: DrainQueue, *, readings: Iterable[Reading] = READINGS
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._readings = tuple(readings)
        self._lock = asyncio.Lock()
        self._read: dict[Reading, tuple[float, Samples]] = {}
        self._began = time.monotonic()

    async def text(self) -> bytes:
        """All metrics of the process in Prometheus' text; without the database's while it does not answer."""
        async with self._lock:
            samples = await self._of_database()
            samples["redis_up"] = [((), float(await self._wakeups.is_up()))]
            samples |= self._of_process()
        return generate_latest(REGISTRY) + generate_latest(_registry(samples))

    def _of_process(self) -> dict[str, Any]:
        return {
            "build_info": [((VERSION, REVISION, platform.python_version()), 1)],
            "db_pool_connections": connections_of(self._database.engines),
        }

    async def _of_database(self) -> dict[str, Any]:
        """The first reading is cheap and says whether the database is up; what takes too long is left out."""
        samples: dict[str, Any] = {"database_up": [((), 0)]}
        for reading in self._readings:
            try:
                samples |= await self._fresh(reading)
            except UNREACHABLE as error:
                limit.log(logging.WARNING, "gauges_not_read", key="gauges", error=type(error).__name__)
                break
            samples["database_up"] = [((), 1)]
        if not samples.get("sync_worker_oldest_heartbeat_seconds", True):
            # No worker has ever left a sign: silent at least since we look.
            samples["sync_worker_oldest_heartbeat_seconds"] = [((), time.monotonic() - self._began)]
        return samples

    async def _fresh(self, reading: Reading) -> Samples:
        read_at, samples = self._read.get(reading, (float("-inf"), {}))
        if time.monotonic() - read_at > reading.every:
            async with asyncio.timeout(READ_SECONDS), self._database.system() as session:
                samples = await reading.read(session)
            self._read[reading] = (time.monotonic(), samples)
        return samples


def _registry(samples: Samples) -> CollectorRegistry:
    registry = CollectorRegistry()
    for row in GAUGES:
        if row.name not in samples:
            continue
        gauge = Gauge(row.name, row.about, row.labels, registry=registry)
        for labels, value in samples[row.name]:
            (gauge.labels(*labels) if labels else gauge).set(value)
    return registry
