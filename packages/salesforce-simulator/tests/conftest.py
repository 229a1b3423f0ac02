"""A fresh simulated org for every test."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings as hypothesis_settings

from support.client import OrgClient, open_client

# A busy machine is no failure.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture
async def org() -> AsyncIterator[OrgClient]:
    client = open_client()
    await client.sign_in()
    yield client
    await client.http.aclose()
    client.app.simulator.journal.close()
