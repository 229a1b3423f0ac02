"""Unlinking, broken links, and repairing them."""

import pytest
from sqlalchemy import update

from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills
from app.models import Backfill, Connection, SyncJob
from app.notifications.facts import campaign_broken
from tests.api.answers import problem
from tests.api.campaigns.dashboard import LABELS, PATH, CampaignDashboard, link_for, member_of
from tests.factories_events import event_for, job_for, registration_for
from tests.notified import keep_notifications, types


async def test_event_without_a_link_says_so(dashboard: CampaignDashboard) -> None:
    assert problem(await dashboard.http.get(PATH)) == (404, "CampaignNotLinked")
    assert problem(await dashboard.http.delete(PATH)) == (404, "CampaignNotLinked")


async def test_unlinking_counts_what_stops_and_what_stays(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(*(registration_for(number) for number in range(6)))
    await dashboard.link(campaign_id)
    await enqueue_backfill_chunk(dashboard.database, chunk=4)
    async with dashboard.database.system() as session:
        done = SyncJob.registration_id.in_(("reg_00000", "reg_00001"))
        await session.execute(update(SyncJob).where(done).values(state="synced"))
        session.add_all((event_for(event_id="evt_second"), registration_for(9, event_id="evt_second")))
        session.add_all(member_of(number, dashboard.org.org_id, campaign_id) for number in (0, 1, 9))
    answer = await dashboard.http.delete(PATH)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["writes_stopped"], body["members_kept"]) == (4, 2)
    assert (body["campaign"]["id"], body["unlinked_at"][-1]) == (campaign_id, "Z")
    assert problem(await dashboard.http.get(PATH)) == (404, "CampaignNotLinked")
    action, details = (await dashboard.actions())[-1]
    assert (action, details["members_kept"]) == ("salesforce.campaign_unlinked", 2)


async def test_unlinking_leaves_queued_work_and_ends_the_backfill(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1), registration_for(2))
    await dashboard.link(campaign_id)
    await enqueue_backfill_chunk(dashboard.database, chunk=1)
    await dashboard.http.delete(PATH)
    assert [job.state for job in await dashboard.rows(SyncJob)] == ["pending"]
    assert [backfill.state for backfill in await dashboard.rows(Backfill)] == ["cancelled"]


async def test_unlinking_works_while_disconnected(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.link(campaign_id)
    async with dashboard.database.system() as session:
        await session.execute(
            update(Connection).values(state="disconnected", access_token=None, refresh_token=None)
        )
    assert (await dashboard.http.delete(PATH)).status_code == 200


async def test_another_campaign_may_be_linked_after_unlinking(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1))
    await dashboard.link(campaign_id)
    await dashboard.http.delete(PATH)
    other = await dashboard.org.campaign(labels=LABELS)
    answer = await dashboard.link(other)
    assert (answer.status_code, answer.json()["backfill"]["state"]) == (201, "running")


async def test_broken_link_is_shown_with_advice_and_mended_by_the_same_id(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    broken = {"state": "broken", "problem_code": "campaign_status_gone"}
    await dashboard.save(
        link_for("evt_otters", campaign_id, dashboard.org.org_id, **broken),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    view = (await dashboard.http.get(PATH)).json()
    assert (view["state"], view["problem"]["code"]) == ("broken", "campaign_status_gone")
    mended = await dashboard.link(campaign_id)
    assert (mended.status_code, mended.json()["state"], mended.json()["problem"]) == (200, "linked", None)
    await enqueue_backfill_chunk(dashboard.database)
    assert [(job.state, job.waiting_for) for job in await dashboard.rows(SyncJob)] == [("pending", None)]
    action, details = (await dashboard.actions())[-1]
    assert (action, details["is_mended"]) == ("salesforce.campaign_linked", True)


@pytest.mark.parametrize(("is_unlinked", "then"), [(False, ["campaign.restored"]), (True, [])])
async def test_platform_hears_of_a_mended_link_and_not_of_one_that_is_gone(
    dashboard: CampaignDashboard,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    is_unlinked: bool,
    then: list[str],
) -> None:
    keep_notifications(dashboard.database, monkeypatch)
    keep_notifications(dashboard.resources.database, monkeypatch)
    await dashboard.save(link_for("evt_otters", campaign_id, dashboard.org.org_id, state="broken"))
    async with dashboard.database.tenant("host_a") as session:
        await campaign_broken(session, "host_a", "evt_otters", campaign_id=campaign_id)
    if is_unlinked:
        await dashboard.http.delete(PATH)
    assert (await dashboard.link(campaign_id)).is_success
    assert (await dashboard.link(campaign_id)).is_success
    assert await types(dashboard.database) == ["campaign.broken", *then]


async def test_broken_link_that_does_not_validate_stays_broken(dashboard: CampaignDashboard) -> None:
    await dashboard.save(link_for("evt_otters", "7015g0000000999AAA", dashboard.org.org_id, state="broken"))
    assert problem(await dashboard.link("7015g0000000999AAA")) == (400, "CampaignIdInvalid")
    assert (await dashboard.http.get(PATH)).json()["state"] == "broken"


async def test_unlinking_a_broken_link_lets_held_work_come_to_rest(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(
        link_for("evt_otters", campaign_id, dashboard.org.org_id, state="broken"),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    assert (await dashboard.http.delete(PATH)).json()["writes_stopped"] == 1
    await enqueue_backfill_chunk(dashboard.database)
    assert [job.state for job in await dashboard.rows(SyncJob)] == ["pending"]
    async with dashboard.database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
    assert await finish_backfills(dashboard.database) == 1


async def test_link_to_another_org_is_broken_and_has_no_address(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"))
    view = (await dashboard.http.get(PATH)).json()
    assert (view["state"], view["problem"]["code"]) == ("broken", "campaign_in_other_org")
    assert view["campaign"]["url"] is None


async def test_copy_of_the_campaign_in_the_org_now_connected_may_be_linked(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"), registration_for(1))
    link = (await dashboard.link(campaign_id)).json()
    assert (link["state"], link["org_id"], link["backfill"]["why"]) == (
        "linked",
        dashboard.org.org_id,
        "link",
    )
