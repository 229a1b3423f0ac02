"""The engine's own tests once more in a German org: other words, the same codes, the same ends."""

from collections.abc import AsyncIterator

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.sync.lookup.describe_cache import expire_describes
from tests.integration.sync import (
    test_duplicates,
    test_gates,
    test_members_set_by_hand,
    test_people,
    test_rules,
)
from tests.integration.sync.conftest import HOST, Rig, opened_rig

PLAYED = (test_duplicates, test_gates, test_members_set_by_hand, test_people, test_rules)
TESTS = {
    f"test_{module.__name__.rpartition('.test_')[2]}__{name.removeprefix('test_')}": test
    for module in PLAYED
    for name, test in vars(module).items()
    if name.startswith("test_")
}
SWITCHES = {
    "user_language": "de",
    "task_statuses": [
        {"value": "Nicht begonnen", "is_default": True},
        {"value": "Erledigt", "is_closed": True},
    ],
    "countries": {"DE": "Deutschland", "US": "Vereinigte Staaten"},
    "states": [{"name": "Bayern", "code": "BY", "country": "DE"}],
    "picklist_labels": {"Lead.Rating": {"Hot": "Heiß"}},
}
globals().update(TESTS)


@pytest.fixture
async def rig(database: Database, settings: Settings) -> AsyncIterator[Rig]:
    async with opened_rig(database, settings) as rig:
        await rig.org.configure(**SWITCHES)
        async with rig.database.tenant(HOST) as session:
            await expire_describes(session, host_id=HOST)
        yield rig


async def test_the_org_is_german(rig: Rig) -> None:
    await rig.registered(1)
    await rig.drain()
    assert [each["Status"] for each in await rig.records("Task")] == ["Erledigt"]
    assert len(TESTS) > 60
