"""/livez, /readyz and /metrics: for the platform that runs us, without a token and without tenants' data."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.api.dependencies import Resources, ResourcesDep
from app.infrastructure.clock_skew import compare_clocks, read_skew
from app.infrastructure.database import Database
from app.infrastructure.database_errors import sqlstate
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.infrastructure.log_limit import LogLimit
from app.infrastructure.schema_revision import schema_fault
from app.infrastructure.startup_checks import read_stamp
from app.infrastructure.tenant_isolation import fault_of_app, fault_of_system
from app.metrics import REGISTRY
from app.states import STORED_CONNECTION_STATES, JobState

log = logging.getLogger(__name__)
limit = LogLimit(log)

router = APIRouter(tags=["health"])

CHECK_SECONDS: Final = 3.0
KEYS_NEVER_READ: Final = "never read: bearer tokens are answered 503"
FRESH_SECONDS: Final = 5.0
ALIVE_SECONDS: Final = 30
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
    FROM connections CROSS JOIN LATERAL jsonb_to_recordset(problems) AS problem (code text)
    WHERE state = 'connected' GROUP BY problem.code
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
READY = text("""
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(job.due_at)), 0), count(DISTINCT job.org_id)
    FROM sync_jobs AS job
    JOIN connections AS connection ON connection.host_id = job.host_id AND connection.org_id = job.org_id
    JOIN hosts AS host ON host.host_id = job.host_id
    JOIN events AS event ON event.host_id = job.host_id AND event.event_id = job.event_id
    LEFT JOIN org_leases AS lease ON lease.org_id = job.org_id
    WHERE job.state IN ('pending', 'ambiguous') AND job.due_at <= clock_timestamp()
      AND connection.state = 'connected' AND host.paused_at IS NULL AND event.paused_at IS NULL
      AND lease.paused_at IS NULL
      AND (connection.api_closed_until IS NULL OR connection.api_closed_until <= clock_timestamp())
      AND (connection.fault_until IS NULL OR connection.fault_until <= clock_timestamp())
      AND (lease.not_before IS NULL OR lease.not_before <= clock_timestamp())
""")
WORKERS = text("""
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(beat_at)), 0)
    FROM worker_heartbeats WHERE beat_at > clock_timestamp() - make_interval(secs => :alive)
""")


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The loop answers. Looks at nothing else: a database that is away must not restart the fleet."""
    return {"status": "alive"}


NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {
        "description": "Not ready: `checks` say why",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get("/readyz", responses=NOT_READY)
async def readyz(request: Request, resources: ResourcesDep) -> JSONResponse:
    """Postgres answers, its tables are of this release, our clock is near its own, and secrets can be opened.

    Redis is not asked. A process that was told to stop is not ready, though it serves on for a while. Whether
    the platform's keys were read is shown and does not decide: webhooks need none.
    """
    checks = await check_process(resources, is_stopping=request.app.state.is_stopping)
    has_keys = await resources.verifier.source.are_known()
    return ready_or_not(checks, shown={"token_keys": "ok" if has_keys else KEYS_NEVER_READ})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, resources: ResourcesDep) -> Response:
    """Prometheus text: this process's own counters, and gauges read from the database."""
    gauges = await current_gauges(request.app.state, resources)
    return Response(generate_latest(REGISTRY) + gauges, media_type=CONTENT_TYPE_LATEST)


async def check_process(resources: Resources, *, is_stopping: bool) -> dict[str, str]:
    """What must be "ok" of any process, API or worker."""
    return {
        "process": "stopping" if is_stopping else "ok",
        **await database_checks(resources.database),
        "keys": "ok" if has_working_keys(resources.vault) else "the encryption keys do not work",
    }


def ready_or_not(checks: Mapping[str, str], *, shown: Mapping[str, str]) -> JSONResponse:
    """200 when all checks are "ok", else 503; what is only shown does not decide."""
    is_ready = set(checks.values()) == {"ok"}
    body = {"status": "ready" if is_ready else "not_ready", "checks": {**checks, **shown}}
    return JSONResponse(body, 200 if is_ready else 503, headers={"Cache-Control": "no-store"})


