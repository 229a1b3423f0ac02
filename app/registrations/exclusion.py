"""Leave one registration out, for ever or until it is taken in again."""

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import RegistrationNotFound
from app.infrastructure import audit_log
from app.models import Connection, Registration
from app.registrations.listing import read_row
from app.registrations.schemas import Row
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs

# What stands in Salesforce stays; what is on its way is settled and looked at once more.
SKIP = text("""
    UPDATE sync_jobs
    SET state = CASE WHEN state IN ('running', 'ambiguous', 'synced') THEN state ELSE 'skipped' END,
        skipped_because = CASE WHEN state IN ('running', 'ambiguous', 'synced') THEN skipped_because
                               ELSE 'excluded' END,
        waiting_for = CASE WHEN state IN ('running', 'ambiguous') THEN waiting_for END,
        requested_version = requested_version + CASE WHEN state IN ('running', 'ambiguous') THEN 1 ELSE 0 END
    WHERE host_id = :host_id AND registration_id = :registration_id
""")
EXCLUDED, INCLUDED = "salesforce.registration_excluded", "salesforce.registration_included"


async def set_excluded(
    resources: Resources, host_id: str, event_id: str, *, registration_id: str, is_excluded: bool, by: str
) -> Row:
    """Never write this registration, or write it as if it were new; again is no change.

    The answer is the row as it stands then. Raises RegistrationNotFound.
    """
    async with resources.database.tenant(host_id) as session:
        found = await _find(session, host_id, event_id, registration_id=registration_id)
        is_change = (found.excluded_at is not None) != is_excluded
        org_ids = await _change(session, found, is_excluded=is_excluded, by=by) if is_change else set()
        row = await read_row(session, host_id, event_id, registration_id=registration_id)
    await resources.wakeups.announce(org_ids)
    return row


async def _change(session: AsyncSession, found: Registration, *, is_excluded: bool, by: str) -> set[str]:
    """The orgs to wake after the commit."""
    await _mark(session, found, by=by if is_excluded else None)
    await _record(session, found, EXCLUDED if is_excluded else INCLUDED, by=by)
    if is_excluded:
        await session.execute(SKIP, {"host_id": found.host_id, "registration_id": found.registration_id})
        return set()
    connection = await session.get(Connection, found.host_id)
    if connection is None:
        return set()
    arm = JobRequest(found.host_id, found.registration_id, found.event_id, connection.org_id, requested_by=by)
    return await enqueue_jobs(session, [arm])


async def _find(session: AsyncSession, host_id: str, event_id: str, *, registration_id: str) -> Registration:
    """Locked. Raises RegistrationNotFound."""
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
    await audit_log.append_entry(session, found.host_id, actor=by, action=action, details=details)
