"""Linking and changing a link: one call to Salesforce, one link, one backfill."""

import asyncio

from sqlalchemy import update

from app.campaigns.backfill import enqueue_backfill_chunk
from app.models import Backfill, CampaignLink, Connection, SyncJob
from tests.api.answers import problem
from tests.api.campaigns.dashboard import LABELS, PATH, STATUSES, CampaignDashboard, link_for
from tests.factories_events import registration_for


async def test_first_link_answers_201_and_starts_a_backfill(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1), registration_for(2))
    answer = await dashboard.link(campaign_id)
    assert answer.status_code == 201
    link = answer.json()
    assert link == (await dashboard.http.get(PATH)).json()
    backfill = link.pop("backfill")
    assert link.pop("linked_at").endswith("Z")
    assert link == {
        "state": "linked",
        "problem": None,
        "salesforce": None,
        "campaign": {
            "object": "Campaign",
            "id": campaign_id,
            "url": f"http://127.0.0.1:8100/{campaign_id}",
            "name": "Otter Summit",
            "is_active": True,
        },
        "org_id": dashboard.org.org_id,
        "is_created_by_us": False,
        "statuses": {**STATUSES, "cancelled": None, "replay_watched": None},
        "available_statuses": ["Sent", "Responded", "Registered", "Attended", "No Show"],
        "linked_by": "user_17",
        "version": 1,
    }
    assert (backfill["why"], backfill["state"], backfill["total"], backfill["to_go"]) == (
        "link",
        "running",
        2,
        2,
    )
    assert backfill["estimated_end_at"] is None


async def test_linking_inserts_no_jobs_in_the_request(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.save(registration_for(1))
    await dashboard.link(campaign_id)
    assert await dashboard.rows(SyncJob) == []
    assert await enqueue_backfill_chunk(dashboard.database) == {dashboard.org.org_id}
    assert [job.reason for job in await dashboard.rows(SyncJob)] == ["link"]


async def test_linking_an_event_without_registrations_needs_no_backfill(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    assert (await dashboard.link(campaign_id)).json()["backfill"] is None


async def test_linking_is_audited(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.link(campaign_id)
    [(action, details)] = await dashboard.actions()
    assert action == "salesforce.campaign_linked"
    assert (details["campaign_id"], details["event_id"]) == (campaign_id, "evt_otters")


async def test_linking_asks_salesforce_outside_of_transactions(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.link(campaign_id)
    assert (dashboard.probe.sent, dashboard.probe.open_transactions) == (1, [])


async def test_changed_statuses_answer_200_and_queue_nothing(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1))
    await dashboard.link(campaign_id)
    await enqueue_backfill_chunk(dashboard.database)
    answer = await dashboard.link(campaign_id, STATUSES | {"registered": "Sent"})
    assert answer.status_code == 200
    link = answer.json()
    assert (link["statuses"]["registered"], link["version"]) == ("Sent", 2)
    assert link["backfill"]["why"] == "link"
    assert [job.requested_version for job in await dashboard.rows(SyncJob)] == [1]
    action, details = (await dashboard.actions())[-1]
    assert action == "salesforce.campaign_statuses_changed"
    assert (details["before"]["registered"], details["statuses"]["registered"]) == ("Registered", "Sent")


async def test_changed_statuses_are_reapplied_when_asked(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1), registration_for(2))
    await dashboard.link(campaign_id)
    await enqueue_backfill_chunk(dashboard.database, chunk=1)
    answer = await dashboard.link(campaign_id, STATUSES | {"registered": "Sent"}, reapply=True)
    assert answer.status_code == 200
    backfill = answer.json()["backfill"]
    assert (backfill["why"], backfill["total"], backfill["to_go"]) == ("reapply", 2, 2)
    await enqueue_backfill_chunk(dashboard.database)
    assert {job.reason for job in await dashboard.rows(SyncJob)} == {"reapply"}


async def test_same_link_again_changes_nothing(dashboard: CampaignDashboard, campaign_id: str) -> None:
    first = (await dashboard.link(campaign_id)).json()
    answer = await dashboard.link(campaign_id)
    assert (answer.status_code, answer.json()) == (200, first)
    assert len(await dashboard.actions()) == 1


async def test_campaign_renamed_in_salesforce_is_shown_by_its_new_name(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.link(campaign_id)
    async with dashboard.database.system() as session:
        await session.execute(update(CampaignLink).values(campaign_name="Old name"))
    link = (await dashboard.link(campaign_id)).json()
    assert (link["campaign"]["name"], link["version"]) == ("Otter Summit", 2)


async def test_another_id_is_locked_out(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.link(campaign_id)
    other = await dashboard.org.campaign(labels=LABELS)
    sent = dashboard.probe.sent
    answer = await dashboard.link(other)
    assert problem(answer) == (409, "CampaignIsLocked")
    assert answer.json()["title"] == (
        "The Campaign Id is locked. Unlink first, then link the new Campaign Id."
    )
    assert dashboard.probe.sent == sent


async def test_unknown_status_is_named(dashboard: CampaignDashboard, campaign_id: str) -> None:
    answer = await dashboard.link(campaign_id, STATUSES | {"attended": "Atended"})
    assert problem(answer) == (400, "StatusUnknown")
    assert '"Atended"' in answer.json()["detail"]
    assert '"No Show"' in answer.json()["detail"]
    assert await dashboard.rows(CampaignLink) == []


async def test_incomplete_statuses_are_refused(dashboard: CampaignDashboard, campaign_id: str) -> None:
    answer = await dashboard.link(campaign_id, {"registered": "Registered"})
    assert problem(answer) == (400, "StatusesIncomplete")
    assert answer.json()["errors"] == [{"path": "statuses.attended", "message": "is not chosen"}]


async def test_unknown_meaning_is_a_wrong_shape(dashboard: CampaignDashboard, campaign_id: str) -> None:
    answer = await dashboard.link(campaign_id, STATUSES | {"noshow": "No Show"})
    assert problem(answer) == (422, "PayloadInvalid")


async def test_two_links_at_once_make_one(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.save(registration_for(1))
    answers = await asyncio.gather(dashboard.link(campaign_id), dashboard.link(campaign_id))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len(await dashboard.rows(CampaignLink)) == 1
    assert len(await dashboard.rows(Backfill)) == 1
    assert len(await dashboard.actions()) == 1


async def test_two_campaigns_at_once_link_one(dashboard: CampaignDashboard, campaign_id: str) -> None:
    other = await dashboard.org.campaign(labels=LABELS)
    answers = await asyncio.gather(dashboard.link(campaign_id), dashboard.link(other))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await dashboard.rows(CampaignLink)) == 1


async def test_connection_that_moved_meanwhile_links_nothing(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    async def somebody_connects_another_org() -> None:
        async with dashboard.database.system() as session:
            await session.execute(update(Connection).values(org_id="00D5g0000000009EAA"))

    dashboard.probe.meanwhile = somebody_connects_another_org
    assert problem(await dashboard.link(campaign_id)) == (503, "SalesforceUnavailable")
    assert await dashboard.rows(CampaignLink) == []


async def test_campaign_linked_meanwhile_locks_the_id(dashboard: CampaignDashboard, campaign_id: str) -> None:
    async def somebody_links_another_campaign() -> None:
        await dashboard.save(link_for("evt_otters", "7015g0000000999AAA", dashboard.org.org_id))

    dashboard.probe.meanwhile = somebody_links_another_campaign
    assert problem(await dashboard.link(campaign_id)) == (409, "CampaignIsLocked")
