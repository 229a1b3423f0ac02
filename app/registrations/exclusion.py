"""Leave one registration out, for ever or until it is taken in again."""

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.infrastructure import audit_log
from app.models import Connection, Registration
from app.registrations.context import require_registration
from app.registrations.listing import read_row
from app.registrations.schemas import Row
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs

# What stands in Salesforce stays; what is on its way is settled and looked at once more.
SKIP = text("""
    UPDATE sync_jobs
    SET state = CASE WHEN state IN ('running', 'ambiguous', 'synced') THEN state
                     WHEN settled_state = 'synced' THEN settled_state ELSE 'skipped' END,
        skipped_because = CASE WHEN state IN ('running', 'ambiguous', 'synced') OR settled_state = 'synced'
                               THEN skipped_because ELSE 'excluded' END,
        settled_state = CASE WHEN state IN ('running', 'ambiguous') THEN settled_state END,
        waiting_for = CASE WHEN state IN ('running', 'ambiguous') THEN waiting_for END,
        requested_version = requested_version + CASE WHEN state IN ('running', 'ambiguous') THEN 1 ELSE 0 END
    WHERE host_id = :host_id AND registration_id = :registration_id
""")
EXCLUDED, INCLUDED = "salesforce.registration_excluded", "salesforce.registration_included"


async def set_excluded(call: EventCall, registration_id: str, *, is_excluded: bool) -> Row:
    """Never write this registration, or write it as if it were new; again is no change.

    Returns the row as it is then. Raises RegistrationNotFound.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        registration = await require_registration(
            session, call.host_id, call.event_id, registration_id, is_locked=True
        )
        is_change = (registration.excluded_at is not None) != is_excluded
        org_ids = await _change(session, call, registration, is_excluded=is_excluded) if is_change else set()
        row = await read_row(session, call.host_id, call.event_id, registration_id=registration_id)
    await call.resources.wakeups.announce(org_ids)
    return row


async def _change(
    session: AsyncSession, call: EventCall, registration: Registration, *, is_excluded: bool
) -> set[str]:
    """The orgs to wake after the commit."""
    host_id, registration_id, by = call.host_id, registration.registration_id, call.user_id
    marked = {"excluded_at": func.clock_timestamp(), "excluded_by": by}
    await session.execute(
        update(Registration)
        .where(Registration.host_id == host_id, Registration.registration_id == registration_id)
        .values(marked if is_excluded else dict.fromkeys(marked))
    )
    action = EXCLUDED if is_excluded else INCLUDED
    details = {"event_id": call.event_id, "registration_id": registration_id}
    await audit_log.append_entry(session, host_id, actor=by, action=action, details=details)
    if is_excluded:
        await session.execute(SKIP, {"host_id": host_id, "registration_id": registration_id})
        return set()
    connection = await session.get(Connection, host_id)
    if connection is None:
        return set()
    request = JobRequest(host_id, registration_id, call.event_id, connection.org_id, requested_by=by)
    return await enqueue_jobs(session, [request])
