"""The gauges of /metrics: each moves with its fact, costs little, and names no host."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.job_queue import DrainQueue
from app.models import (
    Base,
    ChoreRun,
    Connection,
    Event,
    Host,
    Notification,
    NotificationReceiver,
    OrgLease,
    Quarantined,
    WorkerHeartbeat,
)  # fmt: skip
from app.operations.backlog import BACKLOG
from app.operations.gauges import READINGS, SIZES, Gauges, Reading, Samples
from app.states import BacklogReason
from tests.factories import NOW, ORG_ID, connection_for
from tests.integration.registrations.sample_event import (
    RULE,
    add,
    add_connected_host,
    hours_ago,
    in_hours,
    job,
    registration,
    save,
    simple,
)
from tests.integration.sync.conftest import Rig
from tests.scraped import NoQueue, samples_in, scraped

SOON = datetime.now(UTC) + timedelta(hours=1)
AGE, ORGS = "sync_oldest_due_age_seconds", "sync_orgs_with_backlog"


def ages(samples: Mapping[str, float]) -> dict[str, float]:
    """By reason, and only where something waits; in whole hours."""
    found = {kept.value: samples[f'{AGE}{{reason="{kept}"}}'] for kept in BacklogReason}
    return {kept: round(age / 3600) for kept, age in found.items() if age}


def orgs(samples: Mapping[str, float]) -> dict[str, float]:
    found = {kept.value: samples[f'{ORGS}{{reason="{kept}"}}'] for kept in BacklogReason}
    return {kept: count for kept, count in found.items() if count}


async def test_all_is_shown_and_is_zero_where_nothing_is(settings: Settings, database: Database) -> None:
    queue = DrainQueue(settings.redis_url)
    found = await scraped(database, queue)
    await queue.close()
    assert (ages(found), orgs(found)) == ({}, {})
    assert (found["database_up"], found["redis_up"], found["sync_workers"]) == (1, 1, 0)
    assert found['sync_jobs{state="pending"}'] == found['oauth_connections{state="connected"}'] == 0
    assert [name for name in found if name.startswith('build_info{python="3.')]
    assert found['db_pool_connections{role="system",state="used"}'] == 0
    assert found['db_pool_connections{role="system",state="idle"}'] >= 1


async def test_jobs_are_counted_by_state(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        simple("r1", "pending", due_at=hours_ago(1)),
        simple("r2", "pending", due_at=in_hours(1)),
        simple("r3", "failed", error=RULE),
    )
    found = await scraped(database)
    assert (found['sync_jobs{state="pending"}'], found['sync_jobs{state="failed"}']) == (2, 1)
    assert found['sync_jobs{state="running"}'] == 0
    assert found['oauth_connections{state="connected"}'] == 1
    assert (ages(found), orgs(found)) == ({"ready": 1}, {"ready": 1})


KEPT: dict[str, tuple[type[Base] | None, dict[str, Any], str]] = {
    "nothing": (None, {}, "ready"),
    "an org that asked to be left alone": (OrgLease, {"not_before": SOON, "failures": 3}, "backing_off"),
    "an org that is tried again": (OrgLease, {"not_before": NOW, "failures": 3}, "backing_off"),
    "a host whose turn broke off": (Connection, {"fault_code": "f", "fault_count": 1}, "backing_off"),
    "the org's daily limit": (OrgLease, {"not_before": SOON, "not_before_reason": "api_limit"}, "budget"),
    "the host's share of calls": (Connection, {"api_closed_until": SOON}, "budget"),
    "a paused host": (Host, {"paused_at": NOW}, "paused"),
    "a paused event": (Event, {"paused_at": NOW}, "paused"),
    "a paused org": (OrgLease, {"paused_at": NOW}, "paused"),
    "an ended grant": (
        Connection,
        {"state": "needs_reconnect", "reason_code": "access_revoked"},
        "reconnect",
    ),
}


@pytest.mark.parametrize(("table", "values", "reason"), KEPT.values(), ids=KEPT.keys())
@pytest.mark.parametrize("state", ["pending", "ambiguous"])
async def test_the_age_shows_what_keeps_the_work(
    database: Database,
    vault: Encryptor,
    state: str,
    table: type[Base] | None,
    values: dict[str, Any],
    reason: str,
) -> None:
    await add_connected_host(database, vault)
    await save(database, OrgLease(org_id=ORG_ID))
    await add(database, simple("r1", state, due_at=hours_ago(5)))
    if table is not None:
        async with database.system() as session:
            await session.execute(update(table).values(values))
    found = await scraped(database)
    is_doubt = state == "ambiguous" and reason in ("ready", "backing_off")
    expected = "ambiguous" if is_doubt else reason
    assert (ages(found), orgs(found)) == ({expected: 5}, {expected: 1})


async def test_what_keeps_nobody_waiting_has_no_age(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    old = {"due_at": hours_ago(5)}
    await add(
        database,
        simple("r1", "synced", **old),
        simple("r2", "held", **old),
        simple("r3", "pending", due_at=in_hours(2)),
        simple("r4", "pending", waiting_for="retry", **old),
        simple("r5", "pending", settled_state="synced", **old),
        simple("r6", "pending", priority=10, **old),
        simple("r7", "pending", org_id="00D000000000999AAA", **old),
    )
    assert ages(await scraped(database)) == {}
    async with database.system() as session:
        await session.execute(update(Connection).values(state="disconnected", refresh_token=None))
    await add(database, simple("r8", "pending", **old))
    assert ages(await scraped(database)) == {}


async def test_each_org_counts_once_for_a_reason(database: Database, vault: Encryptor) -> None:
    for host_id, org_id in (("host_a", ORG_ID), ("host_b", ORG_ID), ("host_c", "00D000000000999AAA")):
        await save(
            database,
            Host(host_id=host_id),
            connection_for(vault, host_id, org_id=org_id),
            Event(host_id=host_id, event_id="evt_summit", title="T", snapshot_at=NOW),
        )
        waiting = job("r1", "pending", host_id, org_id=org_id, due_at=hours_ago(2))
        await add(database, (registration("r1", host_id), waiting))
    found = await scraped(database)
    assert (ages(found), orgs(found)) == ({"ready": 2}, {"ready": 2})


OUTAGES: dict[str, tuple[dict[str, Any], str]] = {
    "503": ({"kind": "error", "status": 503}, "backing_off"),
    "a page of HTML": ({"kind": "html"}, "backing_off"),
    "answers lost": ({"kind": "reset_before_write"}, "ambiguous"),
}


@pytest.mark.parametrize(("fault", "reason"), OUTAGES.values(), ids=OUTAGES.keys())
async def test_the_age_grows_through_an_outage(rig: Rig, fault: dict[str, Any], reason: str) -> None:
    """Each try gives the rows a new due time; since when they wait does not change by that."""
    await rig.registered(1)
    await rig.org.fault(**fault, count=None)
    seen = []
    for _ in range(3):
        await rig.drain()
        seen.append(ages(await scraped(rig.database)))
        await rig.pass_time(3600)
        seen.append(ages(await scraped(rig.database)))
    assert seen == [{reason: 0}, {reason: 1}, {reason: 1}, {reason: 2}, {reason: 2}, {reason: 3}]
    await rig.org.control.delete("/faults")
    await rig.drain()
    assert ages(await scraped(rig.database)) == {}


async def test_what_is_requested_again_waits_from_then_on(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    await rig.pass_time(7200)
    await rig.requeue(reg)
    job = await rig.job(reg)
    assert job.waiting_since is not None
    assert ages(await scraped(rig.database)) == {"ready": 0}
    await rig.pass_time(3600)
    assert ages(await scraped(rig.database)) == {"ready": 1}


async def test_the_age_is_read_by_few_pages_however_much_is_settled(
    database: Database, vault: Encryptor, owner: AsyncEngine
) -> None:
    await add_connected_host(database, vault)
    settled = [simple(f"s{n}", "synced") for n in range(400)]
    await add(database, *settled, simple("r1", "pending", due_at=hours_ago(1)))
    async with owner.begin() as connection:
        await connection.execute(text("ANALYZE sync_jobs"))
    async with database.system() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await _plan(session)
    assert "ix_sync_jobs_waiting" in plan
    assert "Seq Scan on sync_jobs" not in plan
    assert "ix_sync_jobs_stats" not in plan


async def _plan(session: AsyncSession) -> str:
    found = await session.execute(text(f"EXPLAIN {BACKLOG.text}").bindparams(**BACKLOG.compile().params))
    return "\n".join(found.scalars())


TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "needs reconnect": (
        {"state": "needs_reconnect", "reason_code": "access_revoked"},
        'connection_troubles{code="access_revoked",kind="needs_reconnect"}',
    ),
    "fault": (
        {"fault_code": "credentials_unreadable", "fault_count": 1},
        'connection_troubles{code="credentials_unreadable",kind="fault"}',
    ),
    "access": (
        {
            "problems": [
                {"code": "email_not_searchable", "sobject": "Lead", "field": "Email"},
                {"code": "email_not_searchable", "sobject": "Contact", "field": "Email"},
            ]
        },
        'connection_troubles{code="email_not_searchable",kind="access"}',
    ),
    "budget": ({"api_closed_until": SOON}, 'connection_troubles{code="api_budget",kind="budget"}'),
}


@pytest.mark.parametrize(("values", "gauge"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_gauges_show_what_keeps_connections_from_moving(
    database: Database, vault: Encryptor, values: dict[str, Any], gauge: str
) -> None:
    await add_connected_host(database, vault)
    assert not [name for name in await scraped(database) if name.startswith("connection_troubles")]
    async with database.system() as session:
        await session.execute(update(Connection).values(**values))
    found = {name: count for name, count in (await scraped(database)).items() if "troubles" in name}
    assert found == {gauge: 1}


async def test_gauges_show_orgs_that_are_left_alone(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await save(database, OrgLease(org_id=ORG_ID, not_before=SOON, not_before_reason="unavailable"))
    assert (await scraped(database))['connection_troubles{code="unavailable",kind="org"}'] == 1
    async with database.system() as session:
        await session.execute(update(OrgLease).values(not_before_reason="SOME_CODE_OF_THE_ORG"))
    assert (await scraped(database))['connection_troubles{code="other",kind="org"}'] == 1


async def test_silence_of_workers_grows_when_none_lives(database: Database) -> None:
    silence = "sync_worker_oldest_heartbeat_seconds"
    gauges = Gauges(database, NoQueue())
    first, second = [samples_in(await gauges.text())[silence] for _ in range(2)]
    assert 0 < first < second
    await save(database, ChoreRun(chore="purge", succeeded_at=hours_ago(3)))
    assert round((await scraped(database))[silence] / 3600) == 3
    await save(database, WorkerHeartbeat(worker_id="w1", hostname="box", pid=1, beat_at=hours_ago(2)))
    found = await scraped(database)
    assert (round(found[silence] / 3600), found["sync_workers"]) == (2, 0)
    await save(database, WorkerHeartbeat(worker_id="w2", hostname="box", pid=2))
    found = await scraped(database)
    assert found[silence] < 30
    assert found["sync_workers"] == 1


async def test_budgets_of_the_fullest_orgs_are_shown(database: Database, vault: Encryptor) -> None:
    for number in range(25):
        org_id, host_id = f"00D{number:012}AAA", f"host_{number}"
        used = {"api_used": number * 10, "api_limit": 1000, "api_measured_at": datetime.now(UTC)}
        await save(database, Host(host_id=host_id), connection_for(vault, host_id, org_id=org_id, **used))
    found = {n: v for n, v in (await scraped(database)).items() if n.startswith("salesforce_api_budget")}
    assert len(found) == 20
    assert max(found.values()) == found['salesforce_api_budget_used_ratio{org="00D000000000024AAA"}'] == 0.24


PARTITIONED = (
    "CREATE TABLE otters (id int PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE TABLE otters_a PARTITION OF otters FOR VALUES FROM (0) TO (1000)",
    "INSERT INTO otters SELECT generate_series(1, 900)",
)


async def test_tables_have_sizes_partitions_summed(database: Database, owner: AsyncEngine) -> None:
    sizes = {name for name in await scraped(database) if name.startswith("db_table_bytes")}
    assert sizes == {f'db_table_bytes{{table="{name}"}}' for name in Base.metadata.tables}
    assert (await scraped(database))['db_table_bytes{table="sync_jobs"}'] > 0
    async with owner.connect() as connection:
        for statement in PARTITIONED:
            await connection.execute(text(statement))
        [(_, size)] = (await connection.execute(SIZES, {"names": ["otters"]})).all()
        part = await connection.scalar(text("SELECT pg_total_relation_size('otters_a')"))
    assert size == part > 8192


async def test_kept_apart_webhooks_are_counted(database: Database) -> None:
    await save(database, Quarantined(webhook_id="w1", received_at=NOW, reason="not_json"))
    assert (await scraped(database))["deliveries_quarantined"] == 1


async def test_no_label_names_a_host_and_readings_are_seconds_apart(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "pending"))
    gauges = Gauges(database, NoQueue())
    first = (await gauges.text()).decode()
    assert 'sync_jobs{state="pending"} 1.0' in first
    assert not [name for name in ("host_a", "evt_", ORG_ID, "otter") if name in first]
    await add(database, simple("r2", "pending"))
    assert 'sync_jobs{state="pending"} 1.0' in (await gauges.text()).decode()


async def test_a_reading_that_takes_too_long_is_left_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database with very many rows is not one that is away."""
    monkeypatch.setattr("app.operations.gauges.READ_SECONDS", 0.2)

    async def slow(session: AsyncSession) -> Samples:
        await session.execute(text("SELECT pg_sleep(5)"))
        return {"deliveries_quarantined": [((), 1)]}

    gauges = Gauges(database, NoQueue(), readings=(READINGS[0], Reading(slow)))
    found = samples_in(await gauges.text())
    assert (found["database_up"], found["redis_up"]) == (1, 0)
    assert "deliveries_quarantined" not in found


