"""Excluded attendees are never written; existing records stay."""

from typing import Any

from sqlalchemy import update

from app.models import Host
from tests.factories import NOW
from tests.integration.sync.conftest import Rig


async def choose(rig: Rig, **exclusions: Any) -> None:
    async with rig.database.system() as session:
        await session.execute(update(Host).values(settings={"exclusions": exclusions}))


async def outcome(rig: Rig, registration_id: str) -> tuple[str, str | None]:
    job = await rig.job(registration_id)
    return job.state, job.skipped_because


async def test_excluded_domain_and_ticket_are_skipped_and_others_written(rig: Rig) -> None:
    await choose(rig, domains=["staff.example"], ticket_kinds=["speaker"])
    staff = await rig.registered(1, attendee={"email": "a@staff.example"}, email_key="a@staff.example")
    speaker = await rig.registered(2, ticket={"name": "Talk", "kind": "speaker"})
    guest = await rig.registered(3)
    await rig.drain()
    assert await outcome(rig, staff) == ("skipped", "excluded")
    assert await outcome(rig, speaker) == ("skipped", "excluded")
    assert await outcome(rig, guest) == ("synced", None)
    assert len(await rig.records("Lead")) == 1


async def test_excluded_after_it_was_written_is_left_as_it_is(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, excluded_at=NOW, checked_in_at=NOW)
    await rig.drain()
    assert await outcome(rig, reg) == ("skipped", "excluded")
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Sent"]
    assert (await rig.slots(reg))["person"].sf_id is not None


async def test_excluded_registration_does_not_raise_its_siblings_member(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    email = "otter1@example.com"
    who = {"attendee": {"email": email, "name": "Otter One"}, "email_key": email}
    await rig.registered(2, checked_in_at=NOW, excluded_at=NOW, **who)
    await rig.registered(1, **who)
    await rig.drain()
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Sent"]


async def test_excluded_address_is_skipped(rig: Rig) -> None:
    await choose(rig, addresses=["otter1@example.com"])
    reg = await rig.registered(1)
    await rig.drain()
    assert await outcome(rig, reg) == ("skipped", "excluded")
