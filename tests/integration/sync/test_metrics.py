"""What the engine counts: each number moves by its fact, and by nothing else."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase
from sqlalchemy import text, update

from app.api.errors import ApiBudgetReached
from app.hosts.pause import set_event_pause, set_host_pause, set_org_pause
from app.metrics import (
    ACKNOWLEDGED_TO_SYNCED,
    BATCH_SIZE,
    DRAIN_SECONDS,
    LEASE_LOSSES,
    LEASE_TAKEOVERS,
    LOST_ANSWERS,
    SALESFORCE_CALLS,
    SALESFORCE_ROWS,
    SALESFORCE_SECONDS,
)
from app.models import Connection, Event, SyncJob
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import NotSent, RequestRejected
from app.sync.jobs import leases
from tests.integration.sync.conftest import EVENT, HOST, Rig


def sums(metric: MetricWrapperBase) -> dict[str, float]:
    """Its counts and sums by the values of its labels, without buckets."""
    [family] = metric.collect()
    return {
        " ".join([sample.name.removeprefix(f"{family.name}_"), *sample.labels.values()]): sample.value
        for sample in family.samples
        if not sample.name.endswith("_bucket") and sample.value
    }


class Growth:
    """What was added to a metric since."""

    def __init__(self, metric: MetricWrapperBase) -> None:
        self._metric, self._before = metric, sums(metric)

    def __call__(self) -> dict[str, float]:
        grown = {name: value - self._before.get(name, 0) for name, value in sums(self._metric).items()}
        return {name: value for name, value in grown.items() if value}


async def test_a_drain_counts_itself_its_batches_and_its_calls(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)
    drains, batches, synced = Growth(DRAIN_SECONDS), Growth(BATCH_SIZE), Growth(ACKNOWLEDGED_TO_SYNCED)
    calls, rows, seconds = Growth(SALESFORCE_CALLS), Growth(SALESFORCE_ROWS), Growth(SALESFORCE_SECONDS)
    await rig.drain()
    assert drains()["count"] == 1
    assert (batches(), synced()["count"]) == ({"count": 1, "sum": 3}, 3)
    assert {name.split()[-1] for name in calls()} == {"ok"}
    counted = {name.split()[1]: value for name, value in calls().items()}
    assert counted["composite"] >= 2
    timed = {name.split()[1]: value for name, value in seconds().items() if name.startswith("count")}
    assert timed == counted
    assert rows()["sum composite"] >= 6  # three people and their Tasks


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "503": ({"kind": "error", "status": 503}, "transient"),
    "daily limit": (
        {"kind": "error", "status": 403, "error_code": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"},
        "limit",
    ),
    "no answer to a write": ({"kind": "reset_after_write"}, "ambiguous"),
}


@pytest.mark.parametrize(("fault", "outcome"), FAULTS.values(), ids=FAULTS.keys())
async def test_calls_are_counted_by_the_class_of_their_error(
    rig: Rig, fault: dict[str, Any], outcome: str
) -> None:
    await rig.registered(1)
    await rig.org.fault(**fault)
    calls, lost, synced = Growth(SALESFORCE_CALLS), Growth(LOST_ANSWERS), Growth(ACKNOWLEDGED_TO_SYNCED)
    await rig.drain()
    of_errors = {name: count for name, count in calls().items() if not name.endswith(" ok")}
    assert [(name.split()[-1], count) for name, count in of_errors.items()] == [(outcome, 1)]
    assert lost() == ({"total": 2} if outcome == "ambiguous" else {})  # a person and a Task
    assert synced() == {}


@pytest.mark.parametrize("raised", [NotSent("no way"), ApiBudgetReached()], ids=["not sent", "guard"])
async def test_what_a_guard_keeps_back_is_no_call(rig: Rig, raised: Exception) -> None:
    def refuse() -> None:
        raise raised

    calls = Growth(SALESFORCE_CALLS)
    client = SalesforceClient(
        rig.resources.http,
        None,
        instance_url=rig.org.session["instance_url"],
        api_version="62.0",
        before_send=refuse,
    )
    with pytest.raises(type(raised)):
        await client.query("SELECT Id FROM Lead")
    assert calls() == ({"total query transient": 1} if isinstance(raised, NotSent) else {})


async def test_a_refused_query_is_counted_as_one(rig: Rig) -> None:
    calls = Growth(SALESFORCE_CALLS)
    client = await rig.engine.open_client(HOST, before_send=lambda: None)
    with pytest.raises(RequestRejected):
        await client.query("SELECT Nothing FROM Lead")
    [(name, count)] = calls().items()
    assert (name.split()[1], count) == ("query", 1)
    assert name.split()[2] not in ("ok", "transient", "ambiguous")


async def test_a_take_over_is_counted_where_somebody_left_rows_behind(rig: Rig) -> None:
    await rig.registered(1)
    taken = Growth(LEASE_TAKEOVERS)
    first = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert first is not None
    assert taken() == {}
    async with rig.database.system() as session:
        await session.execute(update(SyncJob).values(state="running", fence=first.fence, running_version=1))
    await rig.pass_time(60)
    await leases.acquire(rig.database, rig.org.org_id, owner="heir", life=20, send_window=5)
    assert taken() == {"total": 1}


async def test_a_lost_lease_is_counted(rig: Rig) -> None:
    lost = Growth(LEASE_LOSSES)
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert lease is not None
    async with rig.database.system() as session:
        await session.execute(text("UPDATE org_leases SET fence = fence + 1"))
    async with asyncio.timeout(10):
        await leases.renew_until_cancelled(rig.database, lease, life=20, every=0.001)
    assert lost() == {"total": 1}


async def counted_wait(rig: Rig) -> float:
    """Drain what waits; returns how many seconds were counted for it."""
    synced = Growth(ACKNOWLEDGED_TO_SYNCED)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    return synced().get("sum", 0.0)


async def test_waiting_counts_until_it_is_synced(rig: Rig) -> None:
    await rig.registered(1)
    await rig.pass_time(3600)
    assert 3600 <= await counted_wait(rig) < 3700


async def test_an_outage_counts_from_the_request_on(rig: Rig) -> None:
    await rig.registered(1)
    for _ in range(2):
        await rig.org.fault("error")
        await rig.drain()
        await rig.pass_time(3600)
    assert 7200 <= await counted_wait(rig) < 7300


async def _pause_host(rig: Rig, *, is_paused: bool) -> None:
    async with rig.database.tenant(HOST) as session:
        await set_host_pause(session, HOST, is_paused=is_paused, by="user_17")


async def _pause_event(rig: Rig, *, is_paused: bool) -> None:
    async with rig.database.tenant(HOST) as session:
        event = await session.get_one(Event, (HOST, EVENT))
        await set_event_pause(session, event, is_paused=is_paused, by="user_17")


async def _pause_org(rig: Rig, *, is_paused: bool) -> None:
    async with rig.database.system() as session:
        await set_org_pause(session, rig.org.org_id, is_paused=is_paused, by="ops")


async def _end_connection(rig: Rig, *, is_paused: bool) -> None:
    state = "needs_reconnect" if is_paused else "connected"
    async with rig.database.system() as session:
        values = {"state": state, "state_since": text("clock_timestamp()")}
        await session.execute(update(Connection).values(values))


@pytest.mark.parametrize("hold", [_pause_host, _pause_event, _pause_org, _end_connection])
async def test_what_a_person_held_back_does_not_count(rig: Rig, hold: Callable[..., Any]) -> None:
    await rig.registered(1)
    await hold(rig, is_paused=True)
    await rig.pass_time(3600)
    await hold(rig, is_paused=False)
    assert await counted_wait(rig) == 0
    await rig.registered(2)
    assert 0 < await counted_wait(rig) < 60


@pytest.mark.parametrize("reason", ["retry", "request", "reapply"])
async def test_what_a_person_asked_for_does_not_count(rig: Rig, reason: str) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    await rig.requeue(reg, reason=reason)
    await rig.pass_time(3600)
    assert await counted_wait(rig) == 0
