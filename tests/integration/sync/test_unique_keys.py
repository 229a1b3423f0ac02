"""In an org with the package's key nothing is made twice, and nothing waits for a lost answer."""

from dataclasses import replace
from urllib.parse import unquote

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from app.models import DescribeCache
from app.salesforce.package import KEY
from tests.integration.sync.conftest import Rig

PACKAGED = pytest.mark.parametrize("rig", ["packaged"], indirect=True)
EVS_KEY = f"evs__{KEY}"
OBJECTS = ("Lead", "Task", "CampaignMember")
LOST = ["reset_after_write", "truncate", "reset_before_write"]


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in OBJECTS]


async def drain_soon(rig: Rig, times: int = 4) -> None:
    """Drains a few times within seconds: what waits for the quiet time does not end so."""
    for _ in range(times):
        await rig.pass_time(2)
        await rig.drain()


def with_pepper(rig: Rig) -> Rig:
    """With a PEPPER, without which people have no keys."""
    return replace(rig, engine=rig.with_settings(pepper=SecretStr("ab" * 32)))


@PACKAGED
async def test_new_records_carry_their_keys(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    [task], [lead] = await rig.records("Task"), await rig.records("Lead")
    assert task[EVS_KEY] == (await rig.slots(reg))["task:registered"].reference
    assert lead[EVS_KEY].startswith("p:")
    assert len(lead[EVS_KEY]) <= 64


@PACKAGED
@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("size", [1, 5, 40], ids=["lone", "few", "batch"])
async def test_lost_creates_are_certain_within_seconds(rig: Rig, kind: str, size: int) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    for number in range(size):
        await rig.registered(number)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert set((await rig.states()).values()) == {"ambiguous"}
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [size] * 3


async def queries(rig: Rig) -> str:
    """What was asked of the org lately, in one text."""
    return unquote((await rig.org.control.get("/requests")).text).replace("+", " ")


@PACKAGED
@pytest.mark.parametrize("holds_values", [False, True], ids=["after the second", "the second waits"])
@pytest.mark.parametrize("size", [1, 40], ids=["lone", "batch"])
async def test_a_first_create_that_lands_late_doubles_nothing(
    rig: Rig, holds_values: bool, size: int
) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    for number in range(size):
        await rig.registered(number)
    await rig.org.fault("late_apply", seconds=3600, holds_values=holds_values, match={"is_write": True})
    await rig.drain()
    await drain_soon(rig, 2)
    await rig.org.control.post("/settle")
    for _ in range(6):
        await rig.pass_time(6)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [size] * 3
    assert "Description FROM" not in await queries(rig)


@PACKAGED
async def test_an_org_that_installs_the_package_goes_over_when_its_describe_is_read(rig: Rig) -> None:
    await rig.org.configure(package=None)
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(package={"namespace": "evs"})
    await rig.registered(2)
    await rig.drain()
    await rig.pass_time(25 * 3600)
    await rig.registered(3)
    await rig.drain()
    assert [bool(task.get(EVS_KEY)) for task in await rig.records("Task")] == [False, False, True]


@PACKAGED
async def test_what_was_sent_without_a_key_waits_as_before(rig: Rig) -> None:
    await rig.org.configure(package=None)
    await rig.link(await rig.org.campaign())
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.org.configure(package={"namespace": "evs"})
    async with rig.database.system() as session:
        await session.execute(update(DescribeCache).values(is_stale=True))
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"ambiguous"}
    assert await rig.records("Task") == []


@PACKAGED
async def test_a_person_whose_address_changed_is_made_again_without_the_key(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.edit("Lead", lead["Id"], Email="new@example.com")
    other = await rig.registered(2, attendee={"email": "otter1@example.com"}, email_key="otter1@example.com")
    await rig.drain()
    assert {each["Email"]: bool(each[EVS_KEY]) for each in await rig.records("Lead")} == {
        "new@example.com": True,
        "otter1@example.com": False,
    }
    job = await rig.job(other)
    assert (job.state, [each["code"] for each in job.warnings]) == ("synced", ["fallback_used", "key_taken"])
