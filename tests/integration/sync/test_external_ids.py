"""People whom the host knows by a field of its own."""

from typing import Any

from tests.integration.sync.conftest import Rig

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
