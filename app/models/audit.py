"""The append-only audit log, and answers kept for repeated requests."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, Json


class AuditEntry(Base):
    """One deed. `hash` covers the entry and `prev_hash`, so that a changed row breaks the host's chain."""

    __tablename__ = "audit_log"

    host_id: Mapped[HostId]
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class IdempotentAnswer(Base):
    """The first answer to an `Idempotency-Key`, given again for 24 hours."""

    __tablename__ = "idempotent_answers"

    host_id: Mapped[HostId]
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(Integer)
    body: Mapped[Json] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
