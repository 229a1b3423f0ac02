"""What stands in Salesforce held against what we wrote: one row for each run, and for each difference."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, one_of
from app.states import DifferenceKind, VerificationState


class Verification(Base):
    """Reads the records of an event portion by portion: a cursor over registration ids.

    `due_at`: when a worker takes it up next; who does moves it ahead for as long as a portion may last, and
    raises `fence`. `resumes_at` is what people read while it is paused. `in_order` registrations have no
    difference. `calls_today` were sent on `calls_day`; `failures` in a row brought no answer.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint(one_of("state", VerificationState), name="state"),
        Index(
            "uq_verifications_active",
            "host_id",
            "event_id",
            unique=True,
            postgresql_where=text("state IN ('running', 'paused')"),
        ),
        Index("ix_verifications_due", "due_at", postgresql_where=text("state IN ('running', 'paused')")),
        Index("ix_verifications_host_id_event_id", "host_id", "event_id", "started_at"),
    )

    host_id: Mapped[HostId]
    verification_id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str]
    org_id: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=VerificationState.RUNNING)
    cursor: Mapped[str] = mapped_column(server_default="")
    total: Mapped[int] = mapped_column(Integer)
    checked: Mapped[int] = mapped_column(Integer, server_default="0")
    in_order: Mapped[int] = mapped_column(Integer, server_default="0")
    api_calls: Mapped[int] = mapped_column(Integer, server_default="0")
    calls_today: Mapped[int] = mapped_column(Integer, server_default="0")
    calls_day: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    due_at: Mapped[CreatedAt]
    resumes_at: Mapped[datetime | None]
    requested_by: Mapped[str]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class VerificationDifference(Base):
    """One record that differs; of an attendee it holds nothing but ids, statuses and times.

    `sf_id` is the record that we wrote, `shown_object` and `shown_id` what a person can look at instead.
    """

    __tablename__ = "verification_differences"
    __table_args__ = (
        CheckConstraint(one_of("kind", DifferenceKind), name="kind"),
        Index("ix_verification_differences_host_id_registration_id", "host_id", "registration_id"),
        Index("ix_verification_differences_found_at", "found_at"),
    )

    host_id: Mapped[HostId]
    verification_id: Mapped[str] = mapped_column(Text, primary_key=True)
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[str] = mapped_column(Text, primary_key=True)
    instance_key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    sf_id: Mapped[str]
    ours: Mapped[str | None]
    theirs: Mapped[str | None]
    shown_object: Mapped[str | None]
    shown_id: Mapped[str | None]
    found_at: Mapped[CreatedAt]
