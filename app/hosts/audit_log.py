"""A host's audit log, newest first, page by page."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.pagination import Cursor, SortOrder
from app.models import AuditEntry

ORDER: Final = SortOrder(Cursor("audit", (int,)), (AuditEntry.seq,))


class AuditShown(BaseModel):
    """One deed: who did what when. `details` name ids and figures."""

    seq: int
    at: AwareDatetime
    actor: str
    action: str
    details: dict[str, Any]


class AuditPage(BaseModel):
    """One page of the log."""

    items: list[AuditShown]
    next_cursor: str | None


async def list_audit(
    session: AsyncSession,
    host_id: str,
    *,
    limit: int,
    cursor: str | None,
    actions: Sequence[str] = (),
    actor: str | None = None,
) -> AuditPage:
    """The entries before the cursor, of these actions and this actor where given. Raises CursorInvalid."""
    query = select(AuditEntry).where(AuditEntry.host_id == host_id)
    if actions:
        query = query.where(AuditEntry.action.in_(actions))
    if actor:
        query = query.where(AuditEntry.actor == actor)
    found = (await session.scalars(ORDER.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = ORDER.cut(found, limit=limit, keys=lambda entry: (entry.seq,))
    items = [AuditShown.model_validate(entry, from_attributes=True) for entry in page]
    return AuditPage(items=items, next_cursor=next_cursor)
