"""What the platform is notified of by the engine and the chores: each fact where it becomes true, once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from app.campaigns.backfill import cancel_backfill, enqueue_backfill_chunk, finish_backfills, start_backfill
from app.config.settings import Settings
from app.connections.tokens.connection_state import reopen
from app.connections.tokens.probe import probe_closed
from app.infrastructure.database import Database
from app.models import CampaignLink, Connection, SyncJob
from app.models.sync import OrgLease
from app.notifications.review import forget_conditions, review_conditions
from app.preflight.service import run_preflight
from app.sync.jobs import leases
from app.sync.model.retry_policy import MAX_WORKER_CRASHES
from tests.factories_events import event_for
from tests.integration.sync.conftest import EVENT, HOST, Rig, opened_rig
from tests.notified import notified, types

TITLE = "Otters' Annual Dinner With Rita"
OTHER_ORG = "00D5g000004XyZbEAK"


@pytest.fixture
async def rig(database: Database, settings: Settings) -> AsyncIterator[Rig]:
    """The rig of a service with NOTIFY_URL."""
    changes = {"notify_url": "https://platform.example/hooks"}
    async with opened_rig(database, settings.model_copy(update=changes)) as rig:
        yield rig


async def review(rig: Rig) -> None:
    await review_conditions(rig.resources.database)


async def fails(rig: Rig, number: int, **changes: Any) -> str:
    """Register somebody whose company is refused; the row fails."""
    await rig.org.configure(hidden_objects=["Lead"])
    reg = await rig.registered(number, **changes)
    await rig.drain()
    assert (await rig.job(reg)).state == "failed"
    return reg


async def mend(rig: Rig, *regs: str) -> None:
    await rig.org.configure(hidden_objects=[])
    async with rig.database.system() as session:
        await session.execute(text("DELETE FROM describe_cache"))
    for reg in regs:
        await rig.requeue(reg, reason="retry")
        await review(rig)
    await rig.drain()


GROUP = {"class": "configuration", "error_code": "INVALID_TYPE"}


async def test_an_event_without_trouble_is_no_news(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await review(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert await notified(rig.database) == []


async def test_failures_of_an_event_start_once_and_are_cleared_once_all_is_written(rig: Rig) -> None:
    regs = [await fails(rig, 1, attendee={"name": TITLE, "email": "rita@otter.example"})]
    regs.append(await fails(rig, 2))
    await review(rig)
    [(type_, event_id, data)] = await notified(rig.database)
    assert (type_, event_id) == ("event.failures_started", EVENT)
    assert data == {"groups": [{**GROUP, "count": 1}]}
    # A retry that is under way has cleared nothing yet.
    await mend(rig, *regs)
    assert await types(rig.database) == ["event.failures_started"]
    await review(rig)
    await review(rig)
    assert [each[0] for each in await notified(rig.database)] == [
        "event.failures_started",
        "event.failures_cleared",
    ]
    assert (await notified(rig.database))[1][1:] == (EVENT, {"groups": []})


async def test_failures_that_go_on_are_no_news_and_each_event_has_its_own(rig: Rig) -> None:
    async with rig.database.system() as session:
        session.add(event_for(event_id="evt_2"))
    for number in (1, 2):
        await fails(rig, number)
    await fails(rig, 3, event_id="evt_2")
    assert [(type_, event_id) for type_, event_id, _ in await notified(rig.database)] == [
        ("event.failures_started", EVENT),
        ("event.failures_started", "evt_2"),
    ]


async def test_a_failure_soon_after_all_was_cleared_is_news_after_an_hour(rig: Rig) -> None:
    await mend(rig, await fails(rig, 1))
    await review(rig)
    await fails(rig, 2)
    await review(rig)
    started, cleared = "event.failures_started", "event.failures_cleared"
    assert await types(rig.database) == [started, cleared]
    async with rig.database.system() as session:
        moved = "UPDATE notified_conditions SET changed_at = changed_at - interval '61 minutes'"
        await session.execute(text(moved))
    await review(rig)
    await review(rig)
    assert await types(rig.database) == [started, cleared, started]


async def test_failures_that_are_given_up_are_cleared(rig: Rig) -> None:
    await fails(rig, 1)
    async with rig.database.system() as session:
        await session.execute(update(SyncJob).values(state="skipped", error_class=None))
    await review(rig)
    assert await types(rig.database) == ["event.failures_started", "event.failures_cleared"]


async def test_a_row_that_took_its_workers_with_it_is_a_failure_of_its_event(rig: Rig) -> None:
    reg = await rig.registered(1)
    running = {"state": "running", "fence": 1, "worker_crashes": MAX_WORKER_CRASHES - 1, "running_version": 1}
    async with rig.database.system() as session:
        session.add(OrgLease(org_id=rig.org.org_id, owner="dead", fence=1))
        await session.execute(update(SyncJob).values(**running))
        await session.execute(
            text(
                "INSERT INTO written_records (host_id, org_id, registration_id, slot, state, action, sobject)"
                " VALUES (:host, :org, :reg, 'person', 'intended', 'create', 'Lead')"
            ),
            {"host": HOST, "org": rig.org.org_id, "reg": reg},
        )
    async with rig.resources.database.system() as session:
        await leases.recover_running_jobs(session, rig.org.org_id, is_crash=True)
    assert (await rig.job(reg)).state == "failed"
    assert [each[:2] for each in await notified(rig.database)] == [("event.failures_started", EVENT)]


async def test_a_connection_that_salesforce_ends_is_news_with_what_waits_and_so_is_its_return(
    rig: Rig,
) -> None:
    for number in (1, 2):
        await rig.registered(number)
    await rig.org.configure(is_api_enabled=False)
    await rig.drain()
    assert await notified(rig.database) == [
        ("connection.needs_reconnect", None, {"reason": "api_disabled", "waiting": 2})
    ]
    await rig.org.configure(is_api_enabled=True)
    await probe_closed(rig.resources)
    assert (await notified(rig.database))[1:] == [("connection.restored", None, {"waiting": 2})]
    async with rig.resources.database.tenant(HOST) as session:
        assert await reopen(session, HOST) is None
    assert len(await notified(rig.database)) == 2


async def test_problems_of_access_come_and_go_with_their_field(rig: Rig) -> None:
    await rig.org.configure(hidden_fields={"Lead": ["Email"]})
    for number in (1, 2):
        await rig.registered(number)
        await rig.drain()
    about = {"problem": "email_not_searchable", "object": "Lead", "field": "Email"}
    assert await notified(rig.database) == [("connection.problem", None, about)]
    await rig.org.configure(hidden_fields={"Lead": []})
    await run_preflight(rig.resources, HOST)
    assert (await notified(rig.database))[1:] == [("connection.problem_solved", None, about)]


async def test_a_campaign_that_is_gone_is_news_once(rig: Rig) -> None:
    gone = "701000000000001AAA"
    await rig.link(gone)
    for number in (1, 2):
        await rig.registered(number)
        await rig.drain()
    assert await notified(rig.database) == [("campaign.broken", EVENT, {"campaign_id": gone})]


async def test_campaigns_that_another_org_lacks_are_broken_and_restored_with_the_first_org(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    async with rig.database.system() as session:
        await session.execute(update(CampaignLink).values(org_id=OTHER_ORG, campaign_id="701000000000001AAA"))
    for _ in range(2):
        await run_preflight(rig.resources, HOST)
    broken = ("campaign.broken", EVENT, {"campaign_id": "701000000000001AAA"})
    assert await notified(rig.database) == [broken]
    async with rig.database.system() as session:
        await session.execute(update(CampaignLink).values(campaign_id=campaign_id))
    for _ in range(2):
        await run_preflight(rig.resources, HOST)
    assert await notified(rig.database) == [
        broken,
        ("campaign.restored", EVENT, {"campaign_id": campaign_id}),
    ]


async def test_a_budget_stops_and_resumes_as_the_card_says(rig: Rig) -> None:
    await rig.org.configure(api_limit={"max": 10_000, "used": 9_000})
    await rig.registered(1)
    for _ in range(2):
        await rig.drain()
        await review(rig)
        await rig.pass_time(1_000)
    [(type_, event_id, data)] = await notified(rig.database)
    assert (type_, event_id, data["limit"], data["stop_at"]) == ("budget.stopped", None, 10_000, 8_000)
    assert data["used"] >= 9_000
    assert data["resumes_at"].endswith("Z")
    await review(rig)
    assert len(await notified(rig.database)) == 1
    await rig.org.configure(api_limit={"max": 10_000, "used": 500})
    await rig.drain()
    for _ in range(2):
        await review(rig)
    [_, (type_, _, data)] = await notified(rig.database)
    assert (type_, data["resumes_at"], data["stop_at"]) == ("budget.resumed", None, 8_000)


async def backfill(rig: Rig, *, is_cancelled: bool = False) -> str:
    async with rig.resources.database.tenant(HOST) as session:
        started = await start_backfill(
            session, HOST, EVENT, org_id=rig.org.org_id, reason="request", requested_by="user_17"
        )
        assert started is not None
        if is_cancelled:
            await cancel_backfill(session, HOST, EVENT)
    while await enqueue_backfill_chunk(rig.resources.database):
        pass
    await rig.drain()
    for _ in range(2):
        await finish_backfills(rig.resources.database)
    return started.backfill_id


async def test_a_backfill_is_finished_once_and_a_cancelled_one_never(rig: Rig) -> None:
    await rig.registered(1)
    await rig.drain()
    data = {"backfill_id": await backfill(rig), "done": 1, "failed": 0, "skipped": 0}
    await backfill(rig, is_cancelled=True)
    assert await notified(rig.database) == [("backfill.finished", EVENT, data)]


async def test_the_chore_passes_by_an_event_that_a_batch_fails_in_just_now(
    rig: Rig,
) -> None:
    """Whoever holds the condition is not waited for; the next look judges what was committed."""
    await mend(rig, await fails(rig, 1))
    async with rig.database.system() as session:
        await session.execute(text("SELECT FROM notified_conditions FOR UPDATE"))
        failing = asyncio.create_task(fails(rig, 2))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5):
            await review(rig)
    await failing
    assert await types(rig.database) == ["event.failures_started"]


async def test_who_is_no_longer_notified_hears_of_the_next_one_later(rig: Rig) -> None:
    await fails(rig, 1)
    await forget_conditions(rig.resources.database)
    await fails(rig, 2)
    assert await types(rig.database) == ["event.failures_started"] * 2


async def test_no_notification_holds_a_person_or_a_title(rig: Rig) -> None:
    async with rig.database.system() as session:
        await session.execute(text("UPDATE events SET title = :title"), {"title": TITLE})
    await fails(rig, 1, attendee={"name": "Rita Otter", "email": "rita@otter.example", "company": "Holt"})
    await rig.link("701000000000001AAA")
    await rig.org.configure(is_api_enabled=False)
    await rig.registered(2)
    await rig.drain()
    found = str(await notified(rig.database))
    assert len(await notified(rig.database)) == 2
    for secret in ("Rita", "rita@otter.example", "Holt", TITLE, "reg_0000"):
        assert secret not in found


async def test_a_disconnect_ends_nothing_and_the_next_connection_does(rig: Rig) -> None:
    await rig.org.configure(is_api_enabled=False)
    await rig.registered(1)
    await rig.drain()
    async with rig.resources.database.system() as session:
        await session.execute(delete(CampaignLink))
        await session.execute(update(Connection).values(state="disconnected"))
    await review(rig)
    assert await types(rig.database) == ["connection.needs_reconnect"]
