"""What linking, changing, unlinking, relinking and another org leave in Salesforce."""

from typing import Any

from sqlalchemy import delete, update

from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills, start_backfill
from app.models import CampaignLink, Connection
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig

LABELS = ("Registered", "Attended*", "Booked", "Came*")
FIRST = {"registered": "Registered", "attended": "Attended"}
SECOND = {"registered": "Booked", "attended": "Came"}


async def backfill(rig: Rig, reason: str) -> None:
    """As the endpoints and the workers' chores do it."""
    async with rig.database.tenant(HOST) as session:
        await start_backfill(
            session, HOST, EVENT, org_id=rig.org.org_id, reason=reason, requested_by="user_17"
        )
    await enqueue_backfill_chunk(rig.database)
    await rig.drain()
    await finish_backfills(rig.database)


async def unlink(rig: Rig) -> None:
    async with rig.database.system() as session:
        await session.execute(delete(CampaignLink))


async def members(rig: Rig) -> dict[str, list[str]]:
    """The statuses in each campaign."""
    found: dict[str, list[str]] = {}
    for row in await rig.records("CampaignMember"):
        found.setdefault(row["CampaignId"], []).append(row["Status"])
    return {campaign: sorted(statuses) for campaign, statuses in found.items()}


async def two_written(rig: Rig, **labels: str) -> str:
    """A linked event with one who registered and one who came."""
    campaign_id = await rig.org.campaign(labels=LABELS)
    await rig.link(campaign_id, **labels)
    await rig.registered(1)
    await rig.registered(2, checked_in_at=NOW)
    await rig.drain()
    return campaign_id


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]


async def test_statuses_edited_hold_from_now_on(rig: Rig) -> None:
    campaign_id = await two_written(rig, **FIRST)
    await rig.link(campaign_id, **SECOND)
    await rig.registered(3)
    await rig.drain()
    assert await members(rig) == {campaign_id: ["Attended", "Booked", "Registered"]}


async def test_statuses_reapplied_rename_the_members_already_written(rig: Rig) -> None:
    campaign_id = await two_written(rig, **FIRST)
    await rig.link(campaign_id, **SECOND)
    await backfill(rig, "reapply")
    assert await members(rig) == {campaign_id: ["Booked", "Came"]}
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [2, 3, 2]


async def test_statuses_reapplied_leave_a_member_that_a_salesperson_removed(rig: Rig) -> None:
    campaign_id = await two_written(rig, **FIRST)
    removed = next(row for row in await rig.records("CampaignMember") if row["Status"] == "Registered")
    await rig.delete("CampaignMember", removed["Id"])
    await rig.link(campaign_id, **SECOND)
    await backfill(rig, "reapply")
    assert await members(rig) == {campaign_id: ["Came"]}


async def test_linking_backfills_what_was_written_without_a_campaign(rig: Rig) -> None:
    await rig.registered(1)
    await rig.drain()
    campaign_id = await rig.org.campaign(labels=LABELS)
    await rig.link(campaign_id, **FIRST)
    await backfill(rig, "link")
    assert await members(rig) == {campaign_id: ["Registered"]}
    assert await counts(rig) == [1, 1, 1]


async def test_unlink_stops_member_writes_and_people_and_activities_go_on(rig: Rig) -> None:
    campaign_id = await two_written(rig, **FIRST)
    await unlink(rig)
    await rig.change("reg_00001", checked_in_at=NOW)
    await rig.registered(3)
    await rig.drain()
    assert await members(rig) == {campaign_id: ["Attended", "Registered"]}
    assert await counts(rig) == [3, 5, 2]


async def test_relink_elsewhere_writes_new_members_and_leaves_the_old(rig: Rig) -> None:
    first = await two_written(rig, **FIRST)
    await unlink(rig)
    second = await rig.org.campaign("Elsewhere", labels=LABELS)
    await rig.link(second, **SECOND)
    await backfill(rig, "link")
    assert await members(rig) == {first: ["Attended", "Registered"], second: ["Booked", "Came"]}
    assert await counts(rig) == [2, 3, 4]


async def test_relink_of_the_same_campaign_writes_nobody_twice(rig: Rig) -> None:
    campaign_id = await two_written(rig, **FIRST)
    before: Any = await counts(rig)
    await unlink(rig)
    await rig.link(campaign_id, **FIRST)
    await backfill(rig, "link")
    assert await counts(rig) == before


async def test_another_org_takes_over_nothing_until_a_backfill_is_asked_for(rig: Rig) -> None:
    await two_written(rig, **FIRST)
    async with rig.database.system() as session:
        await session.execute(update(Connection).values(org_id="00D5g0000000009EAA"))
    await rig.requeue("reg_00001")
    assert await rig.drain() is False
    async with rig.database.tenant(HOST) as session:
        await start_backfill(
            session, HOST, EVENT, org_id="00D5g0000000009EAA", reason="request", requested_by="user_17"
        )
    assert await enqueue_backfill_chunk(rig.database) == {"00D5g0000000009EAA"}
    assert (await rig.job("reg_00002")).org_id == "00D5g0000000009EAA"


async def test_back_in_the_first_org_what_was_written_is_known(rig: Rig) -> None:
    await two_written(rig, **FIRST)
    before = await counts(rig)
    async with rig.database.system() as session:
        await session.execute(update(Connection).values(org_id="00D5g0000000009EAA"))
    async with rig.database.system() as session:
        await session.execute(update(Connection).values(org_id=rig.org.org_id))
    await backfill(rig, "request")
    assert await counts(rig) == before
    assert set((await rig.states()).values()) == {"synced"}


async def test_link_to_a_campaign_of_another_org_writes_people_and_activities_and_no_members(
    rig: Rig,
) -> None:
    campaign_id = await two_written(rig, **FIRST)
    async with rig.database.system() as session:
        await session.execute(update(CampaignLink).values(org_id="00D5g0000000009EAA"))
    await rig.registered(3)
    await rig.drain()
    assert await members(rig) == {campaign_id: ["Attended", "Registered"]}
    assert await counts(rig) == [3, 4, 2]
