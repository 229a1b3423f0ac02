"""A host that is connected to the simulated org, and a campaign there."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.main import create_app
from tests.api.campaigns.dashboard import LABELS, CampaignDashboard, TransactionProbe
from tests.factories import ENCRYPTION_KEY
from tests.factories_events import event_for
from tests.openapi_check import check_response
from tests.simulated_org import SimulatedOrg
from tests.tokens import TokenMint


@pytest.fixture
async def org() -> SimulatedOrg:
    return await SimulatedOrg.open()


@pytest.fixture
async def dashboard(
    settings: Settings, database: Database, owner: AsyncEngine, org: SimulatedOrg, mint: TokenMint
) -> AsyncIterator[CampaignDashboard]:
    """`host_a` is connected to the simulated org and has an event."""
    vault = Encryptor.from_texts([ENCRYPTION_KEY])
    async with database.system() as session:
        session.add_all((org.connection(vault), event_for()))
    shared_app = {
        "salesforce_client_id": org.session["client_id"],
        "salesforce_client_secret": SecretStr(org.session["client_secret"]),
    }
    probe = TransactionProbe(org, owner)
    app = create_app(settings.model_copy(update=shared_app), transport=probe)
    async with app.router.lifespan_context(app):
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://dashboard",
            headers=mint.headers(hosts={"host_a": "owner"}),
            event_hooks={"response": [check_response]},
        )
        yield CampaignDashboard(http, org, database, probe, app.state.resources)
        await http.aclose()


@pytest.fixture
async def campaign_id(org: SimulatedOrg) -> str:
    return await org.campaign(labels=LABELS, Type="Conference", Status="In Progress", EndDate="2036-11-25")
