"""People whom the host knows by a field of its own."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import CreateLock
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_lost_answers import QUIET

KEY = "Legacy_Id__c | string(40) | CUNX | Legacy Id"
BY_KEY = {"match_by": {"field": "Legacy_Id__c", "from": "attendee.id"}}


def member(**given: Any) -> dict[str, Any]:
    return {"id": "per_51", "email": "new@example.com", "name": "Otter One", **given}


async def keyed(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [KEY], "Contact": [KEY]})
    await rig.choose(people=BY_KEY)


async def test_a_person_is_found_by_the_external_id_where_the_email_finds_nobody(rig: Rig) -> None:
    await keyed(rig)
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Legacy_Id__c": "per_51"})
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Legacy_Id__c": "PER_51"})
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1, attendee=member(), email_key="new@example.com")
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (contact, "external_id")
    assert (await rig.job(reg)).state == "synced"
    assert len(await rig.records("Lead")) == 1


async def test_the_email_goes_before_the_external_id(rig: Rig) -> None:
    await keyed(rig)
    await rig.org.seed("Contact", {"LastName": "Key", "Legacy_Id__c": "per_51"})
    [by_email] = await rig.org.seed(
        "Lead", {"LastName": "Mail", "Company": "River", "Email": "new@example.com"}
    )
    reg = await rig.registered(1, attendee=member(), email_key="new@example.com")
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (by_email, "email")


@pytest.mark.parametrize("email", ["known@example.com", None])
async def test_a_no_reaches_the_contact_that_the_external_id_names(rig: Rig, email: str | None) -> None:
    opt_out = "OptOut__c | boolean | CUD | Opt Out"
    await rig.org.configure(extra_fields={"Lead": [KEY], "Contact": [KEY, opt_out]})
    await rig.choose(people={**BY_KEY, "opt_out_field": "OptOut__c"})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": email, "Legacy_Id__c": "per_51"})
    reg = await rig.registered(1, attendee=member(consent={"marketing": False}), email_key="new@example.com")
    await rig.drain()
    [contact] = await rig.records("Contact")
    assert (contact["OptOut__c"], contact["Email"]) == (True, email)
    assert (await rig.job(reg)).state == "synced"


async def test_a_new_person_gets_the_external_id_and_is_found_by_it_next_time(rig: Rig) -> None:
    await keyed(rig)
    await rig.registered(1, attendee=member(), email_key="new@example.com")
    await rig.drain()
    assert [lead["Legacy_Id__c"] for lead in await rig.records("Lead")] == ["per_51"]
    other = {"email": "other@example.com"}
    reg = await rig.registered(2, attendee=member(**other), email_key="other@example.com")
    await rig.drain()
    assert (await rig.slots(reg))["person"].details["found_by"] == "external_id"
    assert len(await rig.records("Lead")) == 1


async def test_a_key_field_that_the_org_lacks_finds_nobody_and_stops_nobody(rig: Rig) -> None:
    await rig.choose(people=BY_KEY)
    reg = await rig.registered(1, attendee=member(), email_key="new@example.com")
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert len(await rig.records("Lead")) == 1


async def test_a_deleted_record_with_the_key_is_nobody(rig: Rig) -> None:
    await keyed(rig)
    [lead] = await rig.org.seed("Lead", {"LastName": "O", "Company": "R", "Legacy_Id__c": "per_51"})
    await rig.delete("Lead", lead)
    reg = await rig.registered(1, attendee=member(), email_key="new@example.com")
    await rig.drain()
    assert (await rig.slots(reg))["person"].details["found_by"] == "created"


async def test_a_lost_create_is_not_repeated_for_another_address_of_the_same_external_id(rig: Rig) -> None:
    await keyed(rig)
    first = await rig.registered(1, attendee=member(email="a@example.com"), email_key="a@example.com")
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    other = member(email="b@example.com", id="PER_51")
    second = await rig.registered(2, attendee=other, email_key="b@example.com")
    await rig.pass_time(20)
    await rig.drain()
    assert await rig.states() == {first: "ambiguous", second: "pending"}
    assert (await rig.job(second)).waiting_for == "person"
    await rig.org.control.post("/settle")
    await rig.pass_time(QUIET)
    await rig.drain()
    assert await rig.states() == {first: "synced", second: "synced"}
    assert [lead["Email"] for lead in await rig.records("Lead")] == ["a@example.com"]
    async with rig.database.system() as session:
        assert (await session.scalars(select(CreateLock))).all() == []


async def test_one_person_is_created_for_all_who_share_an_external_id_or_an_address(rig: Rig) -> None:
    await keyed(rig)
    known = [
        ("a@example.com", "one"),
        ("b@example.com", "two"),
        ("c@example.com", "TWO"),
        ("c@example.com", "one"),
    ]
    for number, (email, key) in enumerate(known, start=1):
        await rig.registered(number, attendee=member(email=email, id=key), email_key=email)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == 1
