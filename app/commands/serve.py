"""The API as a process: everything that can be wrong is checked before the first request."""

import asyncio
import logging
import resource
import socket

import uvicorn
from fastapi import FastAPI

from app.boot import check_database
from app.connections.rotation import check_keys
from app.database import Database, connections_up_to
from app.edge.connection import Connection
from app.machine.children import listening_socket
from app.main import create_app
from app.pepper import check_pepper
from app.settings import ApiSettings, Settings, read_settings
from app.sync.drain import pepper_of
from app.telemetry import configure_logging
from app.vault import Vault

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
DESCRIPTORS = 65_536


def serve(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT. Raises what CANNOT_START lists, and PortTaken."""
    settings = read_settings(ApiSettings)
    configure_logging(settings.log_level)
    app = create_app(settings)
    asyncio.run(_check(settings))
    log.info("api_starting", extra={"database_connections_up_to": connections_up_to(settings)})
    allow_descriptors()
    server = Server(config_of(app, settings), app)
    server.run(sockets=[listening_socket(host, port)])
    return 0 if server.started else 1


def config_of(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the server runs, with the limits of every connection."""
    return uvicorn.Config(
        app,
        http=Connection,
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


class Server(uvicorn.Server):
    """Ends the live streams first: otherwise every stop would wait for them until the grace is over."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.feeds.close()
        await super().shutdown(sockets)


async def _check(settings: Settings) -> None:
    database = Database.of(settings)
    try:
        await check_database(database)
        keys = [key.get_secret_value() for key in settings.encryption_keys]
        await check_keys(database, Vault.from_texts(keys))
        await check_pepper(database, pepper_of(settings))
    finally:
        await database.close()
