"""A host's audit log, newest first, page by page."""

from typing import Any

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import CursorInvalid
from app.api.pagination import decode_cursor, encode_cursor
from app.models import AuditEntry

KIND = "audit"
DIGITS_MAX = 18


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


async def list_audit(session: AsyncSession, host_id: str, *, limit: int, cursor: str | None) -> AuditPage:
    """The entries before the cursor. Raises CursorInvalid."""
    query = select(AuditEntry).where(AuditEntry.host_id == host_id)
    if cursor is not None:
        query = query.where(AuditEntry.seq < _seq(cursor))
    found = (await session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit + 1))).all()
    shown = [AuditShown.model_validate(entry, from_attributes=True) for entry in found[:limit]]
    has_more = len(found) > limit
    return AuditPage(items=shown, next_cursor=encode_cursor(KIND, [str(shown[-1].seq)]) if has_more else None)


def _seq(cursor: str) -> int:
    [seq] = decode_cursor(cursor, KIND, width=1)
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= DIGITS_MAX):
        raise CursorInvalid
    return int(seq)
