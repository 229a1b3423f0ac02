"""The audit log across hosts: listed, and verified entry by entry."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import CursorInvalid
from app.api.pagination import decode_cursor, encode_cursor
from app.infrastructure import audit_log
from app.models import AuditEntry
from app.operations.schemas import AuditQuery, AuditVerified, BrokenChain, Deed, Deeds


async def list_deeds(session: AsyncSession, query: AuditQuery) -> Deeds:
    """One page, the latest first. Raises CursorInvalid."""
    key = (AuditEntry.at, AuditEntry.host_id, AuditEntry.seq)
    wanted = select(AuditEntry)
    for name in ("host_id", "actor", "action"):
        if (value := getattr(query, name)) is not None:
            wanted = wanted.where(getattr(AuditEntry, name) == value)
    if query.since is not None:
        wanted = wanted.where(AuditEntry.at >= query.since)
    if query.cursor is not None:
        wanted = wanted.where(tuple_(*key) < tuple_(*_last_seen(query.cursor)))
    ordered = wanted.order_by(*(each.desc() for each in key)).limit(query.limit + 1)
    found = list(await session.scalars(ordered))
    shown = found[: query.limit]
    last = [shown[-1].at.isoformat(), shown[-1].host_id, str(shown[-1].seq)] if shown else []
    return Deeds(
        items=[Deed.model_validate(each) for each in shown],
        next_cursor=encode_cursor("deeds", last) if len(found) > query.limit else None,
    )


async def verify_chains(session: AsyncSession, host_id: str | None) -> AuditVerified:
    """Follow the chain of one host, or of every host that has one."""
    hosts = [host_id] if host_id is not None else await audit_log.hosts_with_logs(session)
    found = [(each, await audit_log.first_broken(session, each)) for each in hosts]
    broken = [BrokenChain(host_id=each, **at._asdict()) for each, at in found if at is not None]
    return AuditVerified(hosts=len(hosts), is_whole=not broken, broken=broken)


def _last_seen(cursor: str) -> tuple[datetime, str, int]:
    at, host_id, seq = decode_cursor(cursor, "deeds", width=3)
    try:
        moment, number = datetime.fromisoformat(at), int(seq)
    except ValueError:
        raise CursorInvalid from None
    if moment.tzinfo is None:
        raise CursorInvalid
    return moment, host_id, number
