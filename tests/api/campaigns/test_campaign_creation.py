"""Creating campaigns: requested by the API, created by a worker exactly once, with statuses where allowed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text, update

from app.campaigns.campaign_creation import create_campaigns
from app.campaigns.creation_requests import request_missing_campaigns
from app.campaigns.date_sync import sync_campaign_dates
from app.config.settings import Settings, Times
from app.connections.service import open_client
from app.main import open_resources
from app.models import Backfill, CampaignLink, Connection, Event, Host
from tests.api.answers import problem
from tests.api.campaigns.dashboard import PATH, STATUSES, CampaignDashboard
from tests.factories import NOW
from tests.factories_events import event_for, registration_for
from workers.periodic_tasks import follow_events, process_campaigns

SOON = datetime.now(UTC) + timedelta(days=30)
ROOMY = Times()


@pytest.fixture
def worker_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"times": ROOMY})


async def work(dashboard: CampaignDashboard, settings: Settings, *, rounds: int = 1) -> None:
    """What a worker's chore does, `rounds` times, each when it is due."""
    async with open_resources(settings, transport=dashboard.org.transport) as resources:
        for _ in range(rounds):
            await create_campaigns(resources)
            await pass_time(dashboard, 1000)


async def pass_time(dashboard: CampaignDashboard, seconds: int) -> None:
    moved = ", ".join(
        f"{name} = {name} - CAST(:by AS interval)" for name in ("creation_due_at", "creation_started_at")
    )
    async with dashboard.database.system() as session:
        await session.execute(text(f"UPDATE campaign_links SET {moved}"), {"by": timedelta(seconds=seconds)})


async def upcoming(dashboard: CampaignDashboard, **changes: Any) -> None:
    values = {"starts_at": SOON, "ends_at": SOON + timedelta(hours=2), "timezone": "Europe/Berlin"} | changes
    async with dashboard.database.system() as session:
        await session.execute(update(Event).values(**values))


async def create(dashboard: CampaignDashboard, **body: Any) -> Any:
    return await dashboard.http.post(f"{PATH}/create", json=body)


async def campaigns(dashboard: CampaignDashboard) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = (await dashboard.org.control.get("/records/Campaign")).json()["records"]
    return records


async def link(dashboard: CampaignDashboard) -> Any:
    return (await dashboard.http.get(PATH)).json()


async def test_asking_answers_at_once_and_calls_nobody(dashboard: CampaignDashboard) -> None:
    await upcoming(dashboard)
    answer = await create(dashboard)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["state"], view["campaign"]["id"], view["campaign"]["name"]) == (
        "creating", None, "Otter Summit",
    )  # fmt: skip
    assert dashboard.probe.sent == 0
    assert [action for action, _ in await dashboard.actions()] == ["salesforce.campaign_asked_for"]


async def test_worker_makes_the_campaign_with_its_statuses_and_links_it(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard, kind="webinar")
    await dashboard.save(registration_for(1))
    await create(dashboard)
    await work(dashboard, worker_settings)
    view = await link(dashboard)
    assert (view["state"], view["is_created_by_us"], view["problem"]) == ("linked", True, None)
    assert view["statuses"] == {
        "registered": "Registered", "attended": "Attended", "cancelled": "Cancelled", "no_show": "No-show",
        "replay_watched": "Watched replay",
    }  # fmt: skip
    assert view["backfill"]["why"] == "link"
    [campaign] = await campaigns(dashboard)
    day = SOON.astimezone().date()
    assert (campaign["Type"], campaign["IsActive"], campaign["Id"]) == (
        "Webinar",
        True,
        view["campaign"]["id"],
    )
    assert abs((datetime.fromisoformat(campaign["StartDate"]).date() - day).days) <= 1
    statuses = (await dashboard.org.control.get("/records/CampaignMemberStatus")).json()["records"]
    assert [each["Label"] for each in statuses if each["IsDefault"]] == ["Registered"]
    assert {each["Label"] for each in statuses if each["HasResponded"]} == {
        "Responded", "Attended", "Watched replay",
    }  # fmt: skip


