"""The append-only audit log, what keys are compared with, and responses kept for repeated requests."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Digest, HostId, Json, Sealed


class AuditEntry(Base):
    """One deed. `hash` covers the entry and `prev_hash`, so that a changed row breaks the host's chain."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at", "host_id", "seq"),)

    host_id: Mapped[HostId]
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    prev_hash: Mapped[bytes] = mapped_column(Digest)
    hash: Mapped[bytes] = mapped_column(Digest)


class AuditHead(Base):
    """The last entry of a host's log, kept apart: without the key nobody can say that there were fewer.

    Entries from `keyed_from` on are hashed with the key; `mac` covers the rest of the row.
    """

    __tablename__ = "audit_heads"

    host_id: Mapped[HostId]
    count: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(Digest)
    keyed_from: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes] = mapped_column(Digest)


class KeyCheck(Base):
    """What a key outside the database is compared with at the start; the key is not in it."""

    __tablename__ = "key_checks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[bytes] = mapped_column(Digest)
    created_at: Mapped[CreatedAt]


class IdempotencyKey(Base):
    """An `Idempotency-Key`, and the sealed response to its first request, given again for 24 hours."""

    __tablename__ = "idempotency_keys"

    host_id: Mapped[HostId]
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[bytes] = mapped_column(Digest)
    status: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes | None] = mapped_column(Sealed)
    created_at: Mapped[CreatedAt]
