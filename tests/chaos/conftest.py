"""Two processes on one database: one that may die at any step, and the one that comes after it."""

from collections.abc import AsyncIterator

import pytest

from app.config.settings import Settings
from app.infrastructure.audit_log import audit_key
from tests.api.conftest import service as service
from tests.api.conftest import simulator as simulator
from tests.chaos.steps import MortalDatabase
from tests.integration.connections.conftest import connection as connection
from tests.integration.connections.conftest import endpoint as endpoint
from tests.integration.connections.conftest import resources as resources
from tests.integration.sync.conftest import rig as rig


@pytest.fixture
async def mortal_database(migrated: str, settings: Settings) -> AsyncIterator[MortalDatabase]:
    database = MortalDatabase.connect(migrated, audit_key=audit_key(settings.hash_pepper))
    yield database
    await database.close()
