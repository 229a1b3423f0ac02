"""Saving a mapping sets going again what failed for how things were set up, and nothing else."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.models import BACKFILL, DescribeCache, SyncJob
from tests.api.field_mapping.dashboard import EVENT, HOST, Studio, told
from tests.factories_events import event_for, job_for, registration_for

STATS = "/v1/hosts/host_a/events/{}/salesforce/stats"
ERROR = {"class": "configuration", "error_code": "OPTION_NOT_MAPPED", "message": "No.", "object": "Lead"}


async def failed(studio: Studio, number: int, *, event_id: str = "evt_otters", **changes: Any) -> None:
    """A row of the connected org that failed for how things are set up."""
    values: dict[str, Any] = {
        "state": "failed",
        "org_id": studio.rig.org.org_id,
        "error_class": "configuration",
        "error_code": "OPTION_NOT_MAPPED",
        "group_id": "g_otter",
        "error": ERROR,
        "attempts": 3,
        "priority": 0,
        "due_at": func.clock_timestamp(),
        "event_id": event_id,
    }
    async with studio.rig.database.system() as session:
        await session.merge(event_for(event_id=event_id))
        await session.flush()
        session.add(registration_for(number, event_id=event_id))
        await session.flush()
        session.add(job_for(number, **(values | changes)))


async def job(studio: Studio, number: int) -> SyncJob:
    async with studio.rig.database.system() as session:
        return await session.get_one(SyncJob, ("host_a", f"reg_{number:05}"))


async def counts(studio: Studio, event_id: str = "evt_otters") -> tuple[int, int, int]:
    """Failed, pending, groups."""
    stats = told(await studio.http.get(STATS.format(event_id)))
    return stats["counts"]["failed"], stats["counts"]["pending"], len(stats["groups"])


async def test_saving_queues_what_failed_by_configuration_below_live_work(studio: Studio) -> None:
    await failed(studio, 1)
    await failed(studio, 2)
    assert await counts(studio) == (2, 0, 1)
    saved = await studio.put({"people": {"create": "contact"}})
    assert saved["retried"] == 2
    assert await counts(studio) == (0, 2, 0)
    queued = await job(studio, 1)
    assert (queued.state, queued.priority, queued.reason, queued.requested_by) == (
        "pending", BACKFILL, "retry", "user_17",
    )  # fmt: skip
    assert (queued.attempts, queued.requested_version) == (0, 2)
    [(_, details)] = await studio.actions()
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
async def test_other_rows_stay_as_they_are(studio: Studio, changes: dict[str, Any]) -> None:
    await failed(studio, 1, **changes)
    before = await job(studio, 1)
    assert (await studio.put({"people": {"create": "contact"}}))["retried"] == 0
    after = await job(studio, 1)
    assert (after.state, after.change_no) == (before.state, before.change_no)


async def test_saving_an_event_queues_its_own_rows_only(studio: Studio) -> None:
    await failed(studio, 1)
    await failed(studio, 2, event_id="evt_next")
    assert (await studio.put({"people": {"create": "contact"}}, EVENT))["retried"] == 1
    assert ((await job(studio, 1)).state, (await job(studio, 2)).state) == ("pending", "failed")
    assert await counts(studio, "evt_next") == (1, 0, 1)


async def test_saving_without_a_change_tries_again_too(studio: Studio) -> None:
    await studio.put({})
    await failed(studio, 1)
    assert (await studio.put({}))["retried"] == 1
    assert [details["changed"] for _, details in await studio.actions()] == [[]]


async def test_validating_and_reading_queue_nothing(studio: Studio) -> None:
    await failed(studio, 1)
    await studio.validate({"people": {"create": "contact"}})
    await studio.get()
    assert (await job(studio, 1)).state == "failed"


async def test_clearing_and_copying_save_too(studio: Studio) -> None:
    await failed(studio, 1)
    assert told(await studio.http.delete(EVENT))["retried"] == 1
    async with studio.rig.database.system() as session:
        await session.execute(update(SyncJob).values(state="failed"))
    copied = await studio.http.post(f"{HOST}/copy", json={"from_host_id": "host_b"})
    assert told(copied)["retried"] == 1


async def test_saving_asks_the_org_anew_before_rows_are_tried_again(studio: Studio) -> None:
    await studio.get()
    async with studio.rig.database.system() as session:
        first = await session.scalar(select(func.min(DescribeCache.fetched_at)))
    await studio.put({})
    async with studio.rig.database.system() as session:
        oldest = await session.scalar(select(func.min(DescribeCache.fetched_at)))
    assert first is not None
    assert oldest is not None
    assert oldest > first


async def test_row_that_failed_for_an_option_is_written_once_the_mapping_has_it(studio: Studio) -> None:
    rule = {
        "object": "Lead",
        "field": "Diet__c",
        "from": "answers.diet",
        "values": {"vegetarian": "Vegetarian"},
    }
    await studio.put({"fields": [rule]})
    await studio.synced(answers=[{"key": "diet", "label": "Food", "value": "plants"}])
    assert await counts(studio) == (1, 0, 1)
    [group] = told(await studio.http.get(STATS.format("evt_otters")))["groups"]
    assert (group["class"], group["error_code"], group["fields"]) == (
        "configuration", "OPTION_NOT_MAPPED", ["Diet__c"],
    )  # fmt: skip
    saved = await studio.put({"fields": [{**rule, "otherwise": "Vegan"}]})
    assert saved["retried"] == 1
    await studio.rig.drain()
    assert await counts(studio) == (0, 0, 0)
    assert [lead["Diet__c"] for lead in await studio.rig.records("Lead")] == ["Vegan"]


async def test_value_that_was_added_in_salesforce_is_taken_after_saving_again(studio: Studio) -> None:
    layer = {"fields": [{"object": "Lead", "field": "Diet__c", "from": "answers.diet"}]}
    await studio.put(layer)
    await studio.synced(answers=[{"key": "diet", "label": "Food", "value": "Pescetarian"}])
    assert await counts(studio) == (1, 0, 1)
    more = ["Diet__c | picklist(255) | CUNR | Diet | Vegetarian; Vegan; None; Pescetarian"]
    await studio.rig.org.configure(extra_fields={"Lead": more})
    assert (await studio.put(layer))["retried"] == 1
    await studio.rig.drain()
    assert [lead["Diet__c"] for lead in await studio.rig.records("Lead")] == ["Pescetarian"]
