"""A campaign member keeps what a removed registration brought it to: no other one of the person lowers it."""

from datetime import timedelta
from typing import Any

import pytest

from app.privacy.erasure import ErasureRequest, redact_registrations
from app.privacy.tombstones import lock_exclusive
from tests.deliveries import PEPPER
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig, rig

__all__ = ["rig"]

SAME = {"email": "otter1@example.com"}


@pytest.mark.parametrize(
    "facts", [{"checked_in_at": NOW}, {"replay": {"watched_at": NOW.isoformat()}}], ids=["came", "watched"]
)
async def test_a_status_whose_registration_was_removed_is_not_lowered(
    rig: Rig, facts: dict[str, Any]
) -> None:
    await rig.link(await rig.org.campaign(), replay_watched="Responded")
    first = await rig.registered(1, **facts)
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
