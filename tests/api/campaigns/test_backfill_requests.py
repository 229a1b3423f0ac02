"""Backfills that a user requests and cancels."""

import pytest
from sqlalchemy import update

from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills
from app.models import LIVE, Connection, SyncJob
from tests.api.answers import problem
from tests.api.campaigns.dashboard import PATH, CampaignDashboard
from tests.factories import NOW
from tests.factories_events import job_for, registration_for

BACKFILL = PATH.replace("/campaign", "/backfill")


async def jobs(dashboard: CampaignDashboard) -> dict[str, tuple[str, str]]:
    return {job.registration_id: (job.state, job.reason) for job in await dashboard.rows(SyncJob)}


async def test_registrations_from_before_the_connection_are_written_on_request(
    dashboard: CampaignDashboard,
) -> None:
    await dashboard.save(*(registration_for(number) for number in range(3)))
    answer = await dashboard.http.post(BACKFILL, json={"why": "request"})
    assert answer.status_code == 202
    view = answer.json()
    assert [view[name] for name in ("why", "state", "total", "to_go")] == ["request", "running", 3, 3]
    assert await enqueue_backfill_chunk(dashboard.database) == {dashboard.org.org_id}
    assert set((await jobs(dashboard)).values()) == {("pending", "request")}
    assert [action for action, _ in await dashboard.actions()] == ["salesforce.backfill_started"]


async def test_an_event_without_registrations_is_done_at_once(dashboard: CampaignDashboard) -> None:
    view = (await dashboard.http.post(BACKFILL, json={})).json()
    assert (view["state"], view["total"], view["to_go"]) == ("done", 0, 0)


async def test_one_backfill_at_a_time(dashboard: CampaignDashboard) -> None:
    await dashboard.save(registration_for(1))
    await dashboard.http.post(BACKFILL, json={})
    assert problem(await dashboard.http.post(BACKFILL, json={})) == (409, "BackfillRunning")


async def test_statuses_are_reapplied_only_where_a_campaign_is_linked(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1))
    assert problem(await dashboard.http.post(BACKFILL, json={"why": "reapply"})) == (404, "CampaignNotLinked")
    await dashboard.link(campaign_id)
    await dashboard.http.delete(BACKFILL)
    assert (await dashboard.http.post(BACKFILL, json={"why": "reapply"})).json()["why"] == "reapply"


@pytest.mark.parametrize("body", [{"why": "unlink"}, {"why": "link"}, {"reason": "x"}])
async def test_other_reasons_are_refused(dashboard: CampaignDashboard, body: dict[str, str]) -> None:
    assert problem(await dashboard.http.post(BACKFILL, json=body)) == (422, "PayloadInvalid")


async def test_backfill_needs_a_connection(dashboard: CampaignDashboard) -> None:
    async with dashboard.database.system() as session:
        await session.execute(update(Connection).values(state="needs_reconnect"))
    assert problem(await dashboard.http.post(BACKFILL, json={})) == (409, "ConnectionNeedsReconnect")


async def test_ending_lets_go_of_what_nobody_began(dashboard: CampaignDashboard) -> None:
    await dashboard.save(*(registration_for(number) for number in range(8)))
    await dashboard.save(
        job_for(1, state="failed", error_class="data", error_code="X", attempts=3),
        job_for(2, state="synced", synced_at=NOW, written_version=1),
        job_for(3, state="pending", reason="live", priority=LIVE),
    )
    await dashboard.http.post(BACKFILL, json={})
    await enqueue_backfill_chunk(dashboard.database, chunk=6)
    async with dashboard.database.system() as session:
        running = SyncJob.registration_id == "reg_00004"
        await session.execute(update(SyncJob).where(running).values(state="running"))
    answer = await dashboard.http.delete(BACKFILL)
    assert answer.status_code == 200
    view = answer.json()
    assert (view["state"], view["total"], view["to_go"], view["estimated_end_at"]) == (
        "cancelled", 8, 8, None,
    )  # fmt: skip
    assert await jobs(dashboard) == {
        "reg_00001": ("failed", "live"),
        "reg_00002": ("synced", "live"),
        "reg_00003": ("pending", "request"),
        "reg_00004": ("running", "request"),
    }
    assert await enqueue_backfill_chunk(dashboard.database) == set()
    action, details = (await dashboard.actions())[-1]
    assert (action, details["withdrawn"]) == ("salesforce.backfill_cancelled", 4)


async def test_ending_twice_or_nothing_is_no_change(dashboard: CampaignDashboard) -> None:
    answer = await dashboard.http.delete(BACKFILL)
    assert (answer.status_code, answer.json()) == (200, None)
    await dashboard.save(registration_for(1))
    await dashboard.http.post(BACKFILL, json={})
    first = (await dashboard.http.delete(BACKFILL)).json()
    assert (await dashboard.http.delete(BACKFILL)).json() == first
    assert len(await dashboard.actions()) == 2


async def test_only_so_much_is_queued_ahead(dashboard: CampaignDashboard) -> None:
    await dashboard.save(*(registration_for(number) for number in range(5)))
    await dashboard.http.post(BACKFILL, json={})
    for _ in range(3):
        await enqueue_backfill_chunk(dashboard.database, chunk=2, ahead=2)
    assert len(await jobs(dashboard)) == 2
    async with dashboard.database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
    await enqueue_backfill_chunk(dashboard.database, chunk=2, ahead=2)
    assert len(await jobs(dashboard)) == 4


async def test_progress_says_when_it_may_end(dashboard: CampaignDashboard) -> None:
    await dashboard.save(*(registration_for(number) for number in range(4)))
    await dashboard.http.post(BACKFILL, json={})
    await enqueue_backfill_chunk(dashboard.database)
    async with dashboard.database.system() as session:
        done = SyncJob.registration_id < "reg_00002"
        await session.execute(update(SyncJob).where(done).values(state="synced"))
    view = (await dashboard.http.get(PATH.replace("/campaign", "/stats"))).json()["backfill"]
    assert (view["done"], view["to_go"], view["estimated_end_at"] is not None) == (2, 2, True)
    async with dashboard.database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
    assert await finish_backfills(dashboard.database) == 1
