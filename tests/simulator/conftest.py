"""A fresh simulated org for every test."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.client import OrgClient, open_client


@pytest.fixture
async def org() -> AsyncIterator[OrgClient]:
    client = open_client()
    await client.sign_in()
    yield client
    await client.http.aclose()
    client.app.simulator.journal.close()
