"""Lock a host's row, so that its changes run one after another."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Host


async def lock_host(session: AsyncSession, host_id: str) -> Host:
    """The host's row, made if it is missing, locked until the caller's transaction ends."""
    await session.execute(insert(Host).values(host_id=host_id).on_conflict_do_nothing())
    locked = select(Host).where(Host.host_id == host_id).with_for_update()
    return (await session.scalars(locked.execution_options(populate_existing=True))).one()
