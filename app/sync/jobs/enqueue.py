"""Say that a registration has something to write: raise its job's `requested_version`, or make the job."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from app import tracing
from app.infrastructure.json_rows import as_rows, rows_of
from app.infrastructure.raw_connection import SqlExecutor
from app.models import LIVE
from app.models.kept_plan import kept_plan
from app.states import JobReason

JOB: Final = {
    "host_id": "text",
    "registration_id": "text",
    "event_id": "text",
    "org_id": "text",
    "reason": "text",
    "priority": "smallint",
    "trace_context": "text",
    "requested_by": "text",
    "is_optional": "bool",
}

# What a job becomes for which something newer is requested:
#
#   state                 next state    due        org           priority      reason
#   none                  pending       at once    the new one   the new one   the new one
#   running               running       as before  as before     the new one   the new one
#   ambiguous             ambiguous     as before  as before     the new one   the new one *
#   pending               pending       at once    the new one   the first     the new one *
#   any other             pending       at once    the new one   the new one   the new one
#
# * A Retry or a re-apply that still waits is not forgotten over a newer fact: it asks for more than that.
#
# A request about optional parts alone leaves the job settled: what it had become is shown until anything else
# is requested.
#
# One text whatever the number of rows: it is read and planned once per connection.
UPSERT_JOBS: Final = kept_plan(
    f"""
    INSERT INTO sync_jobs AS job (
        host_id, registration_id, event_id, org_id, reason, priority, requested_by, trace_context,
        optional_requests
    )
    SELECT host_id, registration_id, event_id, org_id, reason, priority, requested_by, trace_context,
           CAST(is_optional AS integer)
    FROM ({rows_of("jobs", JOB)}) AS requested
    ON CONFLICT (host_id, registration_id) DO UPDATE
    SET requested_version = job.requested_version + 1,
        event_id = excluded.event_id,
        (state, org_id, due_at, waiting_for, priority, reason, requested_by, optional_requests,
         settled_state, skipped_because) = (
            SELECT CASE WHEN is_busy THEN job.state ELSE 'pending' END,
                   CASE WHEN is_busy THEN job.org_id ELSE excluded.org_id END,
                   CASE WHEN is_busy THEN job.due_at ELSE clock_timestamp() END,
                   CASE WHEN is_busy THEN job.waiting_for END,
                   CASE WHEN job.state = 'pending' THEN least(job.priority, excluded.priority)
                        ELSE excluded.priority END,
                   CASE WHEN is_reason_kept THEN job.reason ELSE excluded.reason END,
                   CASE WHEN is_reason_kept THEN job.requested_by ELSE excluded.requested_by END,
                   job.optional_requests + CAST(is_optional AS integer),
                   CASE WHEN is_optional AND is_at_rest THEN job.state
                        WHEN is_optional THEN job.settled_state END,
                   CASE WHEN is_optional THEN job.skipped_because END
            FROM (
                SELECT excluded.optional_requests = 1 AND job.org_id = excluded.org_id AS is_optional,
                       job.state IN ('synced', 'failed', 'held', 'skipped') AS is_at_rest,
                       job.state IN ('running', 'ambiguous') AS is_busy,
                       job.state IN ('pending', 'ambiguous') AND job.reason IN ('retry', 'reapply')
                           AND excluded.reason NOT IN ('retry', 'reapply') AS is_reason_kept
            ) AS job_is
        ),
        attempts = 0,
        trace_context = coalesce(excluded.trace_context, job.trace_context)
    """  # noqa: S608 -- put together from constants
)


VALUES: Final = attrgetter(*JOB)


@dataclass(frozen=True)
class JobRequest:
    """One registration to write. `org_id` is the org of the host's connection.

    `is_optional`: only parts of it on which its state does not depend. `trace_context`: the trace that its
    work belongs to; of several requests for a job the newest that has one counts.
    """

    host_id: str
    registration_id: str
    event_id: str
    org_id: str
    reason: str = JobReason.LIVE.value
    priority: int = LIVE
    requested_by: str | None = None
    is_optional: bool = False
    trace_context: str | None = field(default_factory=tracing.current_context)


async def enqueue_jobs(statements: SqlExecutor, requests: Iterable[JobRequest]) -> set[str]:
    """Raise `requested_version` of each job, in one statement; returns the org ids to wake after the commit.

    A running or ambiguous job keeps its state and is enqueued again when it settles. Rows are locked in the
    order of their keys, as everywhere.
    """
    wanted = list(requests)
    if not wanted:
        return set()
    await statements.execute(UPSERT_JOBS, {"jobs": jobs_json(wanted)})
    return {each.org_id for each in wanted}


def jobs_json(requests: Iterable[JobRequest]) -> str:
    """The rows of `UPSERT_JOBS`, one for each job, in the order of their keys."""
    by_key = {(each.host_id, each.registration_id): each for each in requests}
    return as_rows(VALUES(by_key[key]) for key in sorted(by_key))