async def database_checks(database: Database) -> dict[str, str]:
    """`database`, `roles`, `migrations` and `clock`: "ok", or what is wrong."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            stamp = await read_stamp(database)
            fault = await fault_of_system(database) or await fault_of_app(database)
            skew = await compare_clocks(database)
    except UNREACHABLE as error:
        kind, state = type(error).__name__, sqlstate(error)
        limit.log(logging.WARNING, "not_ready", key=f"{kind} {state}", error=kind, sqlstate=state)
        return {"database": "does not answer"} | dict.fromkeys(("roles", "migrations", "clock"), "unknown")
    if fault is not None:
        limit.log(logging.ERROR, "role_unsafe", key=fault, fault=fault)
    return {
        "database": "ok",
        "roles": "ok" if fault is None else "not as they must be: the log says role_unsafe",
        "migrations": schema_fault(stamp) or "ok",
        "clock": skew.fault or "ok",
    }


def has_working_keys(vault: Encryptor) -> bool:
    """Whether a value can be sealed and opened again."""
    try:
        return (
            vault.open(vault.seal("ready", host_id="", column="ready"), host_id="", column="ready") == "ready"
        )
    except (KeyMissing, DecryptionFailed):
        return False


async def current_gauges(state: Any, resources: Resources) -> bytes:
    """The gauges as text, at most 5 seconds old: several scrapers cost as much as one."""
    if not hasattr(state, "gauges_lock"):
        state.gauges_lock, state.gauges = asyncio.Lock(), (float("-inf"), b"")
    async with state.gauges_lock:
        measured_at, shown = state.gauges
        if time.monotonic() - measured_at > FRESH_SECONDS:
            shown = await read_gauges(resources.database)
            state.gauges = (time.monotonic(), shown)
    return bytes(shown)


async def read_gauges(database: Database) -> bytes:
    """What stands in the database now; only `database_up` while it does not answer."""
    registry = CollectorRegistry()
    up = Gauge("database_up", "whether Postgres answered at the scrape", registry=registry)
    try:
        async with asyncio.timeout(CHECK_SECONDS * 2), database.system() as session:
            jobs = {row[0]: row[1] for row in await session.execute(JOBS)}
            connections = {row[0]: row[1] for row in await session.execute(CONNECTIONS)}
            troubles = (await session.execute(TROUBLES)).all()
            oldest, orgs = (await session.execute(READY)).one()
            skew = await read_skew(session)
            workers, silence = (await session.execute(WORKERS, {"alive": ALIVE_SECONDS})).one()
    except UNREACHABLE as error:
        limit.log(logging.WARNING, "gauges_not_read", key="gauges", error=type(error).__name__)
        return generate_latest(registry)
    up.set(1)
    for name, about, states, counts in (
        ("sync_jobs", "jobs by state", tuple(JobState), jobs),
        ("oauth_connections", "connections by state", STORED_CONNECTION_STATES, connections),
    ):
        gauge = Gauge(name, about, ["state"], registry=registry)
        for state in states:
            gauge.labels(state).set(counts.get(state, 0))
    troubled = Gauge(
        "connection_troubles", "hosts whose work waits, by why", ["kind", "code"], registry=registry
    )
    for kind, code, hosts in troubles:
        troubled.labels(kind, code).set(hosts)
    for name, about, value in (
        ("sync_oldest_ready_age_seconds", "age of the oldest due job behind open gates", oldest),
        ("sync_orgs_with_backlog", "orgs with due jobs behind open gates", orgs),
        ("sync_workers", f"workers with a heartbeat in the last {ALIVE_SECONDS} s", workers),
        ("clock_skew_seconds", "own clock minus the database's", skew.seconds),
        ("sync_worker_oldest_heartbeat_seconds", "longest silence among them", silence),
    ):
        Gauge(name, about, registry=registry).set(float(value))
    return generate_latest(registry)
