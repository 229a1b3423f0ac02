"""Plans that are kept: whatever the tables held when they were made, each row is found by the index meant."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any, Final

import pytest
from sqlalchemy import TextClause
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import app
from app.infrastructure.acting_role import KEEPING_PLANS
from app.infrastructure.database import Database
from app.infrastructure.database_roles import APP_ROLE, SYSTEM_ROLE
from app.infrastructure.direct_session import positional
from app.infrastructure.joined_texts import joined
from app.models.kept_plan import KeptPlan
from app.sync.engine.complete_batch import COMPLETE_JOBS
from app.sync.execution.attempt_log import INSERT_ATTEMPTS
from app.sync.jobs.write_store import RELEASE_CREATE_LOCKS, UPSERT_SLOTS
from app.webhooks.merge_upsert import EVENTS, REGISTRATIONS

KEYS: Final = {
    "ix_connections_org_id": {"org_id"},
    "ix_registrations_host_id_email_key": {"host_id", "email_key"},
    # Few rows: the users of a host who connected.
    "ix_salesforce_users_email_key": {"host_id"},
    "ix_sync_jobs_claim": {"host_id"},
    "ix_sync_jobs_running": {"org_id"},
    "ix_written_records_host_id_org_id_sf_id": {"host_id", "org_id", "sf_id"},
    "pk_campaign_links": {"host_id", "event_id"},
    "pk_connections": {"host_id"},
    # Few rows: those of people who are being created in an org just now.
    "pk_create_locks": {"org_id"},
    # Few rows: what is known of one org. Postgres 15 compares their names one by one.
    "pk_describe_cache": {"host_id", "org_id"},
    "pk_erasures": {"host_id"},
    "pk_events": {"host_id", "event_id"},
    "pk_hosts": {"host_id"},
    "pk_mappings": {"host_id", "event_id"},
    "pk_org_leases": {"org_id"},
    "pk_registrations": {"host_id", "registration_id"},
    "pk_sync_jobs": {"host_id", "registration_id"},
    "pk_written_records": {"host_id", "org_id", "registration_id"},
}
"""By which index a kept plan may find rows, and which columns it has to compare for that."""
FEW_ROWS: Final = {"restores"}
"""Tables that do not grow."""
NUMBERS: Final = count()
COMPARED: Final = re.compile(r"\b(\w+) (?:=|>=|<=) ")

HOSTS: Final = "INSERT INTO hosts (host_id) SELECT 'host_' || n FROM generate_series(1, {hosts}) AS n"
EVENTS_OF_ALL: Final = """
    INSERT INTO events (host_id, event_id, title, snapshot_at)
    SELECT host_id, 'evt', 'Otters', now() FROM hosts
"""
REGISTRATIONS_OF_ALL: Final = """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,
                               registered_at)
    SELECT host_id, 'reg_' || n, 'evt', 'confirmed', '{{}}', 'guest' || n || '@example.com', now(), now()
    FROM hosts, generate_series(1, {each}) AS n
"""
JOBS_OF_ALL: Final = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state)
    SELECT host_id, registration_id, event_id, 'org', 'synced' FROM registrations
"""
SLOTS_OF_ALL: Final = """
    INSERT INTO written_records (host_id, org_id, registration_id, slot, state, action, sobject)
    SELECT host_id, 'org', registration_id, slot, 'written', 'created', 'Lead'
    FROM registrations, unnest(ARRAY['person', 'member', 'task:registered']) AS slot
"""
TABLES: Final = (
    "hosts, events, registrations, sync_jobs, written_records, connections, erasures, campaign_links"
)
NOTHING, FEW, SOME, MORE = (0, 0), (3, 2), (2, 7), (2, 40)
MANY_HOSTS, MANY_ROWS = (3000, 1), (1, 3000)
"""How many hosts the tables hold, and how many registrations of each."""
STATES: Final = (
    *((state, None) for state in (NOTHING, FEW, MANY_HOSTS, MANY_ROWS)),
    *((state, state) for state in (NOTHING, FEW, MANY_HOSTS, MANY_ROWS)),
    *((NOTHING, FEW), (NOTHING, MANY_ROWS), (MORE, SOME), (MANY_ROWS, MANY_HOSTS), (MANY_HOSTS, MANY_ROWS)),
)
"""What they hold when a plan is made, and what they held when Postgres counted last; None: it never did."""


