"""A worker's HTTP port for probes and metrics, if one is configured."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from app.api.dependencies import Resources
from app.api.health import check_process, livez, metrics, ready_or_not
from devtools.local_stack.processes import listening_socket

CONNECTIONS_MAX: Final = 50
GRACE_SECONDS: Final = 1
LOOPBACK: Final = "127.0.0.1"
NO_SIGNALS: Final[AbstractContextManager[None]] = nullcontext()


class HealthServer(uvicorn.Server):
    """A server that leaves signals to the worker."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return NO_SIGNALS


@asynccontextmanager
async def health_served(resources: Resources, stop: asyncio.Event) -> AsyncIterator[None]:
    """Answer at HEALTH_PORT while the block runs: from `stop` on not ready, to its end. Raises PortTaken."""
    port = resources.settings.health_port
    if port is None:
        yield
        return
    listener = listening_socket(os.environ.get("BIND", LOOPBACK), port, variable="HEALTH_PORT")
    config = uvicorn.Config(
        health_app(resources, stop),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = HealthServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="health")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def health_app(resources: Resources, stop: asyncio.Event) -> FastAPI:
    """/livez, /readyz and /metrics of one worker."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.resources = resources

    async def readyz() -> JSONResponse:
        checks = await check_process(resources, is_stopping=stop.is_set())
        return ready_or_not(checks, shown={})

    for path, answer in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, answer)
    return app
