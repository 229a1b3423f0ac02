"""What was sent to Salesforce for each registration, and what came back: the history that a host reads."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HostId, Json, JsonList


class SyncAttempt(Base):
    """One run of one registration that reached Salesforce. Holds personal data: it goes with the attendee.

    `at` is in the key, so that the table can be split by time; `asked_by` is who asked for a retry or a
    backfill. `requests` and `answers` belong together by position.
    """

    __tablename__ = "sync_attempts"
    __table_args__ = (Index("ix_sync_attempts_at", "at", postgresql_using="brin"),)

    host_id: Mapped[HostId]
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    event_id: Mapped[str]
    org_id: Mapped[str]
    kind: Mapped[str]
    why: Mapped[str]
    asked_by: Mapped[str | None]
    outcome: Mapped[str]
    requests: Mapped[JsonList]
    answers: Mapped[JsonList]
    error: Mapped[Json | None]
