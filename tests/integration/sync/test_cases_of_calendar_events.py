"""The calendar Event of a Contact hangs on the Case of its meeting, which is written before."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.models import Event, Host
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.integration.sync.test_cases import ada, case_of, eve, settle

CONTACTS = {"create": "contact"}


async def with_both(rig: Rig, *, case: bool = True) -> None:
    """The event is a meeting of an hour, and the host writes calendar Events, and Cases if wanted."""
    settings = {"writes": {"case": case, "calendar_event": True}}
    times = {"starts_at": NOW + timedelta(days=3), "ends_at": NOW + timedelta(days=3, hours=1)}
    async with rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(kind="meeting", **times))
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings=settings))


async def known(rig: Rig) -> str:
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "ada@acme.example"})
    return contact


async def the_event(rig: Rig) -> dict[str, Any]:
    [event] = await rig.records("Event")
    return event


async def calls_of(rig: Rig, **changes: Any) -> int:
    """The calls for Ada's registration, once the org is known."""
    await rig.registered(9)
    await rig.drain()
    before = int((await rig.org.calls())["total"])
    await ada(rig, **changes)
    await rig.drain()
    return int((await rig.org.calls())["total"]) - before


@pytest.mark.parametrize("is_new", [False, True], ids=["known", "new"])
async def test_the_event_of_a_contact_hangs_on_its_case(rig: Rig, is_new: bool) -> None:
    await with_both(rig)
    await rig.choose(people=CONTACTS)
    contact = None if is_new else await known(rig)
    reg = await ada(rig)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    [case] = await rig.records("Case")
    event = await the_event(rig)
    assert (event["WhatId"], event["WhoId"]) == (case["Id"], contact or case["ContactId"])
    assert len(await rig.records("Task")) == 1


async def test_the_event_of_a_lead_hangs_on_nothing_and_waits_for_nothing(rig: Rig) -> None:
    await with_both(rig)
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "Acme", "Email": "ada@acme.example"})
    assert await calls_of(rig) == 2
    assert [event["WhatId"] for event in await rig.records("Event")] == [None, None]
    assert len(await rig.records("Case")) == 2


@pytest.mark.parametrize(("case", "calls"), [(False, 2), (True, 3)], ids=["no Cases", "Cases"])
async def test_only_who_has_both_pays_a_call_for_it(rig: Rig, case: bool, calls: int) -> None:
    await with_both(rig, case=case)
    await rig.link(await rig.org.campaign())
    await known(rig)
    assert await calls_of(rig) == calls


@pytest.mark.parametrize("case", [True, False], ids=["on", "off"])
async def test_the_event_hangs_on_the_case_that_the_link_names(rig: Rig, case: bool) -> None:
    await with_both(rig, case=case)
    contact = await known(rig) if not case else await eve(rig)
    case_id = await case_of(rig, contact)
    assert await calls_of(rig, salesforce_id=case_id) <= 3
    [event] = [each for each in await rig.records("Event") if each["WhatId"]]
    assert (event["WhatId"], event["WhoId"]) == (case_id, contact)


async def test_a_lead_that_comes_by_the_link_of_a_case_hangs_on_nothing(rig: Rig) -> None:
    await with_both(rig)
    await ada(rig, salesforce_id=await case_of(rig, None))
    await rig.drain()
    assert (await the_event(rig))["WhatId"] is None
    assert len(await rig.records("Case")) == 1


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_the_event_waits_until_it_is_known_whether_its_case_stands(rig: Rig, kind: str) -> None:
    await with_both(rig)
    await known(rig)
    reg = await ada(rig)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    await settle(rig)
    assert await rig.states() == {reg: "synced"}
    [case] = await rig.records("Case")
    assert (await the_event(rig))["WhatId"] == case["Id"]


async def test_without_a_case_the_event_is_written_all_the_same(rig: Rig) -> None:
    await rig.org.configure(validation_rules=[{"sobject": "Case", "when": "Origin = 'Web'"}])
    await with_both(rig)
    await known(rig)
    reg = await ada(rig)
    await rig.drain()
    assert await rig.states() == {reg: "failed"}
    assert (await the_event(rig))["WhatId"] is None


@pytest.mark.parametrize("is_new", [False, True], ids=["known", "new"])
async def test_cases_that_are_taken_from_the_user_keep_nothing_else_from_being_written(
    rig: Rig, is_new: bool
) -> None:
    await with_both(rig)
    await rig.choose(people=CONTACTS)
    await rig.registered(2)
    await rig.drain()
    await rig.pass_time(60)
    await rig.org.configure(has_case=False)
    if not is_new:
        await known(rig)
    reg = await ada(rig)
    await rig.drain()
    await settle(rig)
    job = await rig.job(reg)
    assert (job.state, [each["code"] for each in job.warnings]) == ("synced", ["record_left_out"])
    assert len(await rig.records("Event")) == 2
