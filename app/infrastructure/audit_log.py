"""Append-only log of who did what: one chain per host, keyed by what the database does not have.

Each entry's hash is an HMAC over the entry and the hash before it. The head of each chain is kept beside
the log, with the number of entries, under an HMAC of its own: whoever can write to the database can neither
make an entry nor say that there were fewer.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import select, text, union
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import database_now
from app.models import AuditEntry, AuditHead, Connection

GENESIS: Final = b"\0" * 32
OPERATIONS: Final = ""
"""The log of acts of operations that touched no host; no tenant has this id."""

LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))")

Why = Literal["changed", "missing", "no_head"]


class Break(NamedTuple):
    """The first entry that does not fit.

    `changed`: it is not what was written. `missing`: it is gone. `no_head`: up to it nothing tells a changed
    log from one that was written before heads were kept; see `accept`.
    """

    seq: int
    why: Why


@dataclass
class _Walk:
    """Where a walk along a chain is: the last entry that fits."""

    seq: int = 0
    hash: bytes = GENESIS


def audit_key(pepper: bytes) -> bytes:
    """The key of the audit log's chains."""
    return hashlib.blake2b(b"chain", key=pepper, digest_size=32, person=b"evs-audit").digest()


async def append_entry(
    session: AsyncSession, host_id: str, *, actor: str, action: str, details: Mapping[str, Any] | None = None
) -> None:
    """Add one entry in the caller's transaction. `details` name ids, never personal data or secrets."""
    key = _key(session)
    await session.execute(LOCK, {"key": host_id})
    last, head = await _last(session, host_id), await session.get(AuditHead, host_id)
    # After a cut the numbers go on behind what was cut, so that the gap stays.
    before = _Walk(head.count, head.hash) if head is not None and head.count > last.seq else last
    entry = AuditEntry(
        host_id=host_id,
        seq=before.seq + 1,
        at=await database_now(session),
        actor=actor,
        action=action,
        details=dict(details or {}),
        prev_hash=before.hash,
        hash=b"",
    )
    entry.hash = entry_hash(entry, key)
    session.add(entry)
    if head is not None:
        _move(head, key, to=_Walk(entry.seq, entry.hash))
    elif last.seq == 0:
        session.add(_head_of(host_id, key, at=_Walk(entry.seq, entry.hash), keyed_from=1))
    await session.flush()


def entry_hash(entry: AuditEntry, key: bytes | None) -> bytes:
    """HMAC-SHA-256 over the previous hash and the entry in canonical JSON; without a key, as it once was."""
    canonical = json.dumps(
        [entry.host_id, entry.seq, _instant(entry.at), entry.actor, entry.action, entry.details],
        sort_keys=True,
        separators=(",", ":"),
    )
    message = entry.prev_hash + canonical.encode()
    return hashlib.sha256(message).digest() if key is None else _mac(key, message)


async def first_broken(session: AsyncSession, host_id: str) -> Break | None:
    """Where the host's chain breaks; None when it is whole up to the head that was kept of it."""
    key = _key(session)
    head = await session.get(AuditHead, host_id, populate_existing=True)
    walk, found = await _follow(session, host_id, key=key, keyed_from=head.keyed_from if head else None)
    if found is not None:
        return found
    if head is None:
        return await _without_head(session, host_id, walk)
    if not hmac.compare_digest(head.mac, _head_mac(head, key)):
        return Break(max(walk.seq, 1), "changed")
    if head.count > walk.seq:
        return Break(walk.seq + 1, "missing")
    return None if (head.count, head.hash) == (walk.seq, walk.hash) else Break(walk.seq, "changed")


async def accept(session: AsyncSession, host_id: str, *, actor: str) -> Break | None:
    """Keep the head of a log as it stands, written before heads were kept or by a release that keeps none.

    Says where it is broken, and does nothing, if an entry fits neither with the key nor without it.
    """
    key = _key(session)
    await session.execute(LOCK, {"key": host_id})
    walk, found = await _follow(session, host_id, key=key, keyed_from=None)
    head = await session.get(AuditHead, host_id, populate_existing=True)
    if found is None and head is not None and head.count > walk.seq:
        found = Break(walk.seq + 1, "missing")
    if found is not None or walk.seq == 0:
        return found
    if head is None:
        head = _head_of(host_id, key, at=walk, keyed_from=walk.seq + 1)
        session.add(head)
    head.keyed_from = walk.seq + 1
    _move(head, key, to=walk)
    await session.flush()
    details = {"entries": walk.seq}
    await append_entry(session, host_id, actor=actor, action="ops.audit_log_accepted", details=details)
    return None


async def hosts_with_logs(session: AsyncSession) -> list[str]:
    """Every host that has or must have a log, for the verifier (a system session sees them all)."""
    every = union(select(AuditEntry.host_id), select(AuditHead.host_id), select(Connection.host_id))
    return sorted(await session.scalars(every))


async def _follow(
    session: AsyncSession, host_id: str, *, key: bytes, keyed_from: int | None
) -> tuple[_Walk, Break | None]:
    """Along the entries, from the first one on. Before `keyed_from` an entry may fit without the key."""
    entries = await session.stream_scalars(
        select(AuditEntry)
        .where(AuditEntry.host_id == host_id)
        .order_by(AuditEntry.seq)
        .execution_options(populate_existing=True)
    )
    walk = _Walk()
    async for entry in entries:
        if entry.seq != walk.seq + 1:
            return walk, Break(walk.seq + 1, "missing")
        fitting = [entry_hash(entry, key)]
        if keyed_from is None or entry.seq < keyed_from:
            fitting.append(entry_hash(entry, None))
        if entry.prev_hash != walk.hash or entry.hash not in fitting:
            return walk, Break(entry.seq, "changed")
        walk = _Walk(entry.seq, entry.hash)
    return walk, None


async def _without_head(session: AsyncSession, host_id: str, walk: _Walk) -> Break | None:
    if walk.seq > 0:
        return Break(walk.seq, "no_head")
    # Connecting leaves an entry.
    is_connected = await session.scalar(select(Connection.host_id).where(Connection.host_id == host_id))
    return Break(1, "missing") if is_connected is not None else None


async def _last(session: AsyncSession, host_id: str) -> _Walk:
    last = (
        await session.execute(
            select(AuditEntry.seq, AuditEntry.hash)
            .where(AuditEntry.host_id == host_id)
            .order_by(AuditEntry.seq.desc())
            .limit(1)
        )
    ).first()
    return _Walk(last.seq, last.hash) if last else _Walk()


def _head_of(host_id: str, key: bytes, *, at: _Walk, keyed_from: int) -> AuditHead:
    head = AuditHead(host_id=host_id, count=at.seq, hash=at.hash, keyed_from=keyed_from, mac=b"")
    head.mac = _head_mac(head, key)
    return head


def _move(head: AuditHead, key: bytes, *, to: _Walk) -> None:
    head.count, head.hash = to.seq, to.hash
    head.mac = _head_mac(head, key)


def _head_mac(head: AuditHead, key: bytes) -> bytes:
    told = json.dumps([head.host_id, head.count, head.keyed_from], separators=(",", ":"))
    return _mac(key, b"head" + head.hash + told.encode())


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _key(session: AsyncSession) -> bytes:
    key = session.info.get("audit_key")
    if not isinstance(key, bytes):
        raise RuntimeError("this database was opened without the key of the audit log")
    return key


def _instant(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
