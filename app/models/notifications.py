"""What the platform is notified of: the outbox, its numbers, what began and has not ended, the receiver."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, Json, one_of
from app.states import STORED_NOTIFICATION_STATES, ConditionKind, NotificationState, NotificationType


class Notification(Base):
    """One fact for the platform, written in the transaction that makes it true. Holds no personal data.

    `position` orders facts as they were written; `sequence` is the host's own number, without gaps, given
    after the commit. `due_at`: when it goes out next; who sends it moves it ahead for as long as that takes.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(one_of("state", STORED_NOTIFICATION_STATES), name="state"),
        CheckConstraint(one_of("type", NotificationType), name="type"),
        Index(
            "uq_notifications_sequence",
            "host_id",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
        ),
        Index(
            "ix_notifications_unnumbered", "host_id", "position", postgresql_where=text("sequence IS NULL")
        ),
        Index(
            "ix_notifications_due",
            "due_at",
            postgresql_where=text("state = 'pending' AND sequence IS NOT NULL"),
        ),
        Index("ix_notifications_position", "position"),
    )

    host_id: Mapped[HostId]
    notification_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    event_id: Mapped[str | None]
    data: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(server_default=NotificationState.PENDING)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[CreatedAt]
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class NotificationSequence(Base):
    """The last number that a host's notifications were given; it outlives them."""

    __tablename__ = "notification_sequences"

    host_id: Mapped[HostId]
    last: Mapped[int] = mapped_column(BigInteger, server_default="0")


class NotifiedCondition(Base):
    """Something that began and was notified, so that its end is too, and once each.

    `subject`: the event, the problem; empty for the host's connection and budget. `changed_at`: when it was
    opened or closed last, `seen_at`: when it was met last. A closed one is kept for as long as it decides
    when the next is a new one.
    """

    __tablename__ = "notified_conditions"
    __table_args__ = (
        CheckConstraint(one_of("kind", ConditionKind), name="kind"),
        Index("ix_notified_conditions_kind", "kind"),
    )

    host_id: Mapped[HostId]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    is_open: Mapped[bool] = mapped_column(Boolean, server_default="true")
    changed_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]


class NotificationReceiver(Base):
    """The platform's endpoint: one row once it answered 410. Nothing is sent while `disabled_at` is set."""

    __tablename__ = "notification_receivers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    disabled_at: Mapped[datetime | None]
