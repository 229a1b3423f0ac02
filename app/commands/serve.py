"""The API as a process: everything that can be wrong is checked before the first request."""

import asyncio

import uvicorn

from app.boot import check_schema
from app.database import Database
from app.machine.children import listening_socket
from app.main import create_app
from app.settings import Settings, load_settings
from app.telemetry import configure_logging

GRACE_SECONDS = 10


def serve(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT. Raises what CANNOT_START lists, and PortTaken."""
    settings = load_settings()
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
    server = uvicorn.Server(config)
    server.run(sockets=[listening_socket(host, port)])
    return 0 if server.started else 1


async def _check(settings: Settings) -> None:
    database = Database.connect(
        settings.database_url, app_url=settings.database_app_url, system_url=settings.database_system_url
    )
    try:
        await check_schema(database)
    finally:
        await database.close()
