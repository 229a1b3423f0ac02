"""The rows of a host and of its events: locked for a change, or required to exist."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import EventNotFound
from app.models import Event, Host


async def lock_host(session: AsyncSession, host_id: str) -> Host:
    """The host's row, made if it is missing, locked until the caller's transaction ends."""
    await session.execute(insert(Host).values(host_id=host_id).on_conflict_do_nothing())
    locked = select(Host).where(Host.host_id == host_id).with_for_update()
    return (await session.scalars(locked.execution_options(populate_existing=True))).one()


async def require_event(session: AsyncSession, host_id: str, event_id: str) -> Event:
    """The event's row. Raises EventNotFound."""
    event = await session.get(Event, (host_id, event_id))
    if event is None:
        raise EventNotFound
    return event
