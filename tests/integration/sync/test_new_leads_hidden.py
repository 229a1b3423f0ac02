"""New Leads that private sharing and assignment rules take out of the connected user's sight."""

from typing import Any

import pytest

from app.models import Connection
from app.preflight.service import run_preflight
from tests.integration.sync.conftest import HOST, Rig
from tests.integration.sync.test_no_access import problems

HIDDEN = ("new_leads_hidden", "Lead", None)
VIEW_ALL = {"name": "View_All_Leads", "view_all": ["Lead"]}
PUBLIC: dict[str, Any] = {"private_objects": []}


async def give_away(rig: Rig) -> None:
    """Leads are private, and each new one goes to the second user."""
    users = (await rig.org.control.get("/records/User")).json()["records"]
    other = next(user["Id"] for user in users if user["Id"] != rig.org.session["user_id"])
    rules = [{"sobject": "Lead", "owner_id": other}]
    await rig.org.configure(private_objects=["Lead"], assignment_rules=rules)


async def mended(rig: Rig, how: str) -> None:
    async with rig.database.system() as session:
        connection = await session.get_one(Connection, HOST)
    users = [rig.org.session["user_id"], connection.user_id]
    sets = {"permission_sets": [VIEW_ALL | {"users": users}]}
    await rig.org.configure(**(PUBLIC if how == "public" else sets))


async def waiting(rig: Rig, *regs: str) -> bool:
    jobs = [await rig.job(reg) for reg in regs]
    found = {(job.state, job.waiting_for, job.error_code) for job in jobs}
    return found == {("pending", "salesforce_access", None)}


async def written(rig: Rig) -> tuple[int, int, int]:
    lead, task, member = [len(await rig.records(name)) for name in ("Lead", "Task", "CampaignMember")]
    return lead, task, member


@pytest.mark.parametrize("count", [1, 30], ids=["by reference", "in collections"])
async def test_leads_out_of_sight_are_one_problem_and_nothing_is_lost(rig: Rig, *, count: int) -> None:
    await give_away(rig)
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(count)]
    await rig.drain()
    assert await waiting(rig, *regs)
    assert await problems(rig) == [HIDDEN]
    assert await written(rig) == (count, 0, 0)
    await mended(rig, "public")
    await run_preflight(rig.resources, HOST)
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert await problems(rig) == []
    assert await written(rig) == (count, count, count)


async def test_meanwhile_nobody_is_created_and_existing_people_are_written(rig: Rig) -> None:
    await give_away(rig)
    await rig.registered(1)
    await rig.drain()
    [known] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter2@example.com"})
    contact, new = await rig.registered(2), await rig.registered(3)
    await rig.drain()
    assert await waiting(rig, new)
    assert (await rig.job(contact)).state == "synced"
    assert (await rig.slots(contact))["person"].sf_id == known
    assert (await written(rig))[:2] == (1, 1)


async def test_a_new_lead_of_a_ticket_that_was_handed_on_waits_as_well(rig: Rig) -> None:
    await rig.link(await rig.org.campaign(labels=["Cancelled"]), cancelled="Cancelled")
    old = {"id": "per_1", "email": "old@example.com", "name": "Old Otter"}
    reg = await rig.registered(1, attendee=old, email_key="old@example.com")
    await rig.drain()
    await give_away(rig)
    new = {"id": "per_2", "email": "new@example.com", "name": "New Otter"}
    await rig.change(reg, attendee=new, email_key="new@example.com")
    await rig.drain()
    assert await waiting(rig, reg)
    assert await problems(rig) == [HIDDEN]


async def test_a_new_lead_in_place_of_a_deleted_one_waits_as_well(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await give_away(rig)
    await rig.delete("Lead", lead["Id"])
    await rig.requeue(reg)
    await rig.drain()
    assert await waiting(rig, reg)
    assert await problems(rig) == [HIDDEN]


@pytest.mark.parametrize("how", ["public", "view all"])
async def test_within_the_hour_it_goes_on_by_itself(rig: Rig, *, how: str) -> None:
    await give_away(rig)
    regs = [await rig.registered(1)]
    await rig.drain()
    regs += [await rig.registered(2), await rig.registered(3)]
    await rig.drain()
    await mended(rig, how)
    for _ in range(2):
        await rig.pass_time(3700)
        await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert await problems(rig) == []
    assert (await written(rig))[:2] == (3, 3)


async def test_while_it_lasts_one_lead_an_hour_is_tried(rig: Rig) -> None:
    await give_away(rig)
    regs = [await rig.registered(1)]
    await rig.drain()
    regs += [await rig.registered(number) for number in (2, 3, 4)]
    for hours in (1, 2):
        await rig.pass_time(3700)
        await rig.drain()
        assert await waiting(rig, *regs)
        assert (await written(rig))[:2] == (1 + hours, 0)
    assert await problems(rig) == [HIDDEN]


async def test_where_the_host_runs_no_assignment_rules_leads_stay_in_sight(rig: Rig) -> None:
    await give_away(rig)
    first = await rig.registered(1)
    await rig.drain()
    await rig.choose(owner={"run_assignment_rules": False})
    reg = await rig.registered(2)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    await run_preflight(rig.resources, HOST)
    assert await problems(rig) == []
    await rig.drain()
    # Nobody told Salesforce to show us the first one: that is for a person to mend, by its own advice.
    assert (await rig.job(first)).error_code == "RECORD_NOT_VISIBLE"


async def test_a_campaign_that_is_hidden_is_not_taken_for_the_lead(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.fault(
        "row_error",
        match={"sobject": "CampaignMember", "is_write": True},
        error_code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        message="insufficient access rights on cross-reference id",
    )
    regs = [await rig.registered(number) for number in range(30)]
    await rig.drain()
    assert set((await rig.states()).values()) <= {"synced", "failed"}
    assert "failed" in (await rig.states()).values()
    assert await problems(rig) == []
    assert len(regs) == len(await rig.records("Task"))


@pytest.mark.parametrize(
    ("switches", "has_finding"),
    [
        pytest.param({}, True, id="private and assigned"),
        pytest.param({"private_objects": []}, False, id="public"),
        pytest.param({"assignment_rules": []}, False, id="nobody assigns"),
        pytest.param({"hidden_objects": ["ObjectPermissions"]}, False, id="unknown"),
        pytest.param({"permission_sets": "view all"}, False, id="view all"),
    ],
)
async def test_a_preflight_says_so_before_anybody_registers(
    rig: Rig, *, switches: dict[str, Any], has_finding: bool
) -> None:
    await give_away(rig)
    if switches.get("permission_sets"):
        await mended(rig, "view all")
    else:
        await rig.org.configure(**switches)
    seen = await run_preflight(rig.resources, HOST)
    found = [(each.severity, len(each.advice.steps)) for each in seen.findings if each.code == HIDDEN[0]]
    assert found == ([("blocker", 2)] if has_finding else [])
