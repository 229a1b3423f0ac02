"""What came in: deliveries as received, and the registrations they add up to."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Digest, HostId, Json, JsonList, Sealed

ATTENDEE_EMAIL = "address_key(payload #>> '{data,registration,attendee,email}'::text[])"
ATTENDEE_ID = "(payload #>> '{data,registration,attendee,id}'::text[])"
"""Whom a kept payload is about: what an erasure finds it by."""


class Delivery(Base):
    """One signed webhook, once: the primary key is what makes a second delivery a duplicate."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_host_id_event_id", "host_id", "event_id"),
        Index("ix_deliveries_host_id_registration_id", "host_id", "registration_id"),
        Index("ix_deliveries_attendee_email", "host_id", text(ATTENDEE_EMAIL)),
        Index("ix_deliveries_attendee_id", "host_id", text(ATTENDEE_ID)),
        Index("ix_deliveries_received_at", "received_at"),
    )

    host_id: Mapped[HostId]
    webhook_id: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    type: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[CreatedAt]
    event_id: Mapped[str | None]
    registration_id: Mapped[str | None]
    body_sha256: Mapped[bytes] = mapped_column(Digest)
    payload: Mapped[Json]
    outcome: Mapped[str]


class UnknownBody(Base):
    """The body of a delivery whose type we do not know, sealed, for when a later release knows it.

    `mentions` are keyed hashes of the addresses and ids in it: an erasure finds it by them.
    """

    __tablename__ = "unknown_bodies"
    __table_args__ = (
        Index("ix_unknown_bodies_mentions", "mentions", postgresql_using="gin"),
        Index("ix_unknown_bodies_received_at", "received_at"),
    )

    host_id: Mapped[HostId]
    webhook_id: Mapped[str] = mapped_column(Text, primary_key=True)
    occurred_at: Mapped[datetime]
    received_at: Mapped[CreatedAt]
    sealed: Mapped[bytes] = mapped_column(Sealed)
    mentions: Mapped[list[bytes]] = mapped_column(ARRAY(Digest))


class Quarantined(Base):
    """A signed body that could not be used; kept apart for operations, and seen by no tenant.

    `faults` say where it is wrong. The body is sealed, and not kept where an erasure could not find it: with
    no host that could be read, or when it asks for an erasure itself.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("ix_quarantine_webhook_id", "webhook_id"),
        Index("ix_quarantine_received_at", "received_at", "quarantine_id"),
        Index("ix_quarantine_mentions", "mentions", postgresql_using="gin"),
    )

    quarantine_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    webhook_id: Mapped[str]
    received_at: Mapped[CreatedAt]
    reason: Mapped[str]
    host_id: Mapped[str | None]
    faults: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    occurred_at: Mapped[datetime | None]
    body_sha256: Mapped[bytes | None] = mapped_column(Digest)
    sealed: Mapped[bytes | None] = mapped_column(Sealed)
    mentions: Mapped[list[bytes]] = mapped_column(ARRAY(Digest), server_default=text("'{}'"))


class Registration(Base):
    """The latest snapshot of one registration, and the facts that carry their own time.

    `version`, else `snapshot_at`, decides about the snapshot; a fact is judged by its own time and may be
    added by a delivery of any age. `merge_state` keeps what later deliveries are judged by and columns do not
    show. `starts_at`, `ends_at`: its own slot (null: the event's times); `rescheduled_from`: the slot before
    the latest move; `emails`: by id what was sent, opened and replied. `excluded_at`: the host wants this one
    never written. `has_moved`: it was in another event before, by a trigger.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        Index("ix_registrations_host_id_event_id", "host_id", "event_id", "registration_id"),
        Index("ix_registrations_host_id_email_key", "host_id", "email_key"),
        Index("ix_registrations_host_id_change_no", "host_id", "change_no"),
        Index("ix_registrations_attendee_id", "host_id", text("(attendee ->> 'id'::text)")),
        Index(
            "ix_registrations_buyer_email",
            "host_id",
            text("lower(btrim(buyer ->> 'email'::text))"),
            postgresql_where=text("buyer IS NOT NULL"),
        ),
        Index(
            "ix_registrations_checked_in",
            "host_id",
            "event_id",
            "checked_in_at",
            postgresql_where=text("checked_in_at IS NOT NULL"),
        ),
        # IS_EXCEPTION in conditions.py.
        Index(
            "ix_registrations_exceptions",
            "host_id",
            "event_id",
            postgresql_where=text(
                "confirmed_at IS NULL AND checked_in_at IS NULL OR erased_at IS NOT NULL"
                " OR check_in_reverted_at IS NOT NULL"
            ),
        ),
        Index("ix_registrations_has_moved", "host_id", postgresql_where=text("has_moved")),
    )

    host_id: Mapped[HostId]
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str]
    status: Mapped[str]
    attendee: Mapped[Json]
    email_key: Mapped[str | None]
    ticket: Mapped[Json | None]
    buyer: Mapped[Json | None]
    answers: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    utm: Mapped[Json | None]
    salesforce_id: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    version: Mapped[int | None] = mapped_column(BigInteger)
    snapshot_at: Mapped[datetime]
    registered_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    last_checked_in_at: Mapped[datetime | None]
    check_in_reverted_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    no_show_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    rescheduled_at: Mapped[datetime | None]
    reschedule_reason: Mapped[str | None]
    rescheduled_from: Mapped[Json | None]
    replay: Mapped[Json | None]
    emails: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    erased_at: Mapped[datetime | None]
    excluded_at: Mapped[datetime | None]
    excluded_by: Mapped[str | None]
    has_moved: Mapped[bool] = mapped_column(Boolean, server_default="false")
    merge_state: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    change_no: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('changes')"))


class Erasure(Base):
    """A keyed tombstone: what is told of this subject for the time up to `erased_at` is not kept.

    `kind`: registration (for ever), email, attendee_id, mention (in bodies that we do not read). `key` is a
    keyed hash; `registration_ids` are those that were erased with it.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("kind IN ('registration', 'email', 'attendee_id', 'mention')", name="kind"),
    )

    host_id: Mapped[HostId]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    erased_at: Mapped[datetime]
    registration_ids: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    created_at: Mapped[CreatedAt]
