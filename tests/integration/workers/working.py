"""A worker that works inside a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.main import open_resources
from workers.supervisor import Supervisor, WorkerConfig


@asynccontextmanager
async def supervised(
    settings: Settings, work: WorkerConfig, *, worker_id: str
) -> AsyncIterator[tuple[Supervisor, Resources]]:
    """A worker that works inside the block and has stopped behind it."""
    stop = asyncio.Event()
    async with open_resources(settings) as resources:
        supervisor = Supervisor(resources, work, worker_id=worker_id, stop=stop)
        running = asyncio.create_task(supervisor.run())
        try:
            yield supervisor, resources
        finally:
            stop.set()
            async with asyncio.timeout(settings.times.stop):
                await running
