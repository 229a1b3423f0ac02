"""The platform hears that a connection ended, and that a new sign-in restored it and ended its problems."""

from collections.abc import AsyncIterator

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.notifications.facts import problems_are
from app.sync.jobs.gates import mark_needs_reconnect
from salesforce_simulator.app import SimulatorApp
from tests.api.conftest import Service, running
from tests.notified import notified, types
from tests.tokens import TokenMint


@pytest.fixture
async def service(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint
) -> AsyncIterator[Service]:
    """A service with NOTIFY_URL."""
    changed = settings.model_copy(update={"notify_url": "https://platform.example/hooks"})
    async with running(changed, simulator, mint=mint) as service:
        yield service


async def end(service: Service) -> None:
    async with service.resources.database.tenant("host_a") as session:
        await mark_needs_reconnect(session, "host_a", reason_code="access_revoked")


@pytest.mark.parametrize("is_disconnected", [False, True], ids=["ended", "ended and disconnected"])
async def test_new_sign_in_restores_what_salesforce_ended(
    service: Service, database: Database, is_disconnected: bool
) -> None:
    await service.connect()
    assert await notified(database) == []
    await end(service)
    await end(service)
    if is_disconnected:
        await service.http.post("/v1/hosts/host_a/salesforce/disconnect")
    ended = ("connection.needs_reconnect", None, {"reason": "access_revoked", "waiting": 0})
    assert await notified(database) == [ended]
    await service.connect()
    assert await notified(database) == [ended, ("connection.restored", None, {"waiting": 0})]
    await service.connect()
    assert len(await notified(database)) == 2


async def test_a_host_that_disconnects_itself_is_no_news(service: Service, database: Database) -> None:
    await service.connect()
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect")
    await service.connect()
    assert await notified(database) == []


async def test_another_user_has_none_of_the_problems_of_the_one_before(
    service: Service, database: Database
) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await problems_are(session, "host_a", [("email_not_searchable", "Lead", "Email")])
    await service.connect()
    assert await types(database) == ["connection.problem", "connection.problem_solved"]
