"""A campaign member keeps what a removed registration brought it to: no other one of the person lowers it."""

from datetime import timedelta

from app.privacy.erasure import ErasureRequest, redact_registrations
from app.privacy.tombstones import lock_exclusive
from tests.deliveries import PEPPER
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig, rig

__all__ = ["rig"]

SAME = {"email": "otter1@example.com"}


async def test_a_check_in_whose_registration_was_removed_stays_attended(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    first = await rig.registered(1, checked_in_at=NOW)
    await rig.drain()
    other = await rig.registered(2, attendee=SAME, email_key="otter1@example.com")
    await rig.drain()
    async with rig.database.system() as session:
        await lock_exclusive(session, [HOST])
        wish = ErasureRequest(HOST, NOW, attendee_id=None, email=None, registration_ids=(first,))
        await redact_registrations(session, wish, pepper=PEPPER)
    await rig.change(other, confirmed_at=NOW + timedelta(minutes=1))
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    assert member["Status"] == "Responded"
    assert set((await rig.states()).values()) == {"synced"}
