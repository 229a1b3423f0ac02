"""Ten thousand hosts that rest: what sweeps, periodic tasks, an idle worker and operations' pages cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.infrastructure.encryption import Encryptor
from app.operations.deliveries import list_deliveries
from app.operations.gauges import READINGS
from app.operations.host_rows import list_events
from app.operations.org_schemas import OrgsQuery
from app.operations.orgs import list_orgs
from app.operations.overview import read_overview
from app.operations.schemas import DeliveriesQuery
from app.sync.jobs.claim import orgs_with_work
from bench.plans import cost_of, heard
from bench.rig import Rig
from bench.sizes import Size
from workers.main import SWEEP_ORGS
from workers.periodic_tasks import PERIODIC_TASKS, DueWork, PeriodicTask

EVENTS = 5
PAST_EACH = 50
QUARANTINED = 20_000
SETTLE_SECONDS = 8.0
FILL = (
    "SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0",
    "INSERT INTO hosts (host_id, name) SELECT 'host_' || n, 'Bench' FROM generate_series(1, {hosts}) AS n",
    """
    INSERT INTO events (host_id, event_id, title, starts_at, snapshot_at)
    SELECT 'host_' || n, 'evt_' || n || '_' || e, 'Summit', now() + interval '3 days', now()
    FROM generate_series(1, {hosts}) AS n, generate_series(1, {events}) AS e
    """,
    """
    INSERT INTO connections (host_id, state, environment, login_url, client_id, org_id, org_name,
                             instance_url, user_id, identity_url, scope, api_version, access_token,
                             refresh_token, connected_at, connected_by)
    SELECT 'host_' || n, 'connected', 'production', '{url}', 'bench', '00D' || lpad(n::text, 15, '0'),
           'Bench', '{url}', '005', '{url}', 'api', '62.0', '', '', now(), 'bench'
    FROM generate_series(1, {hosts}) AS n
    """,
    """
    INSERT INTO campaign_links (host_id, event_id, state, org_id, campaign_id, campaign_name, is_active,
                                statuses, available_statuses, linked_by, is_created_by_us, creation)
    SELECT 'host_' || n, 'evt_' || n || '_' || e, 'linked', '00D' || lpad(n::text, 15, '0'), '701', 'Summit',
           true, '{{}}', '[]', 'bench', true,
           jsonb_build_object('id', 'c', 'follows_event', true, 'dates_as_of', now())
    FROM generate_series(1, {hosts}) AS n, generate_series(1, {events}) AS e
    """,
    "INSERT INTO org_leases (org_id, fence) SELECT org_id, 3 FROM connections",
    """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, snapshot_at,
                               registered_at, confirmed_at)
    SELECT 'host_' || n, 'reg_' || n || '_' || r, 'evt_' || n || '_' || 1 + r % {events}, 'confirmed', '{{}}',
           now(), now(), now()
    FROM generate_series(1, {hosts}) AS n, generate_series(1, {past}) AS r
    """,
    """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state, written_version, synced_at)
    SELECT 'host_' || n, 'reg_' || n || '_' || r, 'evt_' || n || '_' || 1 + r % {events},
           '00D' || lpad(n::text, 15, '0'), 'synced', 1, now()
    FROM generate_series(1, {hosts}) AS n, generate_series(1, {past}) AS r
    """,
    """
    INSERT INTO quarantine (webhook_id, reason, received_at)
    SELECT 'msg_' || n, 'invalid', now() - n * interval '1 s' FROM generate_series(1, {quarantined}) AS n
    """,
)
SEAL = """
    UPDATE connections SET access_token = sealed.access_token, refresh_token = sealed.refresh_token
    FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS sealed (host_id, access_token, refresh_token)
    WHERE connections.host_id = sealed.host_id
