"""What a worker wrote of somebody while they were being erased is taken away afterwards."""

from sqlalchemy import text

from app.infrastructure.database import Database
from app.privacy.erasure import STRIPPED

RECENTLY_ERASED = """
    WITH gone AS (
        SELECT DISTINCT erasure.host_id, ids.registration_id
        FROM erasures AS erasure
        CROSS JOIN LATERAL jsonb_array_elements_text(erasure.registration_ids) AS ids (registration_id)
        WHERE erasure.created_at > clock_timestamp() - interval '1 day'
    )
"""
DELETE_LATE_HISTORY = text(f"""
    {RECENTLY_ERASED} DELETE FROM sync_attempts AS attempt USING gone
    WHERE attempt.host_id = gone.host_id AND attempt.registration_id = gone.registration_id
""")  # noqa: S608 -- put together from constants
CLEAR_LATE_ERROR_TEXT = text(f"""
    {RECENTLY_ERASED} UPDATE sync_jobs AS job SET error = NULL, warnings = '[]', failed_parts = '[]' FROM gone
    WHERE job.host_id = gone.host_id AND job.registration_id = gone.registration_id
      AND job.state <> 'running'
      AND (job.error IS NOT NULL OR job.warnings <> '[]' OR job.failed_parts <> '[]')
""")  # noqa: S608 -- put together from constants


# Registrations alone are of past events.
DELETE_LATE_RESPONSES = text("""
    DELETE FROM idempotency_keys AS answer USING erasures AS erasure
    WHERE answer.host_id = erasure.host_id AND answer.status <> 0 AND erasure.kind <> 'registration'
      AND answer.created_at < erasure.created_at
      AND erasure.created_at > clock_timestamp() - interval '1 day'
""")
REDACT_LATE_RECORDS = text(f"""
    {RECENTLY_ERASED} UPDATE written_records AS record {STRIPPED} FROM gone
    WHERE record.host_id = gone.host_id AND record.registration_id = gone.registration_id
      AND record.details - ARRAY['found_by', 'is_created_by_us', 'was_member_before'] <> '{{}}'
""")


async def redact_late_writes(database: Database) -> None:
    """Take away what a write that was on its way during an erasure has noted since."""
    async with database.system() as session:
        await session.execute(DELETE_LATE_HISTORY)
        await session.execute(CLEAR_LATE_ERROR_TEXT)
        await session.execute(REDACT_LATE_RECORDS)
        await session.execute(DELETE_LATE_RESPONSES)
