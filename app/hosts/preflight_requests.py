"""Requests for a preflight, stored for a worker."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Preflight


async def request_preflight(session: AsyncSession, host_id: str, org_id: str) -> None:
    """Ask for a look in the caller's transaction; what was seen before is forgotten."""
    values = {"org_id": org_id, "result": None, "checked_at": None, "requested_at": func.clock_timestamp()}
    row = insert(Preflight).values(host_id=host_id, **values)
    await session.execute(row.on_conflict_do_update(index_elements=["host_id"], set_=values))
