"""What a job becomes: the tables beside the statements, line by line."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.infrastructure.json_rows import as_rows_by_key
from app.models import BACKFILL, LIVE, SyncJob, WrittenRecord
from app.states import JobReason, JobState
from app.sync.engine.complete_batch import COMPLETE_JOBS
from app.sync.engine.job_outcome import ENDED
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from app.sync.jobs.leases import recover_running_jobs
from app.sync.model.job_outcome import SETTLED
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig

NEW_ORG = "00D5g000004NewEAK"
BEFORE = {"due_at": NOW, "waiting_for": "certainty", "attempts": 3, "skipped_because": "excluded"}


def completion(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the finishing statement is told of running jobs, by their registrations."""
    rows = {reg: [result.get(name) for name in ENDED] for reg, result in results.items()}
    return {
        "ended": as_rows_by_key(rows),
        "registration_ids": list(rows),
        "host_id": HOST,
        "fence": 7,
        "is_fenced": True,
        "batch_limit": None,
        "of_each_run": [],
    }


async def job_as(rig: Rig, **values: Any) -> str:
    """A job in this state, two days old."""
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(SyncJob).values(BEFORE | values))
    return reg


@pytest.mark.parametrize("requested", [JobReason.LIVE, JobReason.RETRY])
@pytest.mark.parametrize("reason", [JobReason.LIVE, JobReason.RETRY, JobReason.REAPPLY])
@pytest.mark.parametrize("state", list(JobState))
async def test_something_newer_is_wanted(
    rig: Rig, state: JobState, reason: JobReason, requested: JobReason
) -> None:
    reg = await job_as(rig, state=state, reason=reason, requested_by="rita", priority=LIVE)
    before = await rig.job(reg)
    async with rig.database.system() as session:
        request = JobRequest(HOST, reg, before.event_id, NEW_ORG, requested, BACKFILL, "otto")
        assert await enqueue_jobs(session, [request]) == {NEW_ORG}
    job = await rig.job(reg)
    is_busy = state in (JobState.RUNNING, JobState.AMBIGUOUS)
    waits = state in (JobState.PENDING, JobState.AMBIGUOUS)
    is_reason_kept = waits and reason != JobReason.LIVE and requested == JobReason.LIVE
    assert job.state == (state if is_busy else JobState.PENDING)
    assert job.org_id == (before.org_id if is_busy else NEW_ORG)
    assert (job.due_at, job.waiting_for) == ((NOW, "certainty") if is_busy else (job.due_at, None))
    assert is_busy or job.due_at > before.due_at
    assert job.priority == (LIVE if state == JobState.PENDING else BACKFILL)
    assert (job.reason, job.requested_by) == ((reason, "rita") if is_reason_kept else (requested, "otto"))
    assert (job.attempts, job.skipped_because) == (0, None)
    assert job.requested_version == before.requested_version + 1


@pytest.mark.parametrize("state", list(JobState))
async def test_what_is_wanted_of_optional_parts_alone_leaves_the_job_settled(
    rig: Rig, state: JobState
) -> None:
    reg = await job_as(rig, state=state)
    event_id, org_id = (await rig.job(reg)).event_id, rig.org.org_id
    request = JobRequest(HOST, reg, event_id, org_id, is_optional=True)
    async with rig.database.system() as session:
        await enqueue_jobs(session, [request])
    job = await rig.job(reg)
    assert job.settled_state == (state if state in SETTLED else None)
    assert (job.optional_requests, job.skipped_because) == (1, "excluded")
    async with rig.database.system() as session:
        await enqueue_jobs(session, [JobRequest(HOST, reg, event_id, org_id)])
    job = await rig.job(reg)
    assert (job.settled_state, job.skipped_because) == (None, None), "anything else ends that"


