"""One event with very many registrations: what its page costs in Postgres, with statistics and without."""

import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from app.api.dependencies import Resources
from app.registrations.export import export_rows
from app.registrations.listing import ORDERS, RowQuery, list_rows, page_by_id
from app.registrations.stats import event_stats, recent_check_ins
from bench.plans import Ask, cost_of, heard
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import EVENT, HOST, connect_host

TURNS = 3
TABLES = "registrations, sync_jobs, written_records"
FILL = (
    "SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0",
    """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,
                               registered_at, confirmed_at, checked_in_at, updated_at, change_no)
    SELECT '{host}', 'reg_' || lpad(n::text, 7, '0'), '{event}', 'confirmed',
           jsonb_build_object('email', 'guest' || n || '@bench.example', 'first_name', 'Guest',
                              'last_name', 'No' || n, 'company', 'Company ' || n),
           'guest' || n || '@bench.example', now(), now() - n * interval '1 s', now(),
           CASE WHEN n % 3 = 0 THEN now() END, now() - (n * 7919 % 1000000) * interval '1 s', n
    FROM generate_series(1, {count}) AS n
    """,
    """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state, priority, reason,
                           written_version, synced_at, updated_at, change_no, is_attended,
                           error_class, error_code, group_id, error)
    SELECT '{host}', 'reg_' || lpad(n::text, 7, '0'), '{event}', '{org}',
           CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 10 = 1 THEN 'pending' ELSE 'synced' END, 10, 'link',
           1, now(), now() - (n * 7919 % 1000000) * interval '1 s', n, n % 3 = 0,
           failure.*
    FROM generate_series(1, {count}) AS n LEFT JOIN LATERAL (
        SELECT 'validation', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'g_' || n % 4,
               '{{"class": "validation", "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}}'::jsonb
    ) AS failure ON n % 20 = 0
    """,
    """
    INSERT INTO written_records (host_id, org_id, registration_id, slot, state, action, sobject, sf_id)
    SELECT '{host}', '{org}', 'reg_' || lpad(n::text, 7, '0'), slot, 'written', 'create', 'Lead', slot || n
    FROM generate_series(1, {count}) AS n, unnest(ARRAY['person', 'task:registered', 'member']) AS slot
    """,
)
FORGET = """
    DELETE FROM pg_statistic WHERE starelid = ANY(ARRAY[{tables}]::regclass[])
"""
AUTOVACUUM = "ALTER TABLE {table} SET (autovacuum_enabled = {value})"


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Milliseconds in Postgres of each question, the least of a few turns, and the export of the whole."""
    await rig.empty()
    org_id = await connect_host(rig, rig.org)
    await _autovacuum(rig, "false")
    try:
        await _fill(rig, org_id, size.large_event)
        async with rig.engine() as (_, resources):
            fresh = await _costs(resources)
            exported = await _export(resources)
            connection = await rig.sql()
            await connection.execute(f"VACUUM ANALYZE {TABLES}", timeout=300)
            await connection.close()
            analysed = await _costs(resources)
    finally:
        await _autovacuum(rig, "true")
    return {"registrations": size.large_event, "fresh": fresh, "analysed": analysed, "export": exported}


def _page(query: RowQuery) -> Ask:
    return lambda session: list_rows(session, HOST, EVENT, query)


def _portion(query: RowQuery) -> Ask:
    return lambda session: page_by_id(session, HOST, EVENT, query=query, after="reg_0000500", limit=100)


def _questions() -> Mapping[str, Ask]:
    """What a page of an event asks, by the name it is shown under."""
    return {
        "stats": lambda session: event_stats(session, HOST, EVENT),
        "check-ins of half an hour": lambda session: recent_check_ins(session, HOST, EVENT),
        **{f"first page by {sort}": _page(RowQuery(sort=sort)) for sort in ORDERS},
        "failed alone": _page(RowQuery(states=("failed",))),
        "pending alone": _page(RowQuery(states=("pending",))),
        "synced alone": _page(RowQuery(states=("synced",))),
        "attended alone": _page(RowQuery(states=("attended",))),
        "one group of failures": _page(RowQuery(group_id="g_0")),
        "one error code": _page(RowQuery(error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION")),
        "search, one found": _page(RowQuery(q="guest99@")),
        "search, all found": _page(RowQuery(q="company")),
        "export, one portion": _portion(RowQuery()),
        "export of the failed, one portion": _portion(RowQuery(states=("failed",))),
    }


async def _costs(resources: Resources) -> dict[str, dict[str, float]]:
    found = {name: await _cost(resources, ask) for name, ask in _questions().items()}
    for sort in ORDERS:
        async with resources.database.tenant(HOST) as session:
            first = await list_rows(session, HOST, EVENT, RowQuery(sort=sort))
        second = _page(RowQuery(sort=sort, cursor=first.next_cursor))
        found[f"second page by {sort}"] = await _cost(resources, second)
    return found


async def _cost(resources: Resources, ask: Ask) -> dict[str, float]:
    database = resources.database
    with heard(database.engines) as statements:
        async with database.tenant(HOST) as session:
            await ask(session)
    costs = []
    for _ in range(TURNS):
        async with database.tenant(HOST) as session:
            costs.append(await cost_of(session, statements))
    least = min(costs, key=lambda cost: cost.milliseconds)
    return {"ms": least.milliseconds, "pages": least.pages, "statements": least.statements}


async def _export(resources: Resources) -> dict[str, float]:
    """The whole event as CSV: seconds, and MiB of the file."""
    began, size = time.perf_counter(), 0
    chunks = export_rows(resources.database, HOST, EVENT, RowQuery(), resources.export_turn)
    async with aclosing(chunks):
        async for chunk in chunks:
            size += len(chunk)
    return {"seconds": time.perf_counter() - began, "mebibytes": size / 2**20}


async def _fill(rig: Rig, org_id: str, count: int) -> None:
    connection = await rig.sql()
    for statement in FILL:
        text = statement.format(host=HOST, event=EVENT, org=org_id, count=count)
        await connection.execute(text, timeout=300)
    tables = ", ".join(f"'{each}'" for each in TABLES.split(", "))
    await connection.execute(FORGET.format(tables=tables))
    await connection.close()
    print(f"bench: large_event: {count:,} registrations", flush=True)


async def _autovacuum(rig: Rig, value: str) -> None:
    """Off, so that data stays as it was a moment after it came."""
    connection = await rig.sql()
    for table in TABLES.split(", "):
        await connection.execute(AUTOVACUUM.format(table=table, value=value))
    await connection.close()
