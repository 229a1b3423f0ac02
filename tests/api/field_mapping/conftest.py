"""A host that is connected to a simulated org with fields of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from app.config.settings import Settings, Times
from app.infrastructure.database import Database
from app.main import create_app
from app.models import Host
from tests.api.field_mapping.dashboard import DIET, MappingDashboard
from tests.factories_events import event_for
from tests.integration.sync.conftest import Rig, engine_of
from tests.simulated_org import SimulatedOrg
from tests.tokens import TokenMint


@pytest.fixture
async def dashboard(
    settings: Settings, database: Database, mint: TokenMint
) -> AsyncIterator[MappingDashboard]:
    """`host_a` with its event, connected; its owner is also admin of `host_b`."""
    org = await SimulatedOrg.open()
    await org.configure(extra_fields=DIET)
    shared_app = {
        "salesforce_client_id": org.session["client_id"],
        "salesforce_client_secret": SecretStr(org.session["client_secret"]),
        "times": Times(),
    }
    app = create_app(settings.model_copy(update=shared_app), transport=org.transport)
    async with app.router.lifespan_context(app):
        resources = app.state.resources
        async with database.system() as session:
            session.add_all((Host(host_id="host_a"), event_for(), org.connection(resources.vault)))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://dashboard",
            headers=mint.headers(hosts={"host_a": "owner", "host_b": "admin"}),
        ) as http:
            yield MappingDashboard(
                http, Rig(database, org, engine_of(resources), resources), app=app, mint=mint
            )
