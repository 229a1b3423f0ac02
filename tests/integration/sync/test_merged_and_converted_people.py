"""A person is converted, merged or deleted between the look-up and the write."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from tests.factories import NOW
from tests.integration.sync.concurrent_changes import InterruptingTransport, writes
from tests.integration.sync.conftest import Rig, opened_rig

EMAIL = "otter1@example.com"
LEAD = {"LastName": "Otter", "Company": "River", "Email": EMAIL}


@pytest.fixture
async def watched(database: Database, settings: Settings) -> AsyncIterator[tuple[Rig, InterruptingTransport]]:
    seen: list[InterruptingTransport] = []

    def wrap(transport: Any) -> InterruptingTransport:
        seen.append(InterruptingTransport(transport))
        return seen[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield rig, seen[0]


async def by_hand(rig: Rig, what: str, lead_id: str) -> str:
    """Returns who the Lead is from then on; None yet where it was deleted."""
    if what == "convert":
        answer = await rig.org.control.post("/convert", json={"leadId": lead_id})
        assert answer.status_code == 200, answer.text
        return str((await rig.records("Contact"))[0]["Id"])
    if what == "merge":
        [winner] = await rig.org.seed("Lead", {**LEAD, "Email": "winner@example.com"})
        answer = await rig.org.control.post("/merge", json={"masterId": winner, "mergedIds": [lead_id]})
        assert answer.status_code == 200, answer.text
        return winner
    await rig.delete("Lead", lead_id)
    return ""


@pytest.mark.parametrize("what", ["convert", "merge", "delete"])
@pytest.mark.parametrize("number", [1, 30], ids=["alone", "among others"])
@pytest.mark.parametrize("linked", [False, True], ids=["no campaign", "campaign"])
async def test_who_moves_between_look_and_write_is_followed_at_once(
    watched: tuple[Rig, InterruptingTransport], *, what: str, number: int, linked: bool
) -> None:
    rig, between = watched
    if linked:
        await rig.link(await rig.org.campaign())
    [lead_id] = await rig.org.seed("Lead", LEAD)
    moved: list[str] = []

    async def act() -> None:
        moved.append(await by_hand(rig, what, lead_id))

    between.marks, between.act = writes("Task"), act
    regs = [await rig.registered(each) for each in range(1, number + 1)]
    await rig.drain()
    assert moved
    assert await rig.states() == dict.fromkeys(regs, "synced")
    person = (await rig.slots(regs[0]))["person"].sf_id
    assert person == moved[0] if moved[0] else person not in ("", None, lead_id)
    assert person in {task["WhoId"] for task in await rig.records("Task")}
    assert len(await rig.records("Task")) == number
    assert len(await rig.records("CampaignMember")) == (number if linked else 0)


@pytest.mark.parametrize("what", ["convert", "merge"])
async def test_a_person_that_moves_before_its_fields_are_changed_is_changed_where_it_is(
    watched: tuple[Rig, InterruptingTransport], what: str
) -> None:
    rig, between = watched
    await rig.choose(
        *(
            {"object": each, "field": "Title", "from": "attendee.job_title", "mode": "overwrite"}
            for each in ("Lead", "Contact")
        ),
        people={"update_existing": True},
    )
    [lead_id] = await rig.org.seed("Lead", LEAD)

    async def act() -> None:
        await by_hand(rig, what, lead_id)

    between.marks, between.act = writes("Lead"), act
    reg = await rig.registered(1, attendee={"email": EMAIL, "name": "Otter", "job_title": "CTO"})
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    if what == "convert":
        assert [each["Title"] for each in await rig.records("Contact")] == ["CTO"]


async def test_a_member_whose_person_moved_at_check_in_is_followed(
    watched: tuple[Rig, InterruptingTransport],
) -> None:
    rig, between = watched
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    lead_id = str((await rig.slots(reg))["person"].sf_id)

    async def act() -> None:
        await by_hand(rig, "convert", lead_id)

    between.marks, between.act = writes("Task"), act
    await rig.change(reg, checked_in_at=NOW)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.is_attended) == ("synced", True)
    [member] = await rig.records("CampaignMember")
    [contact] = await rig.records("Contact")
    assert (member["ContactId"], member["Status"]) == (contact["Id"], "Responded")
    assert {task["WhoId"] for task in await rig.records("Task")} == {contact["Id"]}


async def test_a_lead_that_becomes_a_contact_on_insert_is_followed(
    watched: tuple[Rig, InterruptingTransport],
) -> None:
    rig, between = watched
    await rig.link(await rig.org.campaign())
    await rig.org.configure(convert_leads_on_insert=True)
    contacts: list[str] = []

    async def act() -> None:
        contacts.extend(
            await rig.org.seed("Contact", {"LastName": "1", "FirstName": "Otter", "Email": EMAIL})
        )

    between.marks, between.act = writes("Lead"), act
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    people = [(await rig.slots(reg))["person"].sf_id for reg in regs]
    assert people[0] == contacts[0]
    assert sorted(task["WhoId"] for task in await rig.records("Task")) == sorted(map(str, people))
    assert len(await rig.records("CampaignMember")) == 2


@pytest.mark.parametrize("number", [2, 7])
async def test_the_one_living_contact_of_many_converted_leads_is_found_in_one_more_call(
    rig: Rig, number: int
) -> None:
    contacts = [{"LastName": "Otter", "Email": f"moved{each}@example.com"} for each in range(number)]
    ids = await rig.org.seed("Contact", *contacts)
    converted = [{**LEAD, "IsConverted": True, "ConvertedContactId": each} for each in ids]
    await rig.org.seed("Lead", *converted)
    for each in ids[:-1]:
        await rig.delete("Contact", each)
    await rig.org.control.delete("/calls")
    reg = await rig.registered(1)
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (ids[-1], "converted_lead")
    assert len(await rig.records("Lead")) == number
    calls = await rig.org.calls()
    assert calls["total"] == 3


@pytest.mark.parametrize("is_known", [False, True], ids=["found by e-mail", "ours"])
@pytest.mark.parametrize(("create", "state"), [("lead", "synced"), ("nobody", "skipped")])
async def test_a_lead_converted_into_nobody_is_nobody(
    rig: Rig, *, is_known: bool, create: str, state: str
) -> None:
    if create == "nobody":
        await rig.choose(people={"create": "nobody"})
    converted = {"IsConverted": True, "ConvertedContactId": None}
    [dead] = await rig.org.seed("Lead", {**LEAD, **converted})
    given = {"salesforce_id": dead} if is_known else {}
    reg = await rig.registered(1, **given)
    await rig.drain()
    assert (await rig.job(reg)).state == state
    living = [each["Id"] for each in await rig.records("Lead") if not each["IsConverted"]]
    assert [task["WhoId"] for task in await rig.records("Task")] == living
    assert len(living) == (create == "lead")
