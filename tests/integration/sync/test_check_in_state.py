"""When a check-in counts as written: by its member where one is written, else by its Task."""

import pytest
from sqlalchemy import update

from app.models import Host
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig


async def write_only(rig: Rig, **writes: bool) -> None:
    async with rig.database.system() as session:
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings={"writes": writes}))


@pytest.mark.parametrize(
    ("is_linked", "writes", "members", "attended"),
    [
        pytest.param(False, {}, 0, True, id="not linked: the activity"),
        pytest.param(True, {}, 1, True, id="linked: the member"),
        pytest.param(True, {"member": False}, 0, True, id="linked, no members written: the activity"),
        pytest.param(True, {"task": False}, 1, True, id="linked, no activities written: the member"),
        pytest.param(True, {"task": False, "member": False}, 0, False, id="neither is written"),
    ],
)
async def test_a_check_in_counts_once_what_tells_of_it_is_written(
    rig: Rig, is_linked: bool, writes: dict[str, bool], members: int, attended: bool
) -> None:
    await write_only(rig, **writes)
    if is_linked:
        await rig.link(await rig.org.campaign())
    reg = await rig.registered(1, checked_in_at=NOW)
    await rig.drain()
    assert len(await rig.records("CampaignMember")) == members
    assert (await rig.job(reg)).is_attended is attended
