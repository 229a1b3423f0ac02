"""What an attendee, a host or an event is called is text: Salesforce never resolves it as a reference."""

from typing import Any

import pytest

from tests.factories_events import event_for
from tests.integration.sync.conftest import Rig

TEXTS = ("@{person0.id}", "@{part0_0.id}", "hi @{person0.id}", "Lead of @{person0.success}", "@{x.y}", "@{")


def named(number: int, text: str) -> dict[str, Any]:
    email = f"otter{number}@example.com"
    return {"email": email, "first_name": "Olga", "last_name": text, "company": text, "job_title": text}


async def calls(rig: Rig) -> int:
    return int((await rig.org.calls())["total"])


async def titled(rig: Rig, title: str) -> None:
    async with rig.database.system() as session:
        await session.merge(event_for(title=title))


@pytest.mark.parametrize("text", TEXTS)
async def test_a_new_persons_words_are_stored_as_they_are(rig: Rig, text: str) -> None:
    regs = [await rig.registered(1, attendee=named(1, text)), await rig.registered(2)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    leads = {lead["Email"]: lead for lead in await rig.records("Lead")}
    lead = leads["otter1@example.com"]
    assert (lead["LastName"], lead["Company"], lead["Title"]) == (text, text, text)
    assert {task["WhoId"] for task in await rig.records("Task")} == {each["Id"] for each in leads.values()}


@pytest.mark.parametrize("text", TEXTS)
async def test_a_changed_persons_words_are_stored_as_they_are(rig: Rig, text: str) -> None:
    fields = {"LastName": "Otter", "Company": "River", "Email": "otter1@example.com"}
    await rig.org.seed("Lead", fields)
    rule = {"object": "Lead", "field": "Title", "from": "attendee.job_title", "mode": "overwrite"}
    await rig.choose(rule, people={"update_existing": True})
    reg = await rig.registered(1, attendee=named(1, text))
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (await rig.states(), lead["Title"]) == ({reg: "synced"}, text)


@pytest.mark.parametrize("text", TEXTS)
async def test_an_event_may_be_called_anything(rig: Rig, text: str) -> None:
    await titled(rig, text)
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(60)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert {task["Subject"] for task in await rig.records("Task")} == {f"Registered: {text}"}
    assert len(await rig.records("CampaignMember")) == 60
    assert await calls(rig) <= 6


async def test_many_of_them_cost_no_call_each(rig: Rig) -> None:
    for number in range(200):
        await rig.registered(number, **({"attendee": named(number, "@{x.y}")} if number % 4 == 0 else {}))
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == len(await rig.records("Task")) == 200
    assert await calls(rig) <= 6


async def test_one_alone_goes_the_long_way_and_arrives(rig: Rig) -> None:
    reg = await rig.registered(1, attendee=named(1, "@{person0.id}"))
    await rig.drain()
    [lead], [task] = await rig.records("Lead"), await rig.records("Task")
    assert await rig.states() == {reg: "synced"}
    assert (lead["LastName"], task["WhoId"]) == ("@{person0.id}", lead["Id"])


async def test_duplicates_that_are_sent_packed_keep_their_words(rig: Rig) -> None:
    rule = {"name": "Names", "sobject": "Lead", "fields": ["Phone"], "action": "block"}
    await rig.org.configure(duplicate_rules=[rule])
    kept = {"LastName": "Other", "Company": "River", "Phone": "+49 30 1"}
    await rig.org.seed("Lead", kept)
    attendees = [named(number, "@{single0.id}") | {"phone": "+49 30 1"} for number in (1, 2)]
    regs = [await rig.registered(n, attendee=who) for n, who in enumerate(attendees, start=1)]
    await rig.drain(engine=rig.with_settings(salesforce_packs_duplicates=True))
    states = await rig.states()
    assert set(states) == set(regs)
    assert "pending" not in states.values()
    assert (await rig.records("Lead"))[0]["LastName"] == "Other"
    assert all("00Q" not in str(lead["LastName"]) for lead in await rig.records("Lead"))


async def test_part_that_refers_to_nothing_fails_its_row_at_once_and_for_good(rig: Rig) -> None:
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.org.fault(
        "row_error",
        match={"sobject": "Task"},
        error_code="PROCESSING_HALTED",
        message="Invalid reference specified. No value for x.y found in x.",
    )
    await rig.drain()
    states = await rig.states()
    failed = [reg for reg in regs if states[reg] == "failed"]
    assert len(failed) == 1
    job = await rig.job(failed[0])
    assert (job.error_class, job.error_code, job.attempts) == ("data", "PROCESSING_HALTED", 1)


@pytest.mark.parametrize("email", ["a@{person0.id}", "b{c}@river.example", "{x}@river.example"])
async def test_address_with_braces_is_malformed_and_never_asked_for(rig: Rig, email: str) -> None:
    reg = await rig.registered(1, attendee={"email": email, "name": "Olga Otter"}, email_key=email)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == ("failed", "data", "EMAIL_MALFORMED")
    assert await rig.records("Lead") == []
