"""Registrations from before the host was connected, over all its events: count and write them.

They have no job for the connected org. Linking a campaign writes those of its event; the others wait for a
request. Events with a backfill that includes them are left out, so that they are not counted twice.
"""

from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.campaigns.schemas import HostBackfill
from app.connections.service import usable_connection
from app.infrastructure import audit_log
from app.infrastructure.database import hash_joins_only
from app.models import Backfill, Connection
from app.states import JobReason
from app.sync.jobs.unwritten import Unwritten, count_unwritten, figures, unwritten_by_event


async def write_before(resources: Resources, host_id: str, *, by: str, is_dry_run: bool) -> HostBackfill:
    """Start a backfill for each event that has any. Raises NotConnected, ConnectionNeedsReconnect."""
    async with resources.database.tenant(host_id) as session:
        await session.get(Connection, host_id, with_for_update={"key_share": True})
        connection = await usable_connection(session, host_id, settings=resources.settings)
        if is_dry_run:
            found = await count_unwritten(session, host_id, org_id=connection.org_id)
        else:
            found = await _start(session, host_id, org_id=connection.org_id, by=by)
    return HostBackfill(dry_run=is_dry_run, **vars(found))


async def _start(session: AsyncSession, host_id: str, *, org_id: str, by: str) -> Unwritten:
    async with hash_joins_only(session):
        events = (await session.execute(unwritten_by_event(host_id, org_id))).all()
    if not events:
        return figures(0, 0)
    common = {"host_id": host_id, "org_id": org_id, "reason": JobReason.BEFORE_CONNECTION, "requested_by": by}
    rows = [
        {"backfill_id": f"bf_{uuid4().hex}", "event_id": event_id, "total": total, **common}
        for event_id, total in events
    ]
    # An event that is just being unlinked is left for the next time.
    started = await session.scalars(
        insert(Backfill)
        .on_conflict_do_nothing(
            index_elements=["host_id", "event_id"], index_where=text("state IN ('running', 'paused')")
        )
        .returning(Backfill.total),
        rows,
    )
    totals = started.all()
    details = {"why": JobReason.BEFORE_CONNECTION, "events": len(totals), "registrations": sum(totals)}
    await audit_log.append_entry(
        session, host_id, actor=by, action="salesforce.backfill_started", details=details
    )
    return figures(sum(totals), len(totals))
