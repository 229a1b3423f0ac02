"""Backfills on request: start and stop."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import CampaignNotLinked, EventNotFound
from app.campaigns.backfill import (
    backfill_view,
    cancel_backfill,
    cancel_pending_jobs,
    record_empty_backfill,
    start_backfill,
)
from app.campaigns.schemas import BackfillShown
from app.connections.service import usable_connection
from app.infrastructure import audit_log
from app.models import CampaignLink, Connection, Event
from app.states import JobReason


async def request_backfill(
    resources: Resources, host_id: str, event_id: str, *, reason: str, by: str
) -> BackfillShown:
    """Write the event's registrations, those of before the connection included.

    Raises EventNotFound, CampaignNotLinked (`reapply` only), BackfillRunning, NotConnected,
    ConnectionNeedsReconnect.
    """
    async with resources.database.tenant(host_id) as session:
        await _require(session, host_id, event_id, reason=reason)
        await session.get(Connection, host_id, with_for_update={"key_share": True})
        connection = await usable_connection(session, host_id, settings=resources.settings)
        asked = {"org_id": connection.org_id, "reason": reason, "requested_by": by}
        started = await start_backfill(session, host_id, event_id, **asked)
        started = started or await record_empty_backfill(session, host_id, event_id, **asked)
        details = {"event_id": event_id, "backfill_id": started.backfill_id, "why": reason}
        await _record(session, host_id, "salesforce.backfill_started", by=by, details=details)
        shown = await backfill_view(session, host_id, event_id)
    assert shown is not None
    return shown


async def stop_backfill(
    resources: Resources, host_id: str, event_id: str, *, by: str
) -> BackfillShown | None:
    """End the event's backfill: what it armed and nobody has begun is let go again.

    The latest backfill as it stands then, None when none ever ran. Raises EventNotFound.
    """
    async with resources.database.tenant(host_id) as session:
        await _require(session, host_id, event_id, reason="")
        stopped = await cancel_backfill(session, host_id, event_id)
        if stopped is not None:
            withdrawn = await cancel_pending_jobs(session, stopped)
            details = {"event_id": event_id, "backfill_id": stopped.backfill_id, "withdrawn": withdrawn}
            await _record(session, host_id, "salesforce.backfill_cancelled", by=by, details=details)
        return await backfill_view(session, host_id, event_id)


async def _require(session: AsyncSession, host_id: str, event_id: str, *, reason: str) -> None:
    if await session.get(Event, (host_id, event_id)) is None:
        raise EventNotFound
    if reason == JobReason.REAPPLY and await session.get(CampaignLink, (host_id, event_id)) is None:
        raise CampaignNotLinked


async def _record(
    session: AsyncSession, host_id: str, action: str, *, by: str, details: dict[str, Any]
) -> None:
    await audit_log.append_entry(session, host_id, actor=by, action=action, details=details)