"""
"""A worker does not begin where it cannot read a token."""
Turn = Callable[[], Awaitable[Any]]


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Of each: milliseconds in Postgres, statements and processor a turn, and by the minute where it recurs.

    `idle_share`: of one core, for a worker process that nothing is to do for.
    """
    await rig.empty()
    await _fill(rig, size.large_hosts)
    async with rig.engine() as (_, resources):
        turns = {name: await _turn(resources, *turn) for name, turn in _turns(resources).items()}
    return {
        "hosts": size.large_hosts,
        "events": size.large_hosts * EVENTS,
        "finished_jobs": size.large_hosts * PAST_EACH,
        "turns": turns,
        "sweep_ms": turns["sweep"]["ms"],
        **await _idle(rig, size.large_seconds),
    }


def _turns(resources: Resources) -> Mapping[str, tuple[Turn, float]]:
    """What to do, and after how many seconds it is done again (0: when somebody asks)."""

    def asked(read: Callable[[AsyncSession], Awaitable[Any]]) -> Turn:
        async def turn() -> None:
            async with resources.database.system() as session:
                await read(session)

        return turn

    async def look() -> None:
        await DueWork(resources.database, PERIODIC_TASKS).has("arm backfills")

    async def turn_of(task: PeriodicTask) -> None:
        if not task.due:  # else the look has found nothing
            await task.run(resources)

    sweep = resources.settings.times.sweep
    pages: Mapping[str, Callable[[AsyncSession], Awaitable[Any]]] = {
        "operations: overview": read_overview,
        "operations: orgs": lambda session: list_orgs(session, OrgsQuery()),
        "operations: events of a host": lambda session: list_events(session, "host_7", limit=50, cursor=None),
        "operations: quarantined webhooks": lambda session: list_deliveries(
            session, DeliveriesQuery(is_quarantined=True)
        ),
    }
    return {
        "sweep": (lambda: orgs_with_work(resources.database, limit=SWEEP_ORGS), sweep),
        "look for work": (look, min(task.every for task in PERIODIC_TASKS if task.due)),
        **{task.name: (partial(turn_of, task), task.every) for task in PERIODIC_TASKS},
        **{f"gauges:{each.read.__name__}": (asked(each.read), each.every) for each in READINGS},
        **{name: (asked(read), 0) for name, read in pages.items()},
    }


async def _turn(resources: Resources, turn: Turn, every: float) -> dict[str, float]:
    await turn()
    with heard(resources.database.engines) as statements:
        began = time.process_time()
        await turn()
        cpu = (time.process_time() - began) * 1000
    took, count = 0.0, 0
    # A statement each: what one of them writes, the next must not find.
    for each in statements:
        async with resources.database.system() as session:
            cost = await cost_of(session, [each])
        took, count = took + cost.milliseconds, count + cost.statements
    a_minute = 60 / every if every else 0
    return {
        "ms": took,
        "statements": count,
        "cpu_ms": cpu,
        "ms_a_minute": took * a_minute,
        "statements_a_minute": count * a_minute,
        "cpu_ms_a_minute": cpu * a_minute,
    }


async def _idle(rig: Rig, seconds: float) -> dict[str, float]:
    worker = rig.worker()
    await asyncio.sleep(SETTLE_SECONDS)
    before = worker.cpu_seconds
    await asyncio.sleep(seconds)
    worker.child.check()  # one that died takes nothing
    share = (worker.cpu_seconds - before) / seconds
    rig.stop(worker)
    return {"idle_share": share, "idle_seconds": seconds}


async def _fill(rig: Rig, hosts: int) -> None:
    connection = await rig.sql()
    values = {
        "hosts": hosts,
        "events": EVENTS,
        "past": PAST_EACH,
        "url": rig.org.url,
        "quarantined": QUARANTINED,
    }
    for statement in FILL:
        await connection.execute(statement.format(**values), timeout=300)
    vault = Encryptor.from_texts([key.get_secret_value() for key in rig.settings().encryption_keys])
    host_ids = [f"host_{number}" for number in range(1, hosts + 1)]
    tokens = [
        [vault.seal("bench", host_id=each, column=f"connections.{name}") for each in host_ids]
        for name in ("access_token", "refresh_token")
    ]
    await connection.execute(SEAL, host_ids, *tokens)
    await connection.execute("VACUUM ANALYZE", timeout=300)
    await connection.close()
    print(f"bench: large_hosts: {hosts:,} hosts, {hosts * PAST_EACH:,} finished jobs", flush=True)
