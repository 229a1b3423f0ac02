"""Resources over the real database, with the network answered by a token endpoint."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from app.api.dependencies import Resources
from app.config.settings import Settings, Times
from app.infrastructure.database import Database
from app.main import open_resources
from app.models import Connection
from tests.factories import connection_for
from tests.integration.connections.token_endpoint import TokenEndpoint


@pytest.fixture
def endpoint() -> TokenEndpoint:
    return TokenEndpoint()


@pytest.fixture
async def resources(
    settings: Settings, database: Database, endpoint: TokenEndpoint
) -> AsyncIterator[Resources]:
    async with open_resources(settings, transport=httpx.MockTransport(endpoint)) as opened:
        yield opened


async def add(resources: Resources, connection: Connection) -> Connection:
    async with resources.database.tenant(connection.host_id) as session:
        session.add(connection)
    return connection


async def stored(resources: Resources, host_id: str = "host_a") -> Connection:
    async with resources.database.tenant(host_id) as session:
        connection = await session.get(Connection, host_id)
    assert connection is not None
    return connection


@pytest.fixture
async def connection(resources: Resources) -> Connection:
    """The living connection of `host_a`."""
    return await add(resources, connection_for(resources.vault))


def with_times(resources: Resources, **times: float) -> Resources:
    """The same resources under other times."""
    changed = Times(**(resources.settings.times.model_dump() | times))
    return replace(resources, settings=resources.settings.model_copy(update={"times": changed}))
