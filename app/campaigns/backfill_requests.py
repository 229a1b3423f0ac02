"""Backfills on request: of one event, and of everybody who registered before the host was connected."""

from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall, HostCall
from app.api.errors import CampaignNotLinked
from app.campaigns.backfill import backfill_view, cancel_backfill, cancel_pending_jobs, start_backfill
from app.campaigns.schemas import BackfillShown, HostBackfill
from app.connections.service import usable_connection
from app.hosts.rows import require_event
from app.infrastructure import audit_log
from app.infrastructure.database import hash_joins_only
from app.models import Backfill, CampaignLink, Connection
from app.states import JobReason
from app.sync.jobs.unwritten import Unwritten, count_unwritten, unwritten_by_event


async def request_backfill(call: EventCall, *, reason: str) -> BackfillShown:
    """Write the event's registrations, those of before the connection included.

    Raises EventNotFound, CampaignNotLinked (`reapply` only), BackfillRunning, NotConnected,
    ConnectionNeedsReconnect.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        link = await session.get(CampaignLink, (call.host_id, call.event_id))
        if link is None and reason == JobReason.REAPPLY:
            raise CampaignNotLinked
        started = await start_backfill(
            session,
            call.host_id,
            call.event_id,
            org_id=await _lock_connected_org(session, call),
            reason=reason,
            requested_by=call.user_id,
            is_kept_empty=True,
        )
        assert started is not None
        details = {"event_id": call.event_id, "backfill_id": started.backfill_id, "why": reason}
        await _record(session, call, "salesforce.backfill_started", details)
        shown = await backfill_view(session, call.host_id, call.event_id)
    assert shown is not None
    return shown


async def stop_backfill(call: EventCall) -> BackfillShown | None:
    """End the event's backfill and withdraw the jobs that nobody has begun.

    Returns the latest backfill, None when none ever ran. Raises EventNotFound.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        stopped = await cancel_backfill(session, call.host_id, call.event_id)
        if stopped is not None:
            withdrawn = await cancel_pending_jobs(session, stopped)
            details = {"event_id": call.event_id, "backfill_id": stopped.backfill_id, "withdrawn": withdrawn}
            await _record(session, call, "salesforce.backfill_cancelled", details)
        return await backfill_view(session, call.host_id, call.event_id)


async def write_before(call: HostCall, *, is_dry_run: bool) -> HostBackfill:
    """Start a backfill for each event with registrations from before the connection.

    They have no job for the connected org. Linking a campaign writes those of its event; the others wait for
    this request. Events with a backfill that includes them are left out, so that they are not counted twice.
    Raises NotConnected, ConnectionNeedsReconnect.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        org_id = await _lock_connected_org(session, call)
        if is_dry_run:
            found = await count_unwritten(session, call.host_id, org_id=org_id)
        else:
            found = await _start_for_events(session, call, org_id=org_id)
    return HostBackfill(dry_run=is_dry_run, **vars(found))


async def _start_for_events(session: AsyncSession, call: HostCall, *, org_id: str) -> Unwritten:
    async with hash_joins_only(session):
        events = (await session.execute(unwritten_by_event(call.host_id, org_id))).all()
    if not events:
        return Unwritten.of(0, 0)
    reason = JobReason.BEFORE_CONNECTION
    common = {"host_id": call.host_id, "org_id": org_id, "reason": reason, "requested_by": call.user_id}
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
    details = {"why": reason, "events": len(totals), "registrations": sum(totals)}
    await _record(session, call, "salesforce.backfill_started", details)
    return Unwritten.of(sum(totals), len(totals))


async def _lock_connected_org(session: AsyncSession, call: HostCall) -> str:
    await session.get(Connection, call.host_id, with_for_update={"key_share": True})
    connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
    return connection.org_id


async def _record(session: AsyncSession, call: HostCall, action: str, details: dict[str, Any]) -> None:
    await audit_log.append_entry(session, call.host_id, actor=call.user_id, action=action, details=details)
