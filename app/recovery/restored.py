"""Declare that the database is a copy that lacks its last part: nothing of before it acts on, and what may
have been written to Salesforce since is looked for before it is written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import audit_log
from app.infrastructure.database import database_now
from app.models import Restore
from app.sync.jobs.leases import recover_running_jobs

OPERATOR: Final = "operator"
FENCES_AHEAD: Final = 1_000_000
"""More leases than an org had since, where they were counted; a fence that is a time is later anyway.
Whoever holds an old one, or finds its number, cannot write."""
NUMBERS_AHEAD: Final = 1_000_000
"""More notifications than a host had since: the platform has seen none of the numbers that follow."""
CHANGES_AHEAD: Final = 1_000_000_000
"""More changes than there were since: live views resume behind what they have seen."""

END_LEASES: Final = text("""
    UPDATE org_leases SET owner = NULL, until = NULL, fence = fence + :ahead RETURNING org_id
""")
RUNNING_ORGS: Final = text("SELECT DISTINCT org_id FROM sync_jobs WHERE state = 'running' ORDER BY org_id")
# Whatever of them was going on went on without us, perhaps until now: the quiet time begins again.
DOUBT_AGAIN: Final = text("""
    UPDATE written_records
    SET state = 'ambiguous', attempt_started_at = clock_timestamp(), details = details - 'call_ended'
    WHERE state IN ('intended', 'ambiguous')
""")
LOOK_AGAIN: Final = text("UPDATE sync_jobs SET due_at = clock_timestamp() WHERE state = 'ambiguous'")
HOLD_CREATES: Final = text("""
    UPDATE create_locks SET started_at = clock_timestamp(), until = clock_timestamp() + :window
""")
OTHER_FENCES: Final = text("UPDATE verifications SET fence = fence + :ahead WHERE state = 'running'")
FORGET_REFRESHES: Final = text("""
    UPDATE connections SET refresh_started_at = NULL WHERE refresh_started_at IS NOT NULL
""")
MOVE_CHANGES: Final = text("SELECT setval('changes', nextval('changes') + :ahead)")
# A host that was given its first number since has no row yet.
MOVE_NUMBERS: Final = text("""
    INSERT INTO notification_sequences AS counter (host_id, last)
    SELECT host_id, CAST(:ahead AS bigint) FROM hosts WHERE EXISTS (SELECT FROM notification_sequences)
    UNION SELECT host_id, CAST(:ahead AS bigint) FROM notification_sequences
    ON CONFLICT (host_id) DO UPDATE SET last = counter.last + excluded.last
""")


class TimeImpossible(Exception):
    """What was lost cannot have begun then."""


@dataclass(frozen=True)
class Declared:
    """What a declaration did."""

    since: datetime
    restored_at: datetime
    looks_until: datetime
    leases: int
    running: int
    in_doubt: int


async def declare_restored(
    session: AsyncSession, since: datetime, *, looks_for: timedelta, lost_write_window: timedelta
) -> Declared:
    """In the caller's transaction, while no process of ours writes. May be said again.

    `since`: the database knows all up to then. For `looks_for` each create of what existed by now is looked
    for. Raises TimeImpossible.
    """
    now = await database_now(session)
    if since > now:
        raise TimeImpossible(f"--since {since.isoformat()}: the database's clock says {now.isoformat()}")
    leases = (await session.scalars(END_LEASES, {"ahead": FENCES_AHEAD})).all()
    running = 0
    for org_id in (await session.scalars(RUNNING_ORGS)).all():
        running += await recover_running_jobs(session, org_id, is_crash=False)
    in_doubt = (await session.execute(DOUBT_AGAIN)).rowcount  # type: ignore[attr-defined]
    await session.execute(LOOK_AGAIN)
    await session.execute(HOLD_CREATES, {"window": lost_write_window})
    await session.execute(OTHER_FENCES, {"ahead": FENCES_AHEAD})
    await session.execute(FORGET_REFRESHES)
    await session.execute(MOVE_CHANGES, {"ahead": CHANGES_AHEAD})
    await session.execute(MOVE_NUMBERS, {"ahead": NUMBERS_AHEAD})
    # What is written from now on knows all of it: the time is read after the last of the old is fenced off.
    restored_at = await database_now(session)
    looks_until = restored_at + looks_for
    session.add(Restore(restored_at=restored_at, since=since, looks_until=looks_until))
    await audit_log.append_entry(
        session,
        audit_log.OPERATIONS,
        actor=OPERATOR,
        action="salesforce.restored",
        details={"since": since.isoformat(), "looks_until": looks_until.isoformat()},
    )
    return Declared(since, restored_at, looks_until, len(leases), running, in_doubt)
