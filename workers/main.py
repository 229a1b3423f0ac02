"""`python -m workers.main`: one worker process, from its settings to its exit code."""

import asyncio
import logging
import signal
import sys
from functools import partial

import uvloop

from app.api.dependencies import Resources
from app.config.settings import Settings, load_settings
from app.connections.key_rotation import check_keys
from app.connections.service import open_client
from app.infrastructure.database import connections_up_to
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.restored_copy import refuse_restored_copy
from app.infrastructure.startup_checks import STARTUP_ERRORS, check_database, check_pepper
from app.infrastructure.telemetry import configure_logging
from app.infrastructure.trace_switch import configure_tracing
from app.main import BATCH_GC_THRESHOLD, open_resources, reduced_gc
from app.operations.health_port import health_served
from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs.claim import orgs_with_work
from devtools.local_stack.processes import PortTaken
from workers.health import health_listener, probes_of
from workers.periodic_tasks import PERIODIC_TASKS
from workers.supervisor import HeartbeatLost, Supervisor, WorkerConfig, new_worker_id

log = logging.getLogger(__name__)

SWEEP_ORGS = 500


async def run_worker(settings: Settings) -> None:
    """Be a worker until SIGTERM or SIGINT. Raises what STARTUP_ERRORS lists, and PortTaken: at the start."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with open_resources(with_pool_for_drains(settings)) as resources:
        await check_database(resources.database)
        await check_keys(resources.database, resources.vault)
        await check_pepper(resources.database, settings.hash_pepper)
        await refuse_restored_copy(resources.database, resources.wakeups)
        worker_id = new_worker_id()
        up_to = connections_up_to(resources.settings)
        log.info("worker_started", extra={"worker_id": worker_id, "database_connections_up_to": up_to})
        supervisor = Supervisor(
            resources, _worker_config(resources, worker_id, stop), worker_id=worker_id, stop=stop
        )
        served = health_served(health_listener(settings), probes_of(resources, supervisor, stop))
        with reduced_gc(BATCH_GC_THRESHOLD):
            async with served:
                await supervisor.run()
    log.info("worker_stopped", extra={"worker_id": worker_id})


def with_pool_for_drains(settings: Settings) -> Settings:
    """Size the pool: a drain holds no connection during its calls, which are most of it, so that four of each
    role suffice for five drains.
    """
    return settings.model_copy(
        update={"database_pool": max(settings.database_pool, settings.worker_drains * 4 // 5)}
    )


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT set `stop` instead of ending the process in the middle of a call."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def _worker_config(resources: Resources, worker_id: str, stop: asyncio.Event) -> WorkerConfig:
    engine = DrainContext(
        database=resources.database,
        settings=resources.settings,
        open_client=partial(open_client, resources),
        worker_id=worker_id,
        pepper=resources.settings.hash_pepper,
    )
    return WorkerConfig(
        drain=partial(_drain_and_publish, engine, resources.wakeups, stop=stop),
        find_orgs=partial(orgs_with_work, resources.database, limit=SWEEP_ORGS),
        chores=PERIODIC_TASKS,
        slow_orgs=engine.slow_orgs,
    )


async def _drain_and_publish(
    context: DrainContext, wakeups: DrainQueue, org_id: str, *, stop: asyncio.Event
) -> bool:
    has_more = await drain(context, org_id, stop=stop)
    wakeups.tell_changed(org_id)
    return has_more


def main() -> int:
    """Return 0 after a stop, 1 if no heartbeat could be written, 2 with one line if it cannot start."""
    try:
        settings = load_settings()
        configure_logging(settings.log_level)
        configure_tracing("worker")
        uvloop.run(run_worker(settings))
    except HeartbeatLost as error:
        sys.stderr.write(f"eventship-salesforce worker: {error}\n")
        return 1
    except (*STARTUP_ERRORS, PortTaken) as error:
        reason = "; ".join(str(error).splitlines())
        sys.stderr.write(f"eventship-salesforce worker: {reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
