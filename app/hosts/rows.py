"""The rows of a host, of its connection and of its events."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import EventNotFound
from app.models import Connection, Event, Host
from app.states import ConnectionState


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


async def connected_orgs(session: AsyncSession, host_id: str) -> set[str]:
    """The org to wake after a change of the host; empty while it is not connected."""
    connected = (Connection.host_id == host_id, Connection.state == ConnectionState.CONNECTED)
    return set(await session.scalars(select(Connection.org_id).where(*connected)))
