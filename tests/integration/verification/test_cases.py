"""Cases of meetings: missing ones are found and made again; what support did with them is no difference."""

from sqlalchemy import update

from app.models import Event
from tests.integration.sync.conftest import EVENT
from tests.integration.verification.conftest import Verifier


async def with_case(verifier: Verifier) -> str:
    async with verifier.rig.database.system() as session:
        values = {"kind": "meeting", "writes": {"case": True}}
        await session.execute(update(Event).where(Event.event_id == EVENT).values(values))
    [reg] = await verifier.written()
    return reg


async def test_a_deleted_case_is_missing_and_comes_back_once(verifier: Verifier) -> None:
    reg = await with_case(verifier)
    gone = await verifier.record(reg, "case")
    assert (await verifier.verify()).items == []
    await verifier.rig.delete("Case", gone)
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "missing_case")]
    await verifier.repair()
    await verifier.rig.drain()
    assert [row["Id"] for row in await verifier.rig.records("Case")] == [await verifier.record(reg, "case")]
    assert await verifier.record(reg, "case") != gone
    assert (await verifier.verify()).items == []


async def test_what_becomes_of_a_case_is_no_difference(verifier: Verifier) -> None:
    reg = await with_case(verifier)
    await verifier.rig.edit("Case", await verifier.record(reg, "case"), Status="Working", Subject="Changed")
    assert (await verifier.verify()).items == []
