"""A worker's port for probes and metrics, if one is configured."""

import asyncio
import os
import socket

from fastapi.responses import JSONResponse

from app.api.dependencies import Resources
from app.api.health import check_process, ready_or_not
from app.config.settings import Settings
from app.operations.gauges import Gauges
from app.operations.health_port import Probes
from devtools.local_stack.processes import listening_socket
from workers.supervisor import Supervisor

LOOPBACK = "127.0.0.1"


def health_listener(settings: Settings) -> socket.socket | None:
    """The socket at HEALTH_PORT, at the address in BIND. Raises PortTaken."""
    if settings.health_port is None:
        return None
    return listening_socket(os.environ.get("BIND", LOOPBACK), settings.health_port, variable="HEALTH_PORT")


def probes_of(resources: Resources, supervisor: Supervisor, stop: asyncio.Event) -> Probes:
    """What a worker answers; from `stop` on it is not ready."""

    async def readiness() -> JSONResponse:
        return ready_or_not(await check_process(resources, is_stopping=stop.is_set()), shown={})

    return Probes(supervisor.stalled, readiness, Gauges(resources.database, resources.wakeups))
