"""A process's own port for probes and metrics, API and worker alike: nobody else should reach it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app.operations.gauges import Gauges

CONNECTIONS_MAX: Final = 50
GRACE_SECONDS: Final = 1
NO_SIGNALS: Final[AbstractContextManager[None]] = nullcontext()
NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Probes:
    """What the port answers: which loops stand still, whether the process is ready, and its metrics."""

    stalled: Callable[[], Sequence[str]]
    readiness: Callable[[], Awaitable[JSONResponse]]
    gauges: Gauges


class HealthServer(uvicorn.Server):
    """A server that leaves signals to the process around it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return NO_SIGNALS


@asynccontextmanager
async def health_served(listener: socket.socket | None, probes: Probes) -> AsyncIterator[None]:
    """Answer at the port while the block runs; without a listener there is none."""
    if listener is None:
        yield
        return
    config = uvicorn.Config(
        health_app(probes),
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


def health_app(probes: Probes) -> FastAPI:
    """/livez, /readyz and /metrics of one process."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> JSONResponse:
        stalled = list(probes.stalled())
        body = {"status": "stalled", "loops": stalled} if stalled else {"status": "alive"}
        return JSONResponse(body, 503 if stalled else 200, headers=NO_STORE)

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        return await probes.readiness()

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(await probes.gauges.text(), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)

    return app
