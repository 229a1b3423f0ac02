"""Leases are taken and given up by one call each: what that takes, means, and what a crash may undo of it."""

import re
from typing import Final

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.held_connection import CALL_SECONDS
from app.models import OrgLease
from app.sync.jobs import leases
from app.sync.jobs.claim import IS_DUE, WAITING_EVENTS, release_unless_due
from app.sync.jobs.leases import HAS_OPEN_GATES, IS_LEASE_FREE, Lease
from bench.wire import Counts, Wire

ORG: Final = "00D5g000004XyZaEAK"
DEFINITION: Final = text("SELECT pg_get_functiondef(CAST(:name AS regproc))")
RUNNING: Final = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state, fence, running_version)
    VALUES ('host_a', 'reg_1', 'evt', '00D5g000004XyZaEAK', 'running', 1, 1)
"""
TAKE: Final = text("SELECT * FROM take_lease(:org_id, 'otter', '20 s', false)")
RECOVER: Final = text("SELECT * FROM take_lease(:org_id, 'otter', '20 s', true)")
GIVE_UP: Final = text("SELECT give_up_lease_unless_due(:org_id, 'otter', 1, '{}')")
WAIT: Final = text("SET LOCAL synchronous_commit = on")
WAITS: Final = text("SELECT current_setting('synchronous_commit')")
MANY: Final = 2000
OF_OTHERS: Final = (
    f"INSERT INTO hosts (host_id) SELECT 'host_' || n FROM generate_series(1, {MANY}) AS n",
    "INSERT INTO events (host_id, event_id, title, snapshot_at) SELECT host_id, 'evt', 'Otters', now() FROM"
    " hosts",
    f"INSERT INTO org_leases (org_id) SELECT 'org_' || n FROM generate_series(1, {MANY}) AS n",
    "INSERT INTO connections (host_id, org_id, state, environment, login_url, client_id, instance_url,"
    " api_version, connected_at, connected_by, access_token, refresh_token) SELECT host_id, replace(host_id,"
    " 'host', 'org'), 'connected', 'production', '', '', '', '', now(), '', '', '' FROM hosts",
    "INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, due_at, state) SELECT host_id, 'reg',"
    " 'evt', replace(host_id, 'host', 'org'), now() + interval '1 hour',"
    " CASE WHEN length(host_id) % 2 = 0 THEN 'pending' ELSE 'running' END FROM hosts",
)
DUE_LATER: Final = (
    "INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, due_at)"
    " SELECT 'host_1', 'reg_' || n, 'evt', 'org_1', now() + interval '1 day'"
    f" FROM generate_series(1, {MANY}) AS n"
)
READ: Final = ("hosts", "events", "org_leases", "connections", "sync_jobs")
ROWS_READ: Final = text(
    "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
    " + coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid), 0)"
    " FROM pg_stat_user_tables AS t"
)


async def taken(database: Database, owner: str = "otter", org_id: str = ORG) -> Lease | None:
    return await leases.acquire(database, org_id, owner=owner, life=20, send_window=5)


async def forget(database: Database, **columns: object) -> None:
    """As a crash of Postgres may leave the org's lease."""
    async with database.system() as session:
        lease = await session.get_one(OrgLease, ORG)
        for name, value in columns.items():
            setattr(lease, name, value)


async def taken_and_given_up(database: Database, org_id: str = ORG) -> None:
    lease = await taken(database, org_id=org_id)
    assert lease is not None
    assert await release_unless_due(database, lease, except_hosts=())


async def test_to_take_a_lease_and_to_give_it_up_takes_one_round_trip_each(settings: Settings) -> None:
    wire = Wire(settings.database_url)
    async with wire.opened() as url, Database.connect(url) as database:
        await taken_and_given_up(database)
        before = wire.counts.copy()
        await taken_and_given_up(database)
        assert wire.counts.since(before) == Counts(transactions=2, statements=2, round_trips=2)


@pytest.mark.parametrize(("call", "waits"), [(TAKE, False), (RECOVER, True), (GIVE_UP, False)])
async def test_only_who_recovers_rows_waits_for_the_disk(
    database: Database, call: TextClause, waits: bool
) -> None:
    async with database.system() as session:
        await session.execute(WAIT)
        await session.execute(call, {"org_id": ORG})
        assert await session.scalar(WAITS) == ("on" if waits else "off")