@pytest.mark.parametrize(
    ("ended", "newer", "optional", "expected"),
    [
        pytest.param({"state": "pending", "settled_as": "failed"}, 0, 0, "failed", id="parts are left"),
        pytest.param({"state": "pending", "settled_as": None}, 0, 0, None, id="more is left"),
        pytest.param({"state": "synced", "settled_as": "synced"}, 0, 0, None, id="nothing is left"),
        pytest.param({"state": "synced", "settled_as": "synced"}, 2, 2, "synced", id="newer e-mails"),
        pytest.param(
            {"state": "synced", "settled_as": "synced"}, 2, 1, None, id="newer facts of other kinds"
        ),
        pytest.param({"state": "pending", "is_unreached": True}, 0, 0, "held", id="nothing was found out"),
        pytest.param({"state": "pending", "is_unreached": True}, 1, 0, None, id="nothing, and newer facts"),
    ],
)
async def test_a_job_stays_settled_while_optional_parts_alone_are_left(
    rig: Rig, ended: dict[str, Any], newer: int, optional: int, expected: str | None
) -> None:
    versions = {"requested_version": 5 + newer, "running_version": 5, "optional_requests": optional}
    reg = await job_as(rig, state=JobState.RUNNING, fence=7, settled_state="held", **versions)
    known = {"due_at": NOW, "counts_as_attempt": 1, "is_attended": False}
    result = {**known, "warnings": [], **ended}
    async with rig.database.tenant(HOST) as session:
        await session.execute(COMPLETE_JOBS, completion({reg: result}))
    assert (await rig.job(reg)).settled_state == expected


RECOVERED = {
    "left nothing, is still wanted": (0, None, 0, JobState.PENDING, None, False),
    "left nothing, newer is wanted": (1, None, 0, JobState.PENDING, None, True),
    "left an intent": (1, "intended", 0, JobState.AMBIGUOUS, "certainty", False),
    "was ambiguous": (1, "ambiguous", 2, JobState.AMBIGUOUS, "certainty", False),
    "crashed too often": (1, "intended", 2, JobState.FAILED, None, False),
}


@pytest.mark.parametrize(
    ("newer", "slot", "crashes", "state", "waiting_for", "is_rearmed"), RECOVERED.values(), ids=RECOVERED
)
async def test_a_running_job_is_recovered(
    rig: Rig,
    newer: int,
    slot: str | None,
    crashes: int,
    state: JobState,
    waiting_for: str | None,
    is_rearmed: bool,
) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        running = {
            "state": JobState.RUNNING,
            "running_version": SyncJob.requested_version - newer,
            "fence": 1,
        }
        due = func.clock_timestamp() - timedelta(hours=1)
        values = running | {"worker_crashes": crashes, "org_id": NEW_ORG, "due_at": due}
        await session.execute(update(SyncJob).values(values))
        if slot is not None:
            key = {"host_id": HOST, "org_id": NEW_ORG, "registration_id": reg, "slot": "person"}
            session.add(WrittenRecord(**key, state=slot, action="create", sobject="Lead", instance_key=""))
        await session.flush()
        assert await recover_running_jobs(session, NEW_ORG, is_crash=True) == 1
        slots = list(await session.scalars(select(WrittenRecord.state)))
    job = await rig.job(reg)
    assert (job.state, job.waiting_for, job.fence, job.running_version) == (state, waiting_for, None, None)
    assert job.org_id == (rig.org.org_id if is_rearmed else NEW_ORG)
    assert slots == ([] if slot is None else ["ambiguous"])


@pytest.mark.parametrize("newer", [0, 1])
@pytest.mark.parametrize("ended", ["synced", "skipped", "held", "failed", "pending", "ambiguous"])
async def test_a_batch_completes_a_job(rig: Rig, ended: str, newer: int) -> None:
    reg = await job_as(
        rig,
        state=JobState.RUNNING,
        requested_version=5 + newer,
        running_version=5,
        written_version=4,
        worker_crashes=2,
        fence=7,
        org_id=NEW_ORG,
    )
    result = {
        "state": ended,
        "is_open": ended in ("pending", "ambiguous"),
        "due_at": NOW + timedelta(hours=1),
        "waiting_for": "retry",
        "skipped_because": None,
        "counts_as_attempt": 1,
        "is_attended": False,
        "warnings": [],
        "settled_as": ended if ended in SETTLED else None,
        "is_unreached": False,
        "failed_parts": [],
    }
    async with rig.database.tenant(HOST) as session:
        await session.execute(COMPLETE_JOBS, completion({reg: result}))
    job = await rig.job(reg)
    is_rearmed = newer > 0 and ended != "ambiguous"
    assert job.state == ("pending" if is_rearmed else ended)
    assert job.waiting_for == (None if is_rearmed else "retry")
    assert (job.due_at == NOW + timedelta(hours=1)) == (not is_rearmed)
    assert job.org_id == (rig.org.org_id if is_rearmed else NEW_ORG)
    assert job.attempts == (0 if newer else 4)
    assert job.written_version == (5 if ended in ("synced", "skipped", "held") else 4)
    assert job.worker_crashes == (2 if ended == "ambiguous" else 0)
    assert (job.fence, job.running_version) == (None, None)
