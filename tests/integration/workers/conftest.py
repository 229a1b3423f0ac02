"""Workers on real Postgres and Valkey."""

import pytest
from arq.connections import RedisSettings, create_pool

from app.config.settings import Settings


@pytest.fixture(autouse=True)
async def _no_old_wake_ups(settings: Settings) -> None:
    """What other tests announced must not reach this worker."""
    pool = await create_pool(RedisSettings.from_dsn(settings.redis_url))
    await pool.flushall()
    await pool.aclose()
