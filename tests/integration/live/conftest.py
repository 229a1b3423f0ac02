"""Streams of one host with an event, two registrations and no readers yet."""

from collections.abc import AsyncIterator

import pytest

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.live.registry import Feeds
from app.main import open_resources
from tests.integration.registrations.sample_event import add, add_connected_host, simple


@pytest.fixture
async def resources(settings: Settings, database: Database, vault: Encryptor) -> AsyncIterator[Resources]:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"), simple("r2", "pending"))
    async with open_resources(settings) as resources:
        yield resources


@pytest.fixture
async def feeds(resources: Resources) -> AsyncIterator[Feeds]:
    feeds = Feeds(resources)
    yield feeds
    await feeds.stop()
