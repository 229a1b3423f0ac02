"""Remove personal data of past events once the months that a host chose are over; ids, states and times stay.

What is written in Salesforce is left alone. Whoever registered for a later event keeps what that event needs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.privacy.erasure import ErasureRequest, redact_registrations
from app.privacy.tombstones import lock_exclusive

SETTING: Final = "personal_data_months"
ACTOR: Final = "retention"
REMOVED: Final = "salesforce.personal_data_removed"
PORTION: Final = 200

# Looked at once a day. Whoever takes a host keeps the other workers from it for an hour; if they were
# stopped, another goes on then, after hosts that wait for longer.
CLAIM = text(f"""
    UPDATE hosts SET personal_data_checked_at = clock_timestamp() - interval '23 hours'
    WHERE host_id = (
        SELECT host_id FROM hosts
        WHERE (settings ->> '{SETTING}')::integer > 0
          AND coalesce(personal_data_checked_at, '-infinity') < clock_timestamp() - interval '1 day'
        ORDER BY personal_data_checked_at NULLS FIRST, host_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING host_id, personal_data_checked_at AS claimed_at
""")  # noqa: S608 -- put together from constants
# Whose months were changed meanwhile is looked at again at once.
FINISH = text("""
    UPDATE hosts SET personal_data_checked_at = clock_timestamp()
    WHERE host_id = :host_id AND personal_data_checked_at = :claimed_at
""")
# A registration that is still on its way to Salesforce is left until it is there. One that came after its
# event is kept as long after it came.
IS_OVERDUE = f"""
    FROM registrations AS registration
    JOIN hosts AS host ON host.host_id = :host_id AND (host.settings ->> '{SETTING}')::integer > 0
    JOIN events AS event ON event.host_id = :host_id AND event.event_id = registration.event_id
    LEFT JOIN sync_jobs AS job
      ON job.host_id = :host_id AND job.registration_id = registration.registration_id
    WHERE registration.host_id = :host_id AND registration.erased_at IS NULL
      AND coalesce(registration.ends_at, registration.starts_at, event.ends_at, event.starts_at) IS NOT NULL
      AND greatest(
          coalesce(registration.ends_at, registration.starts_at, event.ends_at, event.starts_at),
          registration.registered_at
      ) < clock_timestamp() - make_interval(months => (host.settings ->> '{SETTING}')::integer)
      AND (job.state IS NULL OR job.state IN ('synced', 'failed', 'skipped'))
"""
# All of a host's registrations may be looked through for these: its webhooks do not wait meanwhile.
CANDIDATES = text(f"""
    SELECT registration.registration_id {IS_OVERDUE}
    ORDER BY registration.registration_id LIMIT :portion
""")
# A batch may have begun with some since: no other begins with those that are locked.
LOCK_JOBS = text("""
    SELECT 1 FROM sync_jobs WHERE host_id = :host_id AND registration_id = ANY(:ids)
    ORDER BY registration_id FOR UPDATE
""")
LOCK_REGISTRATIONS = text("""
    SELECT 1 FROM registrations WHERE host_id = :host_id AND registration_id = ANY(:ids)
    ORDER BY registration_id FOR UPDATE
""")
OVERDUE = text(f"""
    SELECT registration.registration_id, registration.event_id, clock_timestamp() AS now,
           (host.settings ->> '{SETTING}')::integer AS months {IS_OVERDUE}
      AND registration.registration_id = ANY(:ids)
    ORDER BY registration.registration_id
""")


async def remove_overdue(database: Database, *, pepper: bytes, portion: int = PORTION) -> int:
    """Remove what is overdue of hosts that were not looked at for a day; returns how many registrations.

    Each portion is a transaction of its own: the host's webhooks wait for one at most.
    """
    removed = 0
    while (claimed := await _claim(database)) is not None:
        host_id, claimed_at = claimed
        removed += await _remove_of_host(database, host_id, pepper=pepper, portion=portion)
        async with database.system() as session:
            await session.execute(FINISH, {"host_id": host_id, "claimed_at": claimed_at})
    return removed


async def _claim(database: Database) -> tuple[str, datetime] | None:
    async with database.system() as session:
        row = (await session.execute(CLAIM)).one_or_none()
    return None if row is None else (row.host_id, row.claimed_at)


async def _remove_of_host(database: Database, host_id: str, *, pepper: bytes, portion: int) -> int:
    removed = 0
    while True:
        async with database.system() as session:
            values = {"host_id": host_id, "portion": portion}
            candidates = (await session.scalars(CANDIDATES, values)).all()
        async with database.system() as session:
            removed += await _remove_portion(session, host_id, candidates, pepper=pepper)
        if len(candidates) < portion:
            return removed


async def _remove_portion(
    session: AsyncSession, host_id: str, candidates: Sequence[str], *, pepper: bytes
) -> int:
    if not candidates:
        return 0
    await lock_exclusive(session, [host_id])
    values = {"host_id": host_id, "ids": list(candidates)}
    await session.execute(LOCK_REGISTRATIONS, values)
    await session.execute(LOCK_JOBS, values)
    found = (await session.execute(OVERDUE, values)).all()
    if not found:
        return 0
    now: datetime = found[0].now
    ids = tuple(row.registration_id for row in found)
    wish = ErasureRequest(host_id, now, attendee_id=None, email=None, registration_ids=ids)
    await redact_registrations(session, wish, pepper=pepper)
    events = sorted({row.event_id for row in found})
    details = {"registrations": len(ids), "events": events, "months": found[0].months}
    await audit_log.append_entry(session, host_id, actor=ACTOR, action=REMOVED, details=details)
    return len(ids)
