"""Pause and resume one event: a gate that workers look at, so that no row is touched."""

from sqlalchemy import func, update

from app.api.dependencies import Resources
from app.infrastructure import audit_log
from app.models import Event
from app.registrations.context import load_context
from app.registrations.schemas import Stats
from app.registrations.stats import event_stats


async def set_event_pause(
    resources: Resources, host_id: str, event_id: str, *, is_paused: bool, by: str
) -> Stats:
    """Close or open the event's gate; again is no change. Raises EventNotFound."""
    async with resources.database.tenant(host_id) as session:
        context = await load_context(session, host_id, event_id)
        if (context.event.paused_at is not None) != is_paused:
            await session.execute(
                update(Event)
                .where(Event.host_id == host_id, Event.event_id == event_id)
                .values(
                    paused_at=func.clock_timestamp() if is_paused else None,
                    paused_by=by if is_paused else None,
                )
            )
            action = "salesforce.event_paused" if is_paused else "salesforce.event_resumed"
            await audit_log.append_entry(
                session, host_id, actor=by, action=action, details={"event_id": event_id}
            )
    async with resources.database.tenant(host_id) as session:
        stats = await event_stats(session, host_id, event_id, is_configured=resources.settings.has_shared_app)
    if not is_paused and context.org_id is not None:
        await resources.wakeups.announce([context.org_id])
    return stats