async def test_no_two_leases_have_one_fence_though_the_first_is_forgotten(database: Database) -> None:
    """Whoever has the one that was forgotten goes on until he writes, and must not write for the other."""
    first = await taken(database)
    assert first is not None
    await forget(database, owner=None, until=None, fence=0)
    second = await taken(database, owner="heir")
    assert second is not None
    assert second.fence > first.fence


async def test_a_fence_rises_though_the_clock_was_set_back(database: Database) -> None:
    """Or where the release before, which counts, is at work beside this one."""
    await taken_and_given_up(database)
    later = 2**62
    await forget(database, fence=later)
    lease = await taken(database)
    assert lease is not None
    assert lease.fence == later + 1


@pytest.mark.parametrize(("last", "waits_for_disk"), [(0, "off"), (2**62, "on")])
async def test_a_fence_that_is_counted_is_on_disk_when_it_is_answered(
    database: Database, owner: AsyncEngine, last: int, waits_for_disk: str
) -> None:
    """A crash that made Postgres forget it would give the next lease the same."""
    await taken_and_given_up(database)
    await forget(database, fence=last)
    async with owner.begin() as connection:
        await connection.execute(WAIT)
        assert (await connection.execute(TAKE, {"org_id": ORG})).one().is_taken
        assert await connection.scalar(WAITS) == waits_for_disk


async def test_running_rows_of_whoever_has_the_org_are_left_alone(
    database: Database, owner: AsyncEngine
) -> None:
    assert await taken(database) is not None
    async with owner.begin() as connection:
        await connection.exec_driver_sql(RUNNING)
    assert await taken(database, owner="heir") is None
    async with owner.connect() as connection:
        states = await connection.exec_driver_sql("SELECT state FROM sync_jobs")
        assert states.scalars().all() == ["running"]


@pytest.mark.parametrize(
    ("function", "condition"),
    [
        ("take_lease", IS_LEASE_FREE),
        ("take_lease", HAS_OPEN_GATES),
        ("give_up_lease_unless_due", HAS_OPEN_GATES),
        ("give_up_lease_unless_due", IS_DUE),
        ("give_up_lease_unless_due", WAITING_EVENTS.replace(":host_id", "connection.host_id")),
    ],
)
async def test_functions_and_statements_mean_the_same_by_free_open_and_due(
    database: Database, function: str, condition: str
) -> None:
    async with database.system() as session:
        definition = str(await session.scalar(DEFINITION, {"name": function}))
    assert " ".join(condition.split()) in " ".join(definition.split())


@pytest.mark.parametrize("function", ["take_lease", "give_up_lease_unless_due"])
async def test_a_call_gives_up_a_lock_before_its_connection_is_given_up(
    database: Database, function: str
) -> None:
    async with database.system() as session:
        definition = str(await session.scalar(DEFINITION, {"name": function}))
    [seconds] = re.findall(r"SET lock_timeout TO '(\d+)s'", definition)
    assert int(seconds) < CALL_SECONDS


async def test_a_plan_from_when_rows_were_few_reads_no_table_through(
    settings: Settings, owner: AsyncEngine
) -> None:
    async with owner.begin() as connection:
        await connection.exec_driver_sql(f"ANALYZE {', '.join(READ)}")
    async with Database.connect(settings.database_url, pool=1) as database:
        await taken_and_given_up(database)
        async with owner.begin() as connection:
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for insert in OF_OTHERS:
                await connection.exec_driver_sql(insert)
        before = await rows_read(owner)
        await taken_and_given_up(database, "org_1")
    after = await rows_read(owner)
    assert max(after[table] - before[table] for table in READ) < MANY / 2


@pytest.mark.usefixtures("database")
async def test_rows_that_are_due_later_are_not_read(settings: Settings, owner: AsyncEngine) -> None:
    async with Database.connect(settings.database_url, pool=1) as database:
        async with owner.begin() as connection:
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for insert in (*OF_OTHERS[:2], *OF_OTHERS[3:4], DUE_LATER):
                await connection.exec_driver_sql(insert)
        before = await rows_read(owner)
        await taken_and_given_up(database, "org_1")
    after = await rows_read(owner)
    assert after["sync_jobs"] - before["sync_jobs"] < MANY / 2


async def rows_read(owner: AsyncEngine) -> dict[str, int]:
    """Of each table the rows and index entries that all sessions have read so far."""
    async with owner.connect() as connection:
        await connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        return {name: int(read) for name, read in await connection.execute(ROWS_READ)}