@pytest.fixture
async def away(settings: Settings) -> AsyncIterator[Database]:
    async with Database.connect("postgresql+asyncpg://owner@127.0.0.1:1/postgres") as database:
        yield database


async def test_counters_are_shown_while_the_database_is_away(away: Database) -> None:
    found = await scraped(away)
    assert found["database_up"] == 0
    assert "sync_wakeup_failures_total" in found
    assert not [name for name in found if name.startswith(("sync_jobs", "sync_workers", AGE))]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_names_are_as_prometheus_wants_them(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    body = await Gauges(database, NoQueue()).text()
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


async def test_what_the_platform_did_not_take_is_counted_and_grows_old(database: Database) -> None:
    def kept(number: int, state: str, **values: Any) -> Notification:
        return Notification(
            host_id="host_a", notification_id=f"ntf_{number}", type="backfill.finished", state=state, **values
        )

    age = "notifications_oldest_pending_age_seconds"
    assert (await scraped(database))[age] == 0
    states = ("pending", "pending", "failed", "delivered")
    await save(database, *(kept(n, state, created_at=hours_ago(5 - n)) for n, state in enumerate(states)))
    found = await scraped(database)
    assert {
        state: found[f'notifications{{state="{state}"}}'] for state in ("pending", "disabled", "failed")
    } == {"pending": 2, "disabled": 0, "failed": 1}
    assert round(found[age] / 3600) == 5
    await save(database, NotificationReceiver(name="platform", disabled_at=NOW))
    found = await scraped(database)
    assert (found['notifications{state="pending"}'], found['notifications{state="disabled"}']) == (0, 2)
    assert round(found[age] / 3600) == 5
