"""Ask for what shows an event that changed since: its calendar Events, with its times, place and state, and
what was left out because it had no times, or was cancelled.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text

from app.infrastructure.raw_connection import SqlExecutor
from app.models import BACKFILL
from app.states import JobReason
from app.sync.model.batch import CALENDAR_EVENT
from app.sync.model.item_errors import LEFT_OUT_BY_EVENT
from app.sync.model.record_kinds import CALENDAR_EVENT_KIND, CASE_KIND

# What becomes of the jobs of an event that changed:
#
#   state                  next state   due        priority, reason
#   running, ambiguous     as before    as before  as before
#   pending                pending      as before  as before
#   pending, settled       pending      at once    the backfills', event_changed
#   synced, failed, held   pending      at once    the backfills', event_changed
#   skipped                not touched
#
# Of those that are finished, it concerns who has a calendar Event, and whose warnings say that one, or a
# Case, was left out because of what the event was.
#
# A job that is not finished reads the event as it is when it runs; `requested_version` says that something is
# newer than what it may have read just now. Rows are locked in the order of their keys, as everywhere.
REQUEST_AGAIN = text("""
    WITH concerned AS (
        SELECT job.host_id, job.registration_id
        FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS changed (host_id text, event_id text, org_id text)
        JOIN sync_jobs AS job ON job.host_id = changed.host_id AND job.event_id = changed.event_id
         AND job.org_id = changed.org_id AND job.state <> 'skipped'
        WHERE EXISTS (
            SELECT FROM written_records AS record
            WHERE record.host_id = job.host_id AND record.org_id = job.org_id
              AND record.registration_id = job.registration_id AND record.slot = :slot
        ) OR EXISTS (
            SELECT FROM jsonb_array_elements(job.warnings) AS warning
            WHERE warning ->> 'code' = ANY (CAST(:left_out AS text[]))
        ) OR (job.state IN ('running', 'ambiguous', 'pending') AND EXISTS (
            SELECT FROM events AS event LEFT JOIN hosts AS host ON host.host_id = event.host_id
            CROSS JOIN unnest(CAST(:kinds AS text[])) AS kind (name)
            WHERE event.host_id = job.host_id AND event.event_id = job.event_id
              AND coalesce(event.writes ->> kind.name, host.settings -> 'writes' ->> kind.name) = 'true'
        ))
        ORDER BY job.host_id, job.registration_id
        FOR UPDATE OF job
    )
    UPDATE sync_jobs AS job
    SET requested_version = job.requested_version + 1,
        (state, due_at, waiting_for, priority, reason, requested_by, attempts, settled_state) = (
            SELECT CASE WHEN is_open THEN job.state ELSE 'pending' END,
                   CASE WHEN is_open THEN job.due_at ELSE clock_timestamp() END,
                   CASE WHEN is_open THEN job.waiting_for END,
                   CASE WHEN is_open THEN job.priority ELSE :priority END,
                   CASE WHEN is_open THEN job.reason ELSE :reason END,
                   CASE WHEN is_open THEN job.requested_by END,
                   CASE WHEN is_open THEN job.attempts ELSE 0 END,
                   CASE WHEN is_open THEN job.settled_state END
            FROM (
                SELECT job.state IN ('running', 'ambiguous')
                    OR (job.state = 'pending' AND job.settled_state IS NULL) AS is_open
            ) AS job_is
        )
    FROM concerned
    WHERE job.host_id = concerned.host_id AND job.registration_id = concerned.registration_id
    RETURNING job.org_id
""")


@dataclass(frozen=True)
class ChangedEvent:
    """An event whose calendar Events show something else now; `org_id` is of the host's connection."""

    host_id: str
    event_id: str
    org_id: str


async def request_changed_events(statements: SqlExecutor, changed: Iterable[ChangedEvent]) -> set[str]:
    """Ask for all that shows these events, live work first, in one statement; returns the orgs to wake after
    the commit.
    """
    rows = [vars(each) for each in changed]
    if not rows:
        return set()
    values = {
        "events": json.dumps(rows),
        "slot": CALENDAR_EVENT,
        "kinds": [CALENDAR_EVENT_KIND.slot, CASE_KIND.slot],
        "left_out": sorted(LEFT_OUT_BY_EVENT),
        "priority": BACKFILL,
        "reason": JobReason.EVENT_CHANGED,
    }
    found = await statements.execute(REQUEST_AGAIN, values)
    return {org_id for (org_id,) in found}
