"""The API as a process: everything that can be wrong is checked before the first request."""

import asyncio
import logging
import resource
import signal
import socket
import time
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.datastructures import State

from app.api.dependencies import Resources
from app.api.health import readiness_of_api
from app.config.settings import ApiSettings, Settings, read_settings
from app.connections.key_rotation import check_keys
from app.infrastructure.database import Database, connections_up_to
from app.infrastructure.encryption import Encryptor
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.restored_copy import refuse_restored_copy
from app.infrastructure.startup_checks import check_database, check_pepper
from app.infrastructure.telemetry import configure_logging
from app.infrastructure.trace_switch import configure_tracing
from app.main import create_app
from app.operations.gauges import Gauges
from app.operations.health_port import Probes, health_served
from app.webhooks.whole_requests import WebhookProtocol
from devtools.local_stack.processes import listening_socket

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
DESCRIPTORS = 65_536
DRAIN_TICK_SECONDS = 0.05


def serve(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT. Raises what STARTUP_ERRORS lists, and PortTaken."""
    settings = read_settings(ApiSettings)
    configure_logging(settings.log_level)
    configure_tracing("api")
    app = create_app(settings)
    asyncio.run(_check(settings))
    log.info("api_starting", extra={"database_connections_up_to": connections_up_to(settings)})
    allow_descriptors()
    health_port, health = settings.health_port, None
    if health_port is not None:
        health = listening_socket(host, health_port, variable="HEALTH_PORT")
    config, drain_seconds = config_of(app, settings), settings.times.drain
    server = DrainingServer(config, app, drain_seconds=drain_seconds, health=health)
    server.run(sockets=[listening_socket(host, port)])
    return 0 if server.started else 1


def config_of(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the server runs, with the limits of every connection."""
    return uvicorn.Config(
        app,
        http=WebhookProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.http_connections,
        timeout_keep_alive=settings.times.keep_alive,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def allow_descriptors() -> None:
    """As many files and sockets as the system lets us have: often 1,024 unless a process asks."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class DrainingServer(uvicorn.Server):
    """Stops so that nobody notices: first balancers, then whoever listens to a live stream, then the rest."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        *,
        drain_seconds: float = 0,
        health: socket.socket | None = None,
    ) -> None:
        super().__init__(config)
        self._app, self._drain_seconds, self._health = app, drain_seconds, health
        self._is_in_haste = False
        self._beside = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._beside.enter_async_context(health_served(self._health, probes_of(self._app.state)))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, and a signal that comes again, do not wait for balancers."""
        self._is_in_haste = self.should_exit or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        # Otherwise every stop would wait for the streams until the grace is over.
        self._app.state.feeds.close()
        await self._beside.aclose()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """Serve on, but say at /readyz and with each answer that it ends, until balancers have heard it."""
        self._app.state.is_stopping = True
        self.server_state.default_headers.append((b"connection", b"close"))
        until = time.monotonic() + self._drain_seconds
        while not self._is_in_haste and time.monotonic() < until:  # noqa: ASYNC110 -- a signal sets no event
            await asyncio.sleep(DRAIN_TICK_SECONDS)


def probes_of(state: State) -> Probes:
    """What an API process answers at HEALTH_PORT: alive while its loop turns."""
    resources: Resources = state.resources

    async def readiness() -> JSONResponse:
        return await readiness_of_api(resources, is_stopping=state.is_stopping)

    return Probes(list, readiness, Gauges(resources.database, resources.wakeups))


async def _check(settings: Settings) -> None:
    async with Database.of(settings) as database:
        await check_database(database)
        keys = [key.get_secret_value() for key in settings.encryption_keys]
        await check_keys(database, Encryptor.from_texts(keys))
        await check_pepper(database, settings.hash_pepper)
        queue = DrainQueue(settings.redis_url)
        try:
            await refuse_restored_copy(database, queue)
        finally:
            await queue.close()