@cache
def kept_plans() -> dict[str, TextClause]:
    """All of the service's, and those that are put together from others."""
    names = [module.name for module in pkgutil.walk_packages(app.__path__, "app.")]
    texts = {
        f"{module}:{name}": value
        for module in names
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, KeptPlan)
    }
    locks: dict[str, TextClause] = {f"lock of {table.name}": table.lock for table in (EVENTS, REGISTRATIONS)}
    end = joined((UPSERT_SLOTS, RELEASE_CREATE_LOCKS, INSERT_ATTEMPTS), COMPLETE_JOBS)
    return {**texts, **locks, "end of a batch": end}


async def fill(connection: AsyncConnection, hosts: int, each: int) -> None:
    """New files; what Postgres counted in the old ones it still takes for true."""
    await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    await connection.exec_driver_sql(f"TRUNCATE {TABLES}")
    for insert in (HOSTS, EVENTS_OF_ALL, REGISTRATIONS_OF_ALL, JOBS_OF_ALL, SLOTS_OF_ALL):
        await connection.exec_driver_sql(insert.format(hosts=hosts, each=each))


async def explained(connection: AsyncConnection, role: str, statement: TextClause) -> dict[str, Any] | None:
    """The plan that is made without knowing any parameter; None where the role may not ask that."""
    plain, kept = positional(statement), f"kept_{next(NUMBERS)}"
    values = f"({', '.join(['NULL'] * len(plain.names))})" if plain.names else ""
    settings = {"role": role, "app.host_id": "host_1", **KEEPING_PLANS}
    sent = [
        *(f"SET LOCAL {name} = '{value}'" for name, value in settings.items()),
        f"PREPARE {kept} AS {plain.sql}",
        f"EXPLAIN (FORMAT JSON) EXECUTE {kept} {values}",
    ]
    about = await connection.begin_nested()
    try:
        [*_, answer] = [await connection.exec_driver_sql(each) for each in sent]
        found = answer.scalar()
    except ProgrammingError as error:
        if "permission denied" not in str(error):
            raise
        return None
    finally:
        await about.rollback()
    [plan] = json.loads(found) if isinstance(found, str) else found or []
    return dict(plan["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def wide_scans(plan: dict[str, Any]) -> list[str]:
    """Scans that read more than the rows of a key."""
    found = []
    for node in nodes(plan):
        index, condition = node.get("Index Name", ""), node.get("Index Cond", "")
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in FEW_ROWS:
            found.append(f"all of {node['Relation Name']}")
        if index and node.get("Relation Name") not in FEW_ROWS:
            is_by_key = KEYS.get(index, {"a key"}) <= set(COMPARED.findall(condition))
            found += [] if is_by_key else [f"{index}: {condition}"]
    return found


@pytest.mark.parametrize(("held", "counted"), STATES)
async def test_rows_are_found_by_keys_whatever_the_tables_held_when_plans_were_made(
    database: Database, owner: AsyncEngine, held: tuple[int, int], counted: tuple[int, int] | None
) -> None:
    wide: dict[str, list[str]] = {}
    asked = set()
    async with owner.connect() as connection:
        await connection.exec_driver_sql("DELETE FROM pg_statistic")
        await fill(connection, *(counted or held))
        if counted is not None:
            await connection.exec_driver_sql("ANALYZE")
        if counted not in {None, held}:
            await fill(connection, *held)
        for name, statement in kept_plans().items():
            for role in (APP_ROLE, SYSTEM_ROLE):
                plan = await explained(connection, role, statement)
                if plan is not None:
                    asked.add(name)
                    wide |= {f"{name} as {role}": scans for scans in [wide_scans(plan)] if scans}
        await connection.rollback()
    assert not wide, "\n".join(f"{k}: {v}" for k, v in wide.items())
    assert asked == kept_plans().keys()
