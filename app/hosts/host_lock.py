"""The host's own row: made when first needed, locked to let its changes go one after another, paused."""

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import audit_log
from app.models import Connection, Host
from app.states import ConnectionState


async def lock_host(session: AsyncSession, host_id: str) -> Host:
    """The host's row, made if it is missing, locked until the caller's transaction ends."""
    await session.execute(insert(Host).values(host_id=host_id).on_conflict_do_nothing())
    locked = select(Host).where(Host.host_id == host_id).with_for_update()
    return (await session.scalars(locked.execution_options(populate_existing=True))).one()


async def pause_host(session: AsyncSession, host_id: str, *, user_id: str) -> None:
    """Let the host's work wait until it is resumed; pausing twice changes nothing."""
    host = await lock_host(session, host_id)
    if host.paused_at is None:
        await _set_pause(session, host, paused_by=user_id)
        await audit_log.append_entry(session, host_id, actor=user_id, action="salesforce.paused")


async def resume_host(session: AsyncSession, host_id: str, *, user_id: str) -> set[str]:
    """Let the host's work go on; the answer names the orgs to wake after the commit."""
    host = await lock_host(session, host_id)
    if host.paused_at is None:
        return set()
    await _set_pause(session, host, paused_by=None)
    await audit_log.append_entry(session, host_id, actor=user_id, action="salesforce.resumed")
    living = (Connection.host_id == host_id, Connection.state == ConnectionState.CONNECTED)
    return set(await session.scalars(select(Connection.org_id).where(*living)))


async def _set_pause(session: AsyncSession, host: Host, *, paused_by: str | None) -> None:
    paused_at = None if paused_by is None else func.clock_timestamp()
    await session.execute(
        update(Host).where(Host.host_id == host.host_id).values(paused_at=paused_at, paused_by=paused_by)
    )
    await session.execute(
        update(Connection).where(Connection.host_id == host.host_id).values(version=Connection.version + 1)
    )
