"""The audit log across hosts: listed, and verified entry by entry."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.pagination import Cursor, SortOrder
from app.infrastructure import audit_log
from app.models import AuditEntry
from app.operations.schemas import AuditQuery, AuditVerified, BrokenChain, Deed, Deeds

ORDER: Final = SortOrder(
    Cursor("deeds", (datetime, str, int)), (AuditEntry.at, AuditEntry.host_id, AuditEntry.seq)
)


async def list_entries(session: AsyncSession, query: AuditQuery) -> Deeds:
    """One page, the latest first. Raises CursorInvalid."""
    entries = select(AuditEntry)
    for name in ("host_id", "actor", "action"):
        if (value := getattr(query, name)) is not None:
            entries = entries.where(getattr(AuditEntry, name) == value)
    if query.since is not None:
        entries = entries.where(AuditEntry.at >= query.since)
    found = (await session.scalars(ORDER.page(entries, limit=query.limit, cursor=query.cursor))).all()
    page, next_cursor = ORDER.cut(
        found, limit=query.limit, keys=lambda entry: (entry.at, entry.host_id, entry.seq)
    )
    return Deeds(items=[Deed.model_validate(each) for each in page], next_cursor=next_cursor)


async def verify_chains(session: AsyncSession, host_id: str | None) -> AuditVerified:
    """Follow the chain of one host, or of every host that has one."""
    hosts = [host_id] if host_id is not None else await audit_log.hosts_with_logs(session)
    found = [(each, await audit_log.first_broken(session, each)) for each in hosts]
    broken = [BrokenChain(host_id=each, **at._asdict()) for each, at in found if at is not None]
    return AuditVerified(hosts=len(hosts), is_whole=not broken, broken=broken)
