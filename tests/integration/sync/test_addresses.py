"""Addresses with invisible characters: one person, whoever typed them."""

from app.addresses import address_key
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
