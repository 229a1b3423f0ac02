"""What a claim reads: its batch, whatever the backlog and the planner's statistics."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.models import Base
from app.sync.jobs import leases
from app.sync.jobs.claim import CLAIM, claim
from tests.factories import NOW
from tests.sample_rows import sample_row

HOST, EVENT, ORG = "host_a", "evt_otters", "00D5g000004XyZaEAK"
WAITING, BATCH = 3000, 100

EVENTS = "INSERT INTO events (host_id, event_id, title, snapshot_at) VALUES (:host, :event, 'Otters', :at)"
FINISHED = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state)
    SELECT 'host_' || n % 7, 'past_' || n, 'evt_' || n % 40, :org, 'synced' FROM generate_series(1, 8000) AS n
"""
JOBS = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id)
    SELECT :host, 'reg_' || lpad(n::text, 5, '0'), :event, :org FROM generate_series(1, :count) AS n
"""

LIMIT = "UPDATE sync_jobs SET batch_limit = :limit WHERE registration_id = ANY(:ids)"


async def backlog(owner: AsyncEngine) -> None:
    """Statistics of a time when nothing waited, and a backlog since."""
    values = {"host": HOST, "event": EVENT, "org": ORG, "at": NOW, "count": WAITING}
    connections = Base.metadata.tables["connections"]
    async with owner.begin() as connection:
        connected = sample_row(connections, host_id=HOST, org_id=ORG)
        await connection.execute(connections.insert().values(**connected))
        await connection.execute(text(EVENTS), values)
        await connection.execute(text(FINISHED), values)
        await connection.execute(text("ANALYZE sync_jobs"))
        await connection.execute(text(JOBS), values)


def discarded(plan: dict[str, Any]) -> int:
    """Rows that were read or compared for nothing, of the whole plan."""
    here = sum(plan.get(f"Rows Removed by {what}", 0) for what in ("Join Filter", "Filter", "Index Recheck"))
    return int(here * plan["Actual Loops"]) + sum(discarded(each) for each in plan.get("Plans", ()))


async def test_claim_compares_no_row_with_all_that_wait(database: Database, owner: AsyncEngine) -> None:
    await backlog(owner)
    lease = await leases.acquire(database, ORG, owner="worker_otter", life=60, send_window=60)
    assert lease is not None
    values = {
        "host_id": HOST,
        "org_id": ORG,
        "fence": lease.fence,
        "most": BATCH,
        "are_isolated_last": True,
    }
    async with database.tenant(HOST) as session:
        explained = await session.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {CLAIM.text}"), values)
    [plan] = json.loads(explained) if isinstance(explained, str) else explained
    assert plan["Plan"]["Actual Rows"] == BATCH
    assert discarded(plan["Plan"]) == 0


async def test_claim_takes_the_batch_that_is_due_first(database: Database, owner: AsyncEngine) -> None:
    await backlog(owner)
    lease = await leases.acquire(database, ORG, owner="worker_otter", life=60, send_window=60)
    assert lease is not None
    async with database.tenant(HOST) as session:
        first = await claim(session, lease, HOST, limit=BATCH)
        second = await claim(session, lease, HOST, limit=BATCH)
    assert [len(first), len(set(first) | set(second))] == [BATCH, 2 * BATCH]


async def test_rows_whose_batch_broke_off_are_tried_in_parts_and_in_turn_with_the_others(
    database: Database, owner: AsyncEngine
) -> None:
    """The largest parts first, those that broke off alone at last, whatever their due times."""
    await backlog(owner)
    limits = {0: range(1, 3), 25: range(3, 53)}
    lease = await leases.acquire(database, ORG, owner="worker_otter", life=60, send_window=60)
    assert lease is not None
    suspects = {limit: {f"reg_{number:05}" for number in numbers} for limit, numbers in limits.items()}
    async with database.system() as session:
        for limit, ids in suspects.items():
            await session.execute(text(LIMIT), {"limit": limit, "ids": sorted(ids)})
    taken = []
    async with database.tenant(HOST) as session:
        for number in range(7):
            are_last = number in (0, 2)
            taken.append(set(await claim(session, lease, HOST, limit=BATCH, are_isolated_last=are_last)))
    assert [len(ids) for ids in taken] == [BATCH, 25, BATCH, 25, 1, 1, BATCH]
    assert (taken[1] | taken[3], taken[4] | taken[5]) == (suspects[25], suspects[0])
