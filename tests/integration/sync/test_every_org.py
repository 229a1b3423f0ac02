"""The main job, with the same end in an org as it comes and in a difficult one."""

from typing import Any

import pytest

from app.preflight.service import run_preflight
from tests.integration.sync.conftest import HOST, Rig, in_both_orgs

pytestmark = in_both_orgs

RESTING = {"synced", "failed", "skipped", "held"}


async def drained(rig: Rig) -> None:
    """Drain as often as it takes, as if hours went by."""
    for _ in range(12):
        while await rig.drain():
            continue
        if set((await rig.states()).values()) <= RESTING:
            return
        await rig.pass_time(600)


async def is_everybody_there_once(rig: Rig, count: int) -> bool:
    leads, tasks, members = [await rig.records(name) for name in ("Lead", "Task", "CampaignMember")]
    people = {"Lead": leads, "Task": [each for each in tasks if each["IsClosed"]], "CampaignMember": members}
    keys = {"Lead": "Email", "Task": "WhoId", "CampaignMember": "LeadId"}
    found = [(len(rows), len({row[keys[name]] for row in rows})) for name, rows in people.items()]
    states = set((await rig.states()).values())
    return (states, found, len(tasks)) == ({"synced"}, [(count, count)] * 3, count)


@pytest.mark.parametrize("count", [1, 130])
async def test_new_people_exist_once_with_a_closed_task_and_a_member(rig: Rig, *, count: int) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(count):
        await rig.registered(number, attendee=somebody(number))
    await drained(rig)
    assert await is_everybody_there_once(rig, count)


async def test_known_people_are_found_and_left_as_they_are(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    known = {"LastName": "Otter", "Company": "River", "Phone": "+49 30 1"}
    [lead] = await rig.org.seed("Lead", known | {"Email": "otter1@example.com"})
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter2@example.com"})
    regs = [await rig.registered(number, attendee=somebody(number, phone="+49 30 1")) for number in (1, 2)]
    await drained(rig)
    assert [(await rig.slots(reg))["person"].sf_id for reg in regs] == [lead, contact]
    [still] = await rig.records("Lead")
    assert {name: still[name] for name in known} == known


@pytest.mark.parametrize(
    ("sobject", "kind"),
    [("Lead", "reset_after_write"), ("Task", "truncate"), ("CampaignMember", "reset_before_write")],
)
async def test_a_lost_answer_leaves_everybody_once(rig: Rig, *, sobject: str, kind: str) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(30):
        await rig.registered(number, attendee=somebody(number))
    await rig.org.fault(kind, match={"sobject": sobject, "is_write": True})
    await drained(rig)
    assert await is_everybody_there_once(rig, 30)


async def test_who_checks_in_twice_is_promoted_once(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await drained(rig)
    job = await rig.job(reg)
    for hour in (9, 10):
        await rig.change(reg, checked_in_at=job.created_at.replace(hour=hour))
        await drained(rig)
    [member] = await rig.records("CampaignMember")
    assert (member["Status"], len(await rig.records("Task"))) == ("Responded", 2)


PLACES: Any = {"country": "Germany", "state": "BY"}, {"country": "Atlantis"}, {}


async def test_places_never_fail_a_registration(rig: Rig) -> None:
    fields = [
        {"object": "Lead", "field": name, "from": f"answers.{name.lower()}"} for name in ("Country", "State")
    ]
    await rig.choose(*fields)
    for number, given in enumerate(PLACES):
        answers = [{"key": key, "label": key, "value": value} for key, value in given.items()]
        await rig.registered(number, attendee=somebody(number), answers=answers)
    await drained(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == len(PLACES)


async def test_a_colleagues_phone_never_makes_one_of_two_people(rig: Rig) -> None:
    regs = [await rig.registered(number, attendee=somebody(number, phone="+49 30 1")) for number in (1, 2)]
    for reg in regs:
        await rig.requeue(reg)
        await drained(rig)
    await rig.registered(3, attendee=somebody(3, phone="+49 30 1"))
    await drained(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == 3


async def test_a_preflight_finds_nothing_that_stops_it(rig: Rig) -> None:
    shown = await run_preflight(rig.resources, HOST)
    assert [each.code for each in shown.findings if each.severity == "blocker"] == []


def somebody(number: int, **more: str) -> dict[str, Any]:
    """Of a company of their own, so that no rule takes one for another."""
    name = {"first_name": f"Otto {number}", "last_name": f"Otter {number}", "company": f"River {number}"}
    return {"id": f"per_{number}", "email": f"otter{number}@example.com", **name, **more}
