"""A worker's own port: probes and metrics, from its start to its end."""

import asyncio
import signal
import socket
import time
from collections.abc import Sequence

import httpx
import pytest

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.main import open_resources
from app.operations.health_port import Probes, health_app, health_served
from app.sync.jobs.claim import DueOrg
from devtools.local_stack.local_services import free_port
from tests.integration.workers.test_process import ENDS_WITHIN, environment_of, started, wait_for_line
from workers import supervisor
from workers.health import health_listener, probes_of
from workers.supervisor import Supervisor, WorkerConfig


def got(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=ENDS_WITHIN)


def answered(port: int) -> httpx.Response:
    """The first answer at /readyz."""
    until = time.monotonic() + ENDS_WITHIN
    while True:
        try:
            return got(port, "/readyz")
        except httpx.ConnectError:
            assert time.monotonic() < until
            time.sleep(0.1)


def probes(resources: Resources, stop: asyncio.Event) -> Probes:
    """Of a worker that was never started."""

    async def drain(org_id: str) -> bool:
        return False

    async def find_orgs() -> Sequence[DueOrg]:
        return ()

    work = WorkerConfig(drain, find_orgs, ())
    return probes_of(resources, Supervisor(resources, work, worker_id="otter:1", stop=stop), stop)


async def test_a_worker_that_stops_is_not_ready_and_answers_to_its_end(
    settings: Settings, database: Database
) -> None:
    port, stop = free_port(), asyncio.Event()
    listener = health_listener(settings.model_copy(update={"health_port": port}))
    async with open_resources(settings) as resources, health_served(listener, probes(resources, stop)):
        ready = await asyncio.to_thread(answered, port)
        stop.set()
        stopping = await asyncio.to_thread(got, port, "/readyz")
        alive = await asyncio.to_thread(got, port, "/livez")
    assert (ready.status_code, set(ready.json()["checks"].values())) == (200, {"ok"})
    assert (stopping.status_code, stopping.json()["checks"]["process"]) == (503, "stopping")
    assert alive.status_code == 200
    with pytest.raises(httpx.ConnectError):
        got(port, "/livez")


async def test_a_loop_that_stands_still_is_not_alive(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS", 0)
    impatient = settings.model_copy(update={"times": settings.times.model_copy(update={"lease": 0})})
    alive, silent, stop = await lives(settings), await lives(impatient), asyncio.Event()
    stop.set()
    stopping = await lives(impatient, stop)
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (silent.status_code, silent.json()["loops"]) == (503, ["heartbeat written"])
    assert stopping.status_code == 200


async def lives(settings: Settings, stop: asyncio.Event | None = None) -> httpx.Response:
    """Its answer at /livez."""
    async with open_resources(settings) as resources:
        transport = httpx.ASGITransport(health_app(probes(resources, stop or asyncio.Event())))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.get("/livez")


def test_a_worker_s_process_answers_and_ends_by_its_signal(settings: Settings) -> None:
    port = free_port()
    process = started(environment_of(settings, HEALTH_PORT=str(port)))
    wait_for_line(process, "worker_started")
    ready, metrics = answered(port), got(port, "/metrics")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=ENDS_WITHIN)
    assert ready.status_code == 200
    assert "sync_workers " in metrics.text
    assert "clock_skew_seconds " in metrics.text
    assert process.returncode == 0


def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        process = started(environment_of(settings, HEALTH_PORT=str(port)))
        _, output = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 2
    assert "set HEALTH_PORT to a free port" in output.splitlines()[-1]
