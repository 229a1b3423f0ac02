"""What is written of which events: kinds of write on host and event, and many events changed at once."""

from typing import Any

from app.campaigns.backfill import enqueue_backfill_chunk
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import count, person

HOST = "/v1/hosts/host_a/salesforce"
EVENT = "/v1/hosts/host_a/events/evt_otters/salesforce/settings"


async def kinds_of_write_are_switched_for_one_event(dashboard: MappingDashboard) -> None:
    await dashboard.synced(1, **person(1))
    assert (await count(dashboard, "Lead"), await count(dashboard, "Task")) == (1, 1)
    await _put(dashboard, EVENT, writes={"task": False})
    await dashboard.synced(2, **person(2))
    assert (await count(dashboard, "Lead"), await count(dashboard, "Task")) == (2, 1)
    await _put(dashboard, EVENT, enabled=False)
    calls = await dashboard.calls()
    off = await dashboard.synced(3, **person(3))
    job = await dashboard.rig.job(off)
    assert (job.state, job.skipped_because) == ("skipped", "switched_off")
    assert await dashboard.calls() == calls
    shown = await _put(dashboard, EVENT, enabled=True, writes={"task": None})
    assert shown["writes"]["task"] == {"value": True, "from": "host"}
    await enqueue_backfill_chunk(dashboard.rig.database)
    await dashboard.synced(4, **person(4))
    assert (await dashboard.rig.job(off)).state == "synced"
    assert (await count(dashboard, "Lead"), await count(dashboard, "Task")) == (4, 3)


async def many_events_are_changed_at_once(dashboard: MappingDashboard) -> None:
    wish = {"filter": {"q": "otter"}, "set": {"writes": {"task": False}}}
    tried = await _put(dashboard, f"{HOST}/events", **wish)
    assert (tried["dry_run"], tried["matched"], tried["changed"]) == (True, 1, 1)
    await dashboard.synced(1, **person(1))
    assert await count(dashboard, "Task") == 1
    done = await _put(dashboard, f"{HOST}/events", **wish, dry_run=False)
    assert (done["dry_run"], done["changed"]) == (False, 1)
    await dashboard.synced(2, **person(2))
    assert (await count(dashboard, "Lead"), await count(dashboard, "Task")) == (2, 1)
    [row] = body_of(await dashboard.http.get(f"{HOST}/events"))["items"]
    assert row["writes"]["task"] == {"value": False, "from": "event"}
    assert (row["counts"]["total"], row["counts"]["synced"]) == (2, 2)


async def _put(dashboard: MappingDashboard, path: str, **body: Any) -> dict[str, Any]:
    return body_of(await dashboard.http.put(path, json=body))
