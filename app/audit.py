"""Append-only log of who did what: one hash chain per host, verified from the first entry on."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import AuditEntry

GENESIS = b"\0" * 32


async def record(
    session: AsyncSession, host_id: str, *, actor: str, action: str, details: Mapping[str, Any] | None = None
) -> None:
    """Add one entry in the caller's transaction. `details` name ids, never personal data or secrets."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": host_id})
    last = (
        await session.execute(
            select(AuditEntry.seq, AuditEntry.hash)
            .where(AuditEntry.host_id == host_id)
            .order_by(AuditEntry.seq.desc())
            .limit(1)
        )
    ).first()
    seq, prev_hash = (last.seq + 1, last.hash) if last else (1, GENESIS)
    at = await session.scalar(select(func.clock_timestamp()))
    assert at is not None
    entry = AuditEntry(
        host_id=host_id,
        seq=seq,
        at=at,
        actor=actor,
        action=action,
        details=dict(details or {}),
        prev_hash=prev_hash,
        hash=b"",
    )
    entry.hash = entry_hash(entry)
    session.add(entry)
    await session.flush()


def entry_hash(entry: AuditEntry) -> bytes:
    """SHA-256 over the previous hash and the entry in canonical JSON."""
    canonical = json.dumps(
        [entry.host_id, entry.seq, _instant(entry.at), entry.actor, entry.action, entry.details],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(entry.prev_hash + canonical.encode()).digest()


async def first_broken(session: AsyncSession, host_id: str) -> int | None:
    """The number of the first entry that does not fit the chain; None when it is whole."""
    entries = await session.stream_scalars(
        select(AuditEntry).where(AuditEntry.host_id == host_id).order_by(AuditEntry.seq)
    )
    expected, prev_hash = 1, GENESIS
    async for entry in entries:
        is_next = entry.seq == expected and entry.prev_hash == prev_hash
        if not is_next or entry.hash != entry_hash(entry):
            return expected
        expected, prev_hash = expected + 1, entry.hash
    return None


async def hosts_with_entries(session: AsyncSession) -> list[str]:
    """Every host that has a log, for the verifier (a system session sees them all)."""
    return list(await session.scalars(select(AuditEntry.host_id).distinct().order_by(AuditEntry.host_id)))


def _instant(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
