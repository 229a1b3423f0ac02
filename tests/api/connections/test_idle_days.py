"""Thirty-five days in which nobody registers, in an org that ends what lies idle for thirty."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.config.settings import Settings
from app.connections.keep_alive import keep_alive
from app.connections.service import open_client
from app.infrastructure.database import Database
from app.models import Connection
from salesforce_simulator.app import create_app as create_simulator
from tests.api.conftest import Service, running
from tests.factories import SIMULATOR_URL
from tests.tokens import TokenMint

DAYS = 35
QUESTION = "SELECT Id FROM Organization"


@dataclass
class Calendar:
    """The org's clock, which a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Idle:
    """A connected host whose org has its own calendar."""

    service: Service
    calendar: Calendar

    async def let_a_day_pass(self) -> None:
        """Both sides grow a day older, and every session is long over."""
        self.calendar.now += timedelta(days=1)
        self.service.simulator.simulator.default_org.grants.expire_all()
        older = {
            name: getattr(Connection, name) - timedelta(days=1) for name in ("refreshed_at", "connected_at")
        }
        async with self.service.resources.database.tenant("host_a") as session:
            await session.execute(update(Connection).values(older))

    async def is_answered(self) -> bool:
        """Whether the org answers to the host's connection."""
        client = await open_client(self.service.resources, "host_a")
        return len(await client.query(QUESTION)) == 1

    async def refreshed_days_ago(self) -> float:
        async with self.service.resources.database.tenant("host_a") as session:
            age = await session.scalar(select(func.clock_timestamp() - Connection.refreshed_at))
        assert isinstance(age, timedelta)
        return age / timedelta(days=1)


@pytest.fixture
async def idle(settings: Settings, database: Database, mint: TokenMint) -> AsyncIterator[Idle]:
    calendar = Calendar()
    simulator = create_simulator(base_url=SIMULATOR_URL, clock=calendar)
    known = {"client_id": "3MVG9otter", "client_secret": "otter-secret"}
    switches = {"apps": [known], "rotation": True, "refresh_token_idle_days": 30}
    simulator.simulator.default_org.configure(switches)
    async with running(settings, simulator, mint=mint) as service:
        await service.connect()
        yield Idle(service, calendar)


async def test_connection_outlives_thirty_five_idle_days(idle: Idle) -> None:
    oldest, refreshed = 0.0, 0
    for _ in range(DAYS):
        await idle.let_a_day_pass()
        refreshed += await keep_alive(idle.service.resources)
        oldest = max(oldest, await idle.refreshed_days_ago())
    assert (await idle.service.card())["state"] == "connected"
    assert await idle.is_answered()
    assert oldest <= 7
    assert refreshed == DAYS // 6
    [grant] = idle.service.simulator.simulator.default_org.grants
    assert len(grant.rotated) == refreshed + 1


async def test_without_being_kept_alive_the_same_days_end_it(idle: Idle) -> None:
    """The control: it is the refresh in between that keeps the connection, not the org's patience."""
    for _ in range(DAYS):
        await idle.let_a_day_pass()
    assert await keep_alive(idle.service.resources) == 0
    card = await idle.service.card()
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "access_revoked")
