"""What the end of a batch reads: its rows and those that run beside them, however Postgres plans it."""

import json

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.states import JobState
from app.sync.engine.complete_batch import COMPLETE_JOBS
from tests.factories import NOW
from tests.integration.sync.jobs.test_claim_plans import HOST, backlog, discarded
from tests.integration.sync.jobs.test_job_transitions import completion

RUNNING, BATCH = 600, 200

RUN = text("""
    UPDATE sync_jobs SET state = 'running', fence = 7, running_version = requested_version
    WHERE registration_id <= :last AND registration_id LIKE 'reg_%'
""")
# The planner takes the rows that run for one. Comparing that one with all of the batch costs it what hashing
# them does, so it may choose either.
CHOICES = ("enable_hashjoin", "enable_mergejoin")


async def test_the_end_of_a_batch_compares_no_row_with_all_of_the_batch(
    database: Database, owner: AsyncEngine
) -> None:
    await backlog(owner)
    result = {
        "state": JobState.SYNCED,
        "settled_as": JobState.SYNCED,
        "due_at": NOW,
        "counts_as_attempt": 1,
        "is_attended": False,
        "warnings": [],
    }
    values = completion({f"reg_{number:05}": result for number in range(1, BATCH + 1)})
    async with owner.begin() as connection:
        await connection.execute(RUN, {"last": f"reg_{RUNNING:05}"})
    async with database.tenant(HOST) as session:
        for name in CHOICES:
            await session.execute(text(f"SET LOCAL {name} = off"))
        explained = await session.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {COMPLETE_JOBS.text}"), values)
    [plan] = json.loads(explained) if isinstance(explained, str) else explained
    assert plan["Plan"]["Actual Rows"] == BATCH
    assert discarded(plan["Plan"]) <= RUNNING
