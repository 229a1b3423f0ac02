"""Unlinking, broken links, and mending them."""

from sqlalchemy import update

from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills
from app.models import Backfill, Connection, SyncJob
from tests.api.campaigns.dashboard import LABELS, PATH, Desk, link_for, member_of, problem
from tests.factories_events import event_for, job_for, registration_for


async def test_event_without_a_link_says_so(desk: Desk) -> None:
    assert problem(await desk.http.get(PATH)) == (404, "CampaignNotLinked")
    assert problem(await desk.http.delete(PATH)) == (404, "CampaignNotLinked")


async def test_unlinking_counts_what_stops_and_what_stays(desk: Desk, campaign_id: str) -> None:
    await desk.save(*(registration_for(number) for number in range(6)))
    await desk.link(campaign_id)
    await enqueue_backfill_chunk(desk.database, chunk=4)
    async with desk.database.system() as session:
        done = SyncJob.registration_id.in_(("reg_00000", "reg_00001"))
        await session.execute(update(SyncJob).where(done).values(state="synced"))
        session.add_all((event_for(event_id="evt_second"), registration_for(9, event_id="evt_second")))
        session.add_all(member_of(number, desk.org.org_id, campaign_id) for number in (0, 1, 9))
    answer = await desk.http.delete(PATH)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["writes_stopped"], told["members_kept"]) == (4, 2)
    assert (told["campaign"]["id"], told["unlinked_at"][-1]) == (campaign_id, "Z")
    assert problem(await desk.http.get(PATH)) == (404, "CampaignNotLinked")
    action, details = (await desk.actions())[-1]
    assert (action, details["members_kept"]) == ("salesforce.campaign_unlinked", 2)


async def test_unlinking_leaves_armed_work_and_ends_the_backfill(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1), registration_for(2))
    await desk.link(campaign_id)
    await enqueue_backfill_chunk(desk.database, chunk=1)
    await desk.http.delete(PATH)
    assert [job.state for job in await desk.rows(SyncJob)] == ["pending"]
    assert [backfill.state for backfill in await desk.rows(Backfill)] == ["cancelled"]


async def test_unlinking_works_while_disconnected(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    async with desk.database.system() as session:
        await session.execute(
            update(Connection).values(state="disconnected", access_token=None, refresh_token=None)
        )
    assert (await desk.http.delete(PATH)).status_code == 200


async def test_another_campaign_may_be_linked_after_unlinking(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1))
    await desk.link(campaign_id)
    await desk.http.delete(PATH)
    other = await desk.org.campaign(labels=LABELS)
    answer = await desk.link(other)
    assert (answer.status_code, answer.json()["backfill"]["state"]) == (201, "running")


async def test_broken_link_is_shown_with_advice_and_mended_by_the_same_id(
    desk: Desk, campaign_id: str
) -> None:
    broken = {"state": "broken", "problem_code": "campaign_status_gone"}
    await desk.save(
        link_for("evt_otters", campaign_id, desk.org.org_id, **broken),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    shown = (await desk.http.get(PATH)).json()
    assert (shown["state"], shown["problem"]["code"]) == ("broken", "campaign_status_gone")
    mended = await desk.link(campaign_id)
    assert (mended.status_code, mended.json()["state"], mended.json()["problem"]) == (200, "linked", None)
    await enqueue_backfill_chunk(desk.database)
    assert [(job.state, job.waiting_for) for job in await desk.rows(SyncJob)] == [("pending", None)]
    action, details = (await desk.actions())[-1]
    assert (action, details["is_mended"]) == ("salesforce.campaign_linked", True)


async def test_broken_link_that_does_not_validate_stays_broken(desk: Desk) -> None:
    await desk.save(link_for("evt_otters", "7015g0000000999AAA", desk.org.org_id, state="broken"))
    assert problem(await desk.link("7015g0000000999AAA")) == (400, "CampaignIdInvalid")
    assert (await desk.http.get(PATH)).json()["state"] == "broken"


async def test_unlinking_a_broken_link_lets_held_work_come_to_rest(desk: Desk, campaign_id: str) -> None:
    await desk.save(
        link_for("evt_otters", campaign_id, desk.org.org_id, state="broken"),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    assert (await desk.http.delete(PATH)).json()["writes_stopped"] == 1
    await enqueue_backfill_chunk(desk.database)
    assert [job.state for job in await desk.rows(SyncJob)] == ["pending"]
    async with desk.database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
    assert await finish_backfills(desk.database) == 1


async def test_link_to_another_org_is_broken_and_has_no_address(desk: Desk, campaign_id: str) -> None:
    await desk.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"))
    shown = (await desk.http.get(PATH)).json()
    assert (shown["state"], shown["problem"]["code"]) == ("broken", "campaign_in_other_org")
    assert shown["campaign"]["url"] is None


async def test_copy_of_the_campaign_in_the_org_now_connected_may_be_linked(
    desk: Desk, campaign_id: str
) -> None:
    await desk.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"), registration_for(1))
    link = (await desk.link(campaign_id)).json()
    assert (link["state"], link["org_id"], link["backfill"]["why"]) == ("linked", desk.org.org_id, "link")
