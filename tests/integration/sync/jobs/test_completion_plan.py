"""What the end of a batch reads: its rows and those that run beside them, however Postgres plans it."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.models.kept_plan import kept_plan
from app.states import JobState
from app.sync.engine.complete_batch import COMPLETE_JOBS
from tests.factories import NOW
from tests.integration.sync.jobs.test_claim_plans import EVENT, HOST, ORG, backlog, discarded
from tests.integration.sync.jobs.test_job_transitions import completion

RUNNING, BATCH = 600, 200

RUN = text("""
    UPDATE sync_jobs SET state = 'running', fence = 7, running_version = requested_version
    WHERE registration_id <= :last AND registration_id LIKE 'reg_%'
""")
MORE = text("""
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id)
    SELECT :host, 'more_' || n, :event, :org FROM generate_series(1, 20000) AS n
""")
EXPLAINED = kept_plan(f"EXPLAIN (ANALYZE, FORMAT JSON) {COMPLETE_JOBS.text}")
# The planner takes the rows that run for one. Comparing that one with all of the batch costs it what hashing
# them does, so it may choose either.
CHOICES = ("enable_hashjoin", "enable_mergejoin")


@pytest.mark.parametrize("is_known", [False, True], ids=["as nothing waited", "of the backlog"])
async def test_the_end_of_a_batch_reads_its_rows_alone_whatever_statistics_say(
    database: Database, owner: AsyncEngine, is_known: bool
) -> None:
    """Of a host with 50,000 rows each end of a batch once walked all of them for each row of the batch."""
    await backlog(owner)
    async with owner.begin() as connection:
        if is_known:
            await connection.execute(MORE, {"host": HOST, "event": EVENT, "org": ORG})
            await connection.execute(text("ANALYZE sync_jobs"))
        await connection.execute(RUN, {"last": f"reg_{RUNNING:05}"})
    async with database.tenant(HOST, keeps_plans=True) as session:
        explained = await session.scalar(EXPLAINED, ended_batch())
    [plan] = json.loads(explained) if isinstance(explained, str) else explained
    assert plan["Plan"]["Actual Rows"] == BATCH
    assert discarded(plan["Plan"]) == 0


async def test_the_end_of_a_batch_compares_no_row_with_all_of_the_batch(
    database: Database, owner: AsyncEngine
) -> None:
    await backlog(owner)
    async with owner.begin() as connection:
        await connection.execute(RUN, {"last": f"reg_{RUNNING:05}"})
    async with database.tenant(HOST, keeps_plans=True) as session:
        for name in CHOICES:
            await session.execute(kept_plan(f"SET LOCAL {name} = off"))
        explained = await session.scalar(EXPLAINED, ended_batch())
    [plan] = json.loads(explained) if isinstance(explained, str) else explained
    assert plan["Plan"]["Actual Rows"] == BATCH
    assert discarded(plan["Plan"]) <= RUNNING


def ended_batch() -> dict[str, Any]:
    """What COMPLETE_JOBS is told of a batch that went well."""
    result = {
        "state": JobState.SYNCED,
        "settled_as": JobState.SYNCED,
        "due_at": NOW,
        "counts_as_attempt": 1,
        "is_attended": False,
        "warnings": [],
    }
    return completion({f"reg_{number:05}": result for number in range(1, BATCH + 1)})
