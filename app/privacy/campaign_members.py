"""Erase no check-in and no watched replay from a campaign: no other registration lowers the status.

Other registrations of the person may point to the same member, and once the erased one is nobody's, nothing
but their slots can say that the status is not theirs alone.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Rows of jobs before those of records, in the order of their keys, as everywhere. A status that counts as
# somebody else's is only ever raised.
KEEP_CHECK_INS = text("""
    WITH shared AS MATERIALIZED (
        SELECT DISTINCT other.registration_id, other.org_id, other.instance_key
        FROM registrations AS registration
        JOIN written_records AS gone
          ON gone.host_id = registration.host_id AND gone.registration_id = registration.registration_id
         AND gone.slot = 'member' AND gone.sf_id IS NOT NULL
        JOIN written_records AS other
          ON other.host_id = gone.host_id AND other.org_id = gone.org_id AND other.sf_id = gone.sf_id
         AND other.slot = 'member' AND NOT other.registration_id = ANY(:ids)
        WHERE registration.host_id = :host_id AND registration.registration_id = ANY(:ids)
          AND (registration.checked_in_at IS NOT NULL OR gone.meaning = 'replay_watched')
    ),
    held AS MATERIALIZED (
        SELECT registration_id FROM sync_jobs
        WHERE host_id = :host_id AND registration_id IN (SELECT registration_id FROM shared)
        ORDER BY registration_id FOR UPDATE
    )
    UPDATE written_records AS record SET details = record.details || '{"is_manual": true}'
    FROM shared JOIN held USING (registration_id)
    WHERE record.host_id = :host_id AND record.org_id = shared.org_id
      AND record.registration_id = shared.registration_id
      AND record.slot = 'member' AND record.instance_key = shared.instance_key
""")


async def keep_check_ins(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Let the members of these registrations keep the status of whoever came or watched, in the caller's
    transaction.
    """
    await session.execute(KEEP_CHECK_INS, values)
