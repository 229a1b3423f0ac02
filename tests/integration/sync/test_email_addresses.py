"""Addresses with invisible characters: one person."""

from app.text.email_address import address_key
from tests.integration.sync.conftest import Rig

TYPED = "\ufeffOtter1@exam\u200bple.com\u200e"


async def test_contact_is_found_by_an_address_with_invisible_characters(rig: Rig) -> None:
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1, attendee={"email": TYPED, "name": "Ada"}, email_key=address_key(TYPED))
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact
    assert await rig.records("Lead") == []


async def test_lead_is_created_with_the_plain_address(rig: Rig) -> None:
    await rig.registered(1, attendee={"email": TYPED, "name": "Ada"}, email_key=address_key(TYPED))
    await rig.drain()
    assert [row["Email"] for row in await rig.records("Lead")] == ["Otter1@example.com"]


async def test_contact_is_found_whatever_the_case_of_its_address_in_salesforce(rig: Rig) -> None:
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "Otter1@Example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact


async def test_rules_write_the_plain_address(rig: Rig) -> None:
    await rig.choose({"object": "Lead", "field": "Description", "template": "from {attendee.email}"})
    await rig.registered(1, attendee={"email": TYPED, "name": "Ada"}, email_key=address_key(TYPED))
    await rig.drain()
    assert [row["Description"] for row in await rig.records("Lead")] == ["from Otter1@example.com"]
