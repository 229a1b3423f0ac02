"""Saving a mapping retries the rows that failed for configuration, and no others."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.models import BACKFILL, DescribeCache, SyncJob
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import EVENT, HOST, MappingDashboard
from tests.factories_events import event_for, job_for, registration_for

STATS = "/v1/hosts/host_a/events/{}/salesforce/stats"
ERROR = {"class": "configuration", "error_code": "OPTION_NOT_MAPPED", "message": "No.", "object": "Lead"}


async def failed(
    dashboard: MappingDashboard, number: int, *, event_id: str = "evt_otters", **changes: Any
) -> None:
    """A row of the connected org that failed for how things are set up."""
    values: dict[str, Any] = {
        "state": "failed",
        "org_id": dashboard.rig.org.org_id,
        "error_class": "configuration",
        "error_code": "OPTION_NOT_MAPPED",
        "group_id": "g_otter",
        "error": ERROR,
        "attempts": 3,
        "priority": 0,
        "due_at": func.clock_timestamp(),
        "event_id": event_id,
    }
    async with dashboard.rig.database.system() as session:
        await session.merge(event_for(event_id=event_id))
        await session.flush()
        session.add(registration_for(number, event_id=event_id))
        await session.flush()
        session.add(job_for(number, **(values | changes)))


async def job(dashboard: MappingDashboard, number: int) -> SyncJob:
    async with dashboard.rig.database.system() as session:
        return await session.get_one(SyncJob, ("host_a", f"reg_{number:05}"))


async def counts(dashboard: MappingDashboard, event_id: str = "evt_otters") -> tuple[int, int, int]:
    """Failed, pending, groups."""
    stats = body_of(await dashboard.http.get(STATS.format(event_id)))
    return stats["counts"]["failed"], stats["counts"]["pending"], len(stats["groups"])


async def test_saving_queues_what_failed_by_configuration_below_live_work(
    dashboard: MappingDashboard,
) -> None:
    await failed(dashboard, 1)
    await failed(dashboard, 2)
    assert await counts(dashboard) == (2, 0, 1)
    saved = await dashboard.put({"people": {"create": "contact"}})
    assert saved["retried"] == 2
    assert await counts(dashboard) == (0, 2, 0)
    queued = await job(dashboard, 1)
    assert (queued.state, queued.priority, queued.reason, queued.requested_by) == (
        "pending", BACKFILL, "retry", "user_17",
    )  # fmt: skip
    assert (queued.attempts, queued.requested_version) == (0, 2)
    [(_, details)] = await dashboard.actions()
    assert details["retried"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"error_class": "data", "error_code": "INVALID_EMAIL_ADDRESS"}, id="data"),
        pytest.param({"error_class": "access"}, id="access"),
        pytest.param({"state": "synced", "error_class": None}, id="synced"),
        pytest.param({"state": "ambiguous"}, id="ambiguous"),
        pytest.param({"state": "running", "running_version": 1}, id="running"),
        pytest.param({"org_id": "00D000000000001AAA"}, id="another-org"),
    ],
)
async def test_other_rows_stay_as_they_are(dashboard: MappingDashboard, changes: dict[str, Any]) -> None:
    await failed(dashboard, 1, **changes)
    before = await job(dashboard, 1)
    assert (await dashboard.put({"people": {"create": "contact"}}))["retried"] == 0
    after = await job(dashboard, 1)
    assert (after.state, after.change_no) == (before.state, before.change_no)


async def test_saving_an_event_queues_its_own_rows_only(dashboard: MappingDashboard) -> None:
    await failed(dashboard, 1)
    await failed(dashboard, 2, event_id="evt_next")
    assert (await dashboard.put({"people": {"create": "contact"}}, EVENT))["retried"] == 1
    assert ((await job(dashboard, 1)).state, (await job(dashboard, 2)).state) == ("pending", "failed")
    assert await counts(dashboard, "evt_next") == (1, 0, 1)


async def test_saving_without_a_change_tries_again_too(dashboard: MappingDashboard) -> None:
    await dashboard.put({})
    await failed(dashboard, 1)
    assert (await dashboard.put({}))["retried"] == 1
    assert [details["changed"] for _, details in await dashboard.actions()] == [[]]


async def test_validating_and_reading_queue_nothing(dashboard: MappingDashboard) -> None:
    await failed(dashboard, 1)
    await dashboard.validate({"people": {"create": "contact"}})
    await dashboard.get()
    assert (await job(dashboard, 1)).state == "failed"


async def test_clearing_and_copying_save_too(dashboard: MappingDashboard) -> None:
    await failed(dashboard, 1)
    assert body_of(await dashboard.http.delete(EVENT))["retried"] == 1
    async with dashboard.rig.database.system() as session:
        await session.execute(update(SyncJob).values(state="failed"))
    copied = await dashboard.http.post(f"{HOST}/copy", json={"from_host_id": "host_b"})
    assert body_of(copied)["retried"] == 1


async def test_saving_refreshes_the_describes_before_rows_are_tried_again(
    dashboard: MappingDashboard,
) -> None:
    await dashboard.get()
    async with dashboard.rig.database.system() as session:
        first = await session.scalar(select(func.min(DescribeCache.fetched_at)))
    await dashboard.put({})
    async with dashboard.rig.database.system() as session:
        oldest = await session.scalar(select(func.min(DescribeCache.fetched_at)))
    assert first is not None
    assert oldest is not None
    assert oldest > first


async def test_row_that_failed_for_an_option_is_written_once_the_mapping_has_it(
    dashboard: MappingDashboard,
) -> None:
    rule = {
        "object": "Lead",
        "field": "Diet__c",
        "from": "answers.diet",
        "values": {"vegetarian": "Vegetarian"},
    }
    await dashboard.put({"fields": [rule]})
    await dashboard.synced(answers=[{"key": "diet", "label": "Food", "value": "plants"}])
    assert await counts(dashboard) == (1, 0, 1)
    [group] = body_of(await dashboard.http.get(STATS.format("evt_otters")))["groups"]
    assert (group["class"], group["error_code"], group["fields"]) == (
        "configuration", "OPTION_NOT_MAPPED", ["Diet__c"],
    )  # fmt: skip
    saved = await dashboard.put({"fields": [{**rule, "otherwise": "Vegan"}]})
    assert saved["retried"] == 1
    await dashboard.rig.drain()
    assert await counts(dashboard) == (0, 0, 0)
    assert [lead["Diet__c"] for lead in await dashboard.rig.records("Lead")] == ["Vegan"]


async def test_value_that_was_added_in_salesforce_is_taken_after_saving_again(
    dashboard: MappingDashboard,
) -> None:
    layer = {"fields": [{"object": "Lead", "field": "Diet__c", "from": "answers.diet"}]}
    await dashboard.put(layer)
    await dashboard.synced(answers=[{"key": "diet", "label": "Food", "value": "Pescetarian"}])
    assert await counts(dashboard) == (1, 0, 1)
    more = ["Diet__c | picklist(255) | CUNR | Diet | Vegetarian; Vegan; None; Pescetarian"]
    await dashboard.rig.org.configure(extra_fields={"Lead": more})
    assert (await dashboard.put(layer))["retried"] == 1
    await dashboard.rig.drain()
    assert [lead["Diet__c"] for lead in await dashboard.rig.records("Lead")] == ["Pescetarian"]
