"""An org in which no field of an activity can be unique: its activities are as without the package."""

import pytest
from pydantic import SecretStr

from app.salesforce.package import KEY
from app.sync.engine.org_drain import DrainContext
from tests.integration.sync.conftest import Rig

QUIET = 780
ACTIVITIES_ALONE = {"is_write": True, "sobject": "Task"}


@pytest.fixture
async def engine(rig: Rig) -> DrainContext:
    await rig.org.configure(package={}, is_activity_unique=False)
    await rig.link(await rig.org.campaign())
    return rig.with_settings(pepper=SecretStr("ab" * 32))


async def test_people_have_keys_and_activities_none(rig: Rig, engine: DrainContext) -> None:
    await rig.registered(1)
    await rig.drain(engine=engine)
    [lead], [task] = await rig.records("Lead"), await rig.records("Task")
    assert lead[KEY].startswith("p:")
    assert task[KEY] is None


@pytest.mark.parametrize("kind", ["late_apply", "reset_before_write"])
async def test_a_lost_activity_waits_for_the_quiet_time(rig: Rig, engine: DrainContext, kind: str) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.org.fault(kind, seconds=3600, match=ACTIVITIES_ALONE)
    await rig.drain(engine=engine)
    for _ in range(3):
        await rig.pass_time(QUIET / 5)
        await rig.drain(engine=engine)
        assert (await rig.states(), await rig.records("Task")) == ({reg: "ambiguous"}, [])
    await rig.org.control.post("/settle")
    for _ in range(4):
        await rig.pass_time(QUIET)
        await rig.drain(engine=engine)
    assert await rig.states() == {reg: "synced"}
    [task] = await rig.records("Task")
    assert task[KEY] is None
