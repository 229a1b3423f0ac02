"""The engine's own steps for one registration, with nothing written to Salesforce. Of our tables only the
describe cache and the figures of API usage change.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database, database_now
from app.models import SyncJob
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import Record
from app.salesforce.recording_client import RecordingClient
from app.states import JobState, WriteState
from app.sync.engine.job_outcome import decide_outcome
from app.sync.engine.org_drain import DrainContext
from app.sync.engine.pipeline import process_batch
from app.sync.field_values.required_fields import missing_fields
from app.sync.jobs.enqueue import JobRequest
from app.sync.jobs.gates import record_api_usage
from app.sync.jobs.leases import Lease
from app.sync.jobs.load_batch import load_batch
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import AccessProblem
from app.sync.lookup.describe_cache import load_describes
from app.sync.model.batch import Batch, Job, WrittenSlot
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.retry_policy import Clock
from app.sync.model.ticket_transfer import work_item_for
from app.sync.model.work_item import WorkItem, WriteOperation

HELD_CREATE_LOCKS = text("""
    SELECT key, started_at FROM create_locks
    WHERE org_id = :org_id AND key = ANY(:keys) AND until > clock_timestamp()
      AND NOT (host_id = :host_id AND registration_id = ANY(:mine))
""")


@dataclass(frozen=True)
class DryRunResult:
    """How the run would end; `client` holds the requests that were not sent."""

    item: WorkItem
    outcome: JobOutcome
    client: RecordingClient


@dataclass(frozen=True)
class ReadOnlyStore(WriteStore):
    """Reads our tables as a drain does; it saves no item, no access problem and no create lock."""

    async def save(self, session: AsyncSession, items: Iterable[WorkItem]) -> None:
        pass

    async def note_problems(self, found: Iterable[AccessProblem], *, about: Collection[str]) -> None:
        pass

    async def lock_for_writes(
        self, session: AsyncSession, items: Sequence[WorkItem], operations: Sequence[WriteOperation]
    ) -> tuple[datetime, dict[bytes, datetime]]:
        values = {
            "org_id": self.batch.org_id,
            "host_id": self.batch.host_id,
            "keys": [key for each in operations for key in each.create_locks],
            "mine": [job.registration_id for each in operations for job in each.jobs],
        }
        now = await database_now(session)
        held = await session.execute(HELD_CREATE_LOCKS, values)
        return now, {row.key: row.started_at for row in held}


async def run_dry(context: DrainContext, client: SalesforceClient, batch: Batch) -> DryRunResult:
    """Take every step for the one job of `batch`, writing nothing.

    Looks cost calls and are charged. Raises what the client raises, and BudgetReached.
    """
    recorder = RecordingClient(client, partial(_missing_fields, context.database, batch))
    [item] = (work_item_for(job) for job in batch.jobs)
    batch = replace(batch, jobs=(item.job,))
    clock = Clock(batch.now, context.lost_write_window)
    unowned = Lease(batch.org_id, "", fence=0, batch_size=1, failures=0, send_window=math.inf)
    store = ReadOnlyStore(context.database, unowned, batch, context.lost_write_window)
    try:
        result = await process_batch(context, recorder, store, [item], clock=clock)
    finally:
        async with context.database.tenant(batch.host_id) as session:
            await record_api_usage(session, batch.host_id, recorder.usage, calls=recorder.calls)
    if result.interruption is not None:
        raise result.interruption
    [ended] = result.items
    return DryRunResult(ended, _last_outcome(ended, batch.now), recorder)


def _last_outcome(item: WorkItem, now: datetime) -> JobOutcome:
    """As after the second try that a run makes of what an org's describes did not foresee."""
    outcome = decide_outcome(item, now, jitter=0.5)
    if outcome.state != JobState.PENDING or not item.must_replan or item.last_rejection is None:
        return outcome
    return replace(outcome, state=JobState.FAILED, waiting_for=None, error=item.last_rejection)


async def _missing_fields(
    database: Database, batch: Batch, client: SalesforceClient, records: Sequence[Record]
) -> list[tuple[str, ...]]:
    """The required fields that new records lack, whichever rules filled them."""
    describes = await load_describes(
        database,
        client,
        host_id=batch.host_id,
        org_id=batch.org_id,
        sobjects={record.sobject for record in records},
    )
    return [missing_fields(record.fields, describes.get(record.sobject)) for record in records]


async def load_single(database: Database, request: JobRequest) -> Batch:
    """A batch of this one registration; without a job of its own it is seen as if one were enqueued.

    The job that is made for that is rolled back.
    """
    async with database.tenant(request.host_id) as session:
        values = {name: value for name, value in vars(request).items() if name != "is_optional"}
        await session.execute(insert(SyncJob).values(values).on_conflict_do_nothing())
        ids = [request.registration_id]
        batch = await load_batch(session, ids, host_id=request.host_id, org_id=request.org_id, fence=0)
        await session.rollback()
    return replace(batch, jobs=tuple(map(_as_if_interrupted, batch.jobs)))


def _as_if_interrupted(job: Job) -> Job:
    """A call that is under way just now may have written: it is planned like one whose answer is missing."""
    return replace(job, written={key: _with_unknown_end(slot) for key, slot in job.written.items()})


def _with_unknown_end(slot: WrittenSlot) -> WrittenSlot:
    return slot._replace(state=WriteState.AMBIGUOUS) if slot.state == WriteState.INTENDED else slot
