"""The API as a process: everything that can be wrong is checked before the first request."""

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from app.boot import check_database
from app.connections.rotation import check_keys
from app.database import Database
from app.machine.children import listening_socket
from app.main import create_app
from app.pepper import check_pepper
from app.settings import ApiSettings, Settings, read_settings
from app.sync.drain import pepper_of
from app.telemetry import configure_logging
from app.vault import Vault

GRACE_SECONDS = 10


def serve(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT. Raises what CANNOT_START lists, and PortTaken."""
    settings = read_settings(ApiSettings)
    configure_logging(settings.log_level)
    app = create_app(settings)
    asyncio.run(_check(settings))
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config, app)
    server.run(sockets=[listening_socket(host, port)])
    return 0 if server.started else 1


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