async def test_what_is_given_wins_over_the_event(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(
        dashboard, name="Pond party", type="Conference", start_date="2030-01-02", end_date="2030-01-03"
    )
    await work(dashboard, worker_settings)
    [campaign] = await campaigns(dashboard)
    assert [campaign[name] for name in ("Name", "Type", "StartDate", "EndDate")] == [
        "Pond party", "Conference", "2030-01-02", "2030-01-03",
    ]  # fmt: skip


async def test_org_that_takes_no_statuses_gets_the_campaigns_own_and_a_warning(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await dashboard.org.configure(is_member_status_createable=False)
    await upcoming(dashboard)
    await create(dashboard)
    await work(dashboard, worker_settings)
    view = await link(dashboard)
    assert (view["state"], view["problem"]["code"]) == ("linked", "member_statuses_not_created")
    assert view["statuses"] == {
        "registered": "Sent", "attended": "Responded", "cancelled": None, "no_show": None,
        "replay_watched": None,
    }  # fmt: skip
    campaign_id = view["campaign"]["id"]
    chosen = await dashboard.link(campaign_id, {"registered": "Sent", "attended": "Responded"})
    assert chosen.json()["problem"] is None


async def test_what_would_be_created_is_said_before(dashboard: CampaignDashboard) -> None:
    await upcoming(dashboard, kind="webinar", title="Otters by night")
    said = (await dashboard.http.get(PATH + "/proposal")).json()
    assert (said["name"], said["type"], said["can_create"]) == ("Otters by night", "Webinar", True)
    assert said["start_date"] == SOON.astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    assert (said["org"], said["statuses"][0]) == ("Otter Events", "Registered")
    assert (await dashboard.org.calls())["total"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "reset_after_write"}, id="written, answer lost"),
        pytest.param({"kind": "reset_before_write"}, id="not written, answer lost"),
        pytest.param({"kind": "error", "status": 503}, id="unavailable"),
        pytest.param({"kind": "truncate"}, id="answer cut off"),
    ],
)
async def test_trouble_on_the_way_still_makes_one_campaign(
    dashboard: CampaignDashboard, worker_settings: Settings, fault: dict[str, Any]
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    await dashboard.org.fault(**fault, match={"is_write": True})
    await work(dashboard, worker_settings, rounds=4)
    assert (await link(dashboard))["state"] == "linked"
    assert len(await campaigns(dashboard)) == 1


async def test_lost_create_is_not_sent_again_before_the_quiet_time_is_over(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    await dashboard.org.fault("reset_before_write", match={"is_write": True})
    async with open_resources(worker_settings, transport=dashboard.org.transport) as resources:
        await create_campaigns(resources)
        await pass_time(dashboard, 600)
        await create_campaigns(resources)
        assert await campaigns(dashboard) == []
        await pass_time(dashboard, 600)
        await create_campaigns(resources)
    assert len(await campaigns(dashboard)) == 1


async def test_worker_that_died_between_create_and_link_is_followed_by_another(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    await dashboard.org.fault("error", status=503, skip=1)
    await work(dashboard, worker_settings)
    assert ((await link(dashboard))["state"], len(await campaigns(dashboard))) == ("creating", 1)
    await work(dashboard, worker_settings)
    assert ((await link(dashboard))["state"], len(await campaigns(dashboard))) == ("linked", 1)


async def test_workers_at_once_make_one_campaign(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    await asyncio.gather(*(work(dashboard, worker_settings) for _ in range(3)))
    assert len(await campaigns(dashboard)) == 1


async def test_refusal_is_shown_in_salesforces_words_and_can_be_tried_again(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    rule = {
        "sobject": "Campaign",
        "when": "Name = 'Otter Summit'",
        "message": "Name it properly",
        "field": "Name",
    }
    await dashboard.org.configure(validation_rules=[rule])
    await upcoming(dashboard)
    await create(dashboard)
    await work(dashboard, worker_settings)
    view = await link(dashboard)
    assert (view["state"], view["problem"]["code"]) == ("create_failed", "campaign_create_failed")
    assert view["salesforce"]["message"] == "Name it properly"
    assert (await create(dashboard, name="Proper")).status_code == 201
    await work(dashboard, worker_settings)
    assert (await link(dashboard))["state"] == "linked"


async def test_another_campaign_can_be_linked_after_a_refusal(
    dashboard: CampaignDashboard, campaign_id: str, worker_settings: Settings
) -> None:
    await dashboard.org.configure(read_only_objects=["Campaign"])
    await upcoming(dashboard)
    await create(dashboard)
    await work(dashboard, worker_settings)
    assert (await link(dashboard))["state"] == "create_failed"
    answer = await dashboard.link(campaign_id, STATUSES)
    assert (answer.json()["state"], answer.json()["campaign"]["id"]) == ("linked", campaign_id)
    assert answer.json()["is_created_by_us"] is False


async def test_optional_field_that_the_org_refuses_is_left_out(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await dashboard.org.configure(restricted_picklists={"Campaign.Type": ["Email"]})
    await upcoming(dashboard, kind="webinar")
    await create(dashboard)
    await work(dashboard, worker_settings, rounds=2)
    [campaign] = await campaigns(dashboard)
    assert ((await link(dashboard))["state"], campaign["Type"]) == ("linked", None)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"starts_at": NOW - timedelta(days=9), "ends_at": None}, 409, id="over"),
        pytest.param({"starts_at": None, "ends_at": None}, 409, id="no time"),
        pytest.param({"starts_at": None, "ends_at": None, "kind": "on_demand"}, 201, id="on demand"),
        pytest.param({"is_cancelled": True}, 409, id="cancelled"),
        pytest.param({"starts_at": NOW - timedelta(days=9), "ends_at": SOON}, 201, id="still running"),
    ],
)
async def test_only_what_is_to_come_or_on_demand_gets_a_campaign(
    dashboard: CampaignDashboard, changes: dict[str, Any], status: int
) -> None:
    await upcoming(dashboard, **changes)
    answer = await create(dashboard)
    assert answer.status_code == status
    assert status == 201 or problem(answer) == (409, "EventIsOver")


async def test_linked_or_creating_event_is_locked(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    assert problem(await create(dashboard)) == (409, "CampaignIsLocked")
    assert problem(await dashboard.link(campaign_id)) == (409, "CampaignIsLocked")


async def test_unlinked_while_it_is_created_stays_unlinked(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    assert (await dashboard.http.delete(PATH)).status_code == 200
    await work(dashboard, worker_settings)
    assert await campaigns(dashboard) == []
    assert problem(await dashboard.http.get(PATH)) == (404, "CampaignNotLinked")


async def test_creation_waits_while_the_connection_is_closed(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await create(dashboard)
    async with dashboard.database.system() as session:
        await session.execute(
            update(Connection).values(state="needs_reconnect", reason_code="access_revoked")
        )
    await work(dashboard, worker_settings, rounds=2)
    assert ((await link(dashboard))["state"], await campaigns(dashboard)) == ("creating", [])


async def wants_campaigns(dashboard: CampaignDashboard, since: datetime) -> None:
    settings = {"automatic_campaigns_since": since.isoformat()}
    await dashboard.save(Host(host_id="host_a", settings=settings))


async def test_new_event_gets_its_campaign_by_itself_once(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await upcoming(dashboard)
    await wants_campaigns(dashboard, NOW - timedelta(days=9))
    assert await request_missing_campaigns(dashboard.database) == 1
    await work(dashboard, worker_settings)
    assert (await link(dashboard))["linked_by"] == "automatic"
    await dashboard.http.delete(PATH)
    assert await request_missing_campaigns(dashboard.database) == 0


@pytest.mark.parametrize(
    ("event", "since"),
    [
        pytest.param({}, datetime.now(UTC) + timedelta(hours=1), id="known before it was switched on"),
        pytest.param(
            {"starts_at": NOW - timedelta(days=9), "ends_at": None}, NOW - timedelta(days=9), id="over"
        ),
        pytest.param({"is_cancelled": True}, NOW - timedelta(days=9), id="cancelled"),
        pytest.param({"has_had_link": True}, NOW - timedelta(days=9), id="unlinked once"),
    ],
)
async def test_event_gets_no_campaign_unasked(
    dashboard: CampaignDashboard, event: dict[str, Any], since: datetime
) -> None:
    await upcoming(dashboard, **event)
    await wants_campaigns(dashboard, since)
    assert await request_missing_campaigns(dashboard.database) == 0


async def test_host_that_did_not_ask_gets_none(dashboard: CampaignDashboard) -> None:
    await upcoming(dashboard)
    await dashboard.save(Host(host_id="host_a"))
    assert await request_missing_campaigns(dashboard.database) == 0
    assert await dashboard.rows(CampaignLink) == []


async def test_set_up_is_copied_from_another_event(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.save(event_for(event_id="evt_next"), registration_for(9, event_id="evt_next"))
    await dashboard.link(campaign_id)
    path = PATH.replace("evt_otters", "evt_next")
    answer = await dashboard.http.post(f"{path}/copy", json={"from_event_id": "evt_otters"})
    assert answer.status_code == 201
    copied = answer.json()
    assert (copied["campaign"]["id"], copied["statuses"]["no_show"]) == (campaign_id, "No Show")
    assert [row.event_id for row in await dashboard.rows(Backfill)] == ["evt_next"]


async def test_statuses_are_copied_to_another_campaign(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(event_for(event_id="evt_next"))
    await dashboard.link(campaign_id)
    other = await dashboard.org.campaign("Next", labels=("Registered", "Attended*", "No Show"))
    path = PATH.replace("evt_otters", "evt_next")
    body = {"from_event_id": "evt_otters", "campaign_id": other}
    assert (await dashboard.http.post(f"{path}/copy", json=body)).json()["campaign"]["id"] == other


async def test_nothing_can_be_copied_from_an_event_without_a_campaign(dashboard: CampaignDashboard) -> None:
    await dashboard.save(event_for(event_id="evt_next"))
    answer = await dashboard.http.post(f"{PATH}/copy", json={"from_event_id": "evt_next"})
    assert problem(answer) == (404, "CampaignNotLinked")


async def made(dashboard: CampaignDashboard, settings: Settings, **body: Any) -> None:
    await upcoming(dashboard, timezone="UTC")
    await create(dashboard, **body)
    await work(dashboard, settings)


async def move_event(dashboard: CampaignDashboard, by: timedelta) -> tuple[str, str]:
    """The event takes place later; its new days."""
    starts_at = SOON + by
    async with dashboard.database.system() as session:
        await session.execute(
            update(Event).values(starts_at=starts_at, ends_at=starts_at, snapshot_at=Event.snapshot_at + by)
        )
    return starts_at.date().isoformat(), starts_at.date().isoformat()


async def follow(dashboard: CampaignDashboard, settings: Settings) -> int:
    async with open_resources(settings, transport=dashboard.org.transport) as resources:
        return await sync_campaign_dates(resources)


async def days(dashboard: CampaignDashboard) -> tuple[str, str]:
    [campaign] = await campaigns(dashboard)
    return campaign["StartDate"], campaign["EndDate"]


async def test_dates_of_our_own_campaign_follow_the_event(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await made(dashboard, worker_settings)
    assert await follow(dashboard, worker_settings) == 0
    for _ in range(2):
        expected = await move_event(dashboard, timedelta(days=7))
        assert await follow(dashboard, worker_settings) == 1
        assert await days(dashboard) == expected
    assert await follow(dashboard, worker_settings) == 0


async def test_dates_follow_in_a_task_of_their_own(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    """Its search reads the links of all campaigns that we created: too much for every two seconds."""
    await made(dashboard, worker_settings)
    before, expected = await days(dashboard), await move_event(dashboard, timedelta(days=7))
    async with open_resources(worker_settings, transport=dashboard.org.transport) as resources:
        await process_campaigns(resources)
        assert await days(dashboard) == before
        await follow_events(resources)
    assert await days(dashboard) == expected


async def test_dates_edited_in_salesforce_are_left(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await made(dashboard, worker_settings)
    async with open_resources(worker_settings, transport=dashboard.org.transport) as resources:
        client = await open_client(resources, "host_a")
        [campaign] = await campaigns(dashboard)
        await client.update("Campaign", campaign["Id"], {"EndDate": "2040-01-01"})
    before = await days(dashboard)
    await move_event(dashboard, timedelta(days=7))
    assert await follow(dashboard, worker_settings) == 1
    await move_event(dashboard, timedelta(days=14))
    assert await follow(dashboard, worker_settings) == 0
    assert await days(dashboard) == before


async def test_dates_that_were_chosen_do_not_follow(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await made(dashboard, worker_settings, start_date="2030-01-02", end_date="2030-01-03")
    await move_event(dashboard, timedelta(days=7))
    assert (await follow(dashboard, worker_settings), await days(dashboard)) == (
        0,
        ("2030-01-02", "2030-01-03"),
    )


async def test_dates_wait_while_salesforce_is_away(
    dashboard: CampaignDashboard, worker_settings: Settings
) -> None:
    await made(dashboard, worker_settings)
    expected = await move_event(dashboard, timedelta(days=7))
    await dashboard.org.fault("error", status=503)
    await follow(dashboard, worker_settings)
    assert await days(dashboard) != expected
    await follow(dashboard, worker_settings)
    assert await days(dashboard) == expected


@pytest.mark.parametrize("hidden", [["Type"], ["StartDate"], ["Description"], ["Type", "Description"]])
async def test_a_hidden_field_is_left_out_of_the_campaign(
    dashboard: CampaignDashboard, worker_settings: Settings, hidden: list[str]
) -> None:
    await dashboard.org.configure(hidden_fields={"Campaign": hidden})
    await upcoming(dashboard, kind="webinar")
    await create(dashboard)
    await work(dashboard, worker_settings, rounds=4)
    view = await link(dashboard)
    assert (view["state"], view["problem"]) == ("linked", None)
    assert [each["Name"] for each in await campaigns(dashboard)] == ["Otter Summit"]


@pytest.mark.parametrize("kind", ["reset_before_write", "reset_after_write"])
async def test_without_the_description_a_lost_campaign_is_found_by_name_and_time(
    dashboard: CampaignDashboard, worker_settings: Settings, kind: str
) -> None:
    await dashboard.org.configure(hidden_fields={"Campaign": ["Description"]})
    await upcoming(dashboard)
    await create(dashboard)
    await work(dashboard, worker_settings)
    await dashboard.org.fault(kind, match={"is_write": True})
    await work(dashboard, worker_settings)
    assert (await link(dashboard))["state"] == "creating"
    await work(dashboard, worker_settings, rounds=4)
    assert (await link(dashboard))["state"] == "linked"
    assert [each["Name"] for each in await campaigns(dashboard)] == ["Otter Summit"]
