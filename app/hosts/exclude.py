"""Leave one registration out, for ever or until it is taken in again."""

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.models import Connection, Registration
from app.problems import RegistrationNotFound
from app.sync.arm import Arm, arm_jobs

# What stands in Salesforce stays; what is on its way is settled and looked at once more.
SKIP = text("""
    UPDATE sync_jobs
    SET state = CASE WHEN state IN ('running', 'ambiguous', 'synced') THEN state ELSE 'skipped' END,
        skipped_because = CASE WHEN state IN ('running', 'ambiguous', 'synced') THEN skipped_because
                               ELSE 'excluded' END,
        waiting_for = CASE WHEN state IN ('running', 'ambiguous') THEN waiting_for END,
        wanted_version = wanted_version + CASE WHEN state IN ('running', 'ambiguous') THEN 1 ELSE 0 END
    WHERE host_id = :host_id AND registration_id = :registration_id
""")
EXCLUDED, INCLUDED = "salesforce.registration_excluded", "salesforce.registration_included"


async def exclude(session: AsyncSession, found: Registration, *, by: str) -> None:
    """Never write this registration; again is no change."""
    if found.excluded_at is not None:
        return
    await _mark(session, found, by=by)
    keys = {"host_id": found.host_id, "registration_id": found.registration_id}
    await session.execute(SKIP, keys)
    await _record(session, found, EXCLUDED, by=by)


async def include(session: AsyncSession, found: Registration, *, by: str) -> set[str]:
    """Write it again as if it were new; the answer names the orgs to wake after the commit."""
    if found.excluded_at is None:
        return set()
    await _mark(session, found, by=None)
    await _record(session, found, INCLUDED, by=by)
    connection = await session.get(Connection, found.host_id)
    if connection is None:
        return set()
    arm = Arm(found.host_id, found.registration_id, found.event_id, connection.org_id, asked_by=by)
    return await arm_jobs(session, [arm])


async def find_registration(
    session: AsyncSession, host_id: str, event_id: str, *, registration_id: str
) -> Registration:
    """The registration, locked. Raises RegistrationNotFound."""
    found = await session.get(Registration, (host_id, registration_id), with_for_update=True)
    if found is None or found.event_id != event_id:
        raise RegistrationNotFound
    return found


async def _mark(session: AsyncSession, found: Registration, *, by: str | None) -> None:
    at = None if by is None else func.clock_timestamp()
    await session.execute(
        update(Registration)
        .where(Registration.host_id == found.host_id, Registration.registration_id == found.registration_id)
        .values(excluded_at=at, excluded_by=by)
    )


async def _record(session: AsyncSession, found: Registration, action: str, *, by: str) -> None:
    details = {"event_id": found.event_id, "registration_id": found.registration_id}
    await audit.record(session, found.host_id, actor=by, action=action, details=details)
