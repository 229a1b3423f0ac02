"""The engine's own tables: jobs, what stands in Salesforce by our hand, leases and fences."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Digest, HostId, Json, JsonList, one_of
from app.states import JobReason, JobState, WriteState

LIVE, BACKFILL = 0, 10
"""Priorities: live work goes before a backfill."""


class SyncJob(Base):
    """The pointer to one registration's work, and the unit of retry.

    `requested_version` rises with every change worth writing; `written_version` follows. `org_id` is the org
    the job was armed for: another org takes nothing over. `fence` is the lease under which it runs.
    `trace_context`: while it is open, the trace of what requested it last, where traces are collected.
    `waiting_since`: when what is not settled yet was requested, by a trigger.
    `batch_limit`: with how many others at most it is tried next, since a batch with it broke off (0: it alone
    did; none: any number). `settled_state`: what the job had become when only optional parts were left of
    it, while these are on their way; `optional_requests`: how many of the versions since it was claimed are
    about such parts alone; `failed_parts`: the errors of those that failed.
    """

    __tablename__ = "sync_jobs"
    __table_args__ = (
        CheckConstraint(one_of("state", JobState), name="state"),
        Index(
            "ix_sync_jobs_claim",
            "host_id",
            "event_id",
            "priority",
            "due_at",
            postgresql_where=text("state IN ('pending', 'ambiguous')"),
        ),
        # Live work that is due, or in doubt, by how long it waits.
        Index(
            "ix_sync_jobs_waiting",
            "host_id",
            "event_id",
            "state",
            "waiting_since",
            postgresql_where=text(
                "state IN ('pending', 'ambiguous') AND priority = 0 AND settled_state IS NULL"
                " AND (waiting_for IS NULL OR waiting_for = 'certainty')"
            ),
        ),
        Index("ix_sync_jobs_running", "org_id", postgresql_where=text("state = 'running'")),
        # All that stats need of a job; few values, so that Postgres keeps each once.
        Index(
            "ix_sync_jobs_stats",
            "host_id",
            "event_id",
            "state",
            "org_id",
            "settled_state",
            "waiting_for",
            "skipped_because",
            "is_attended",
        ),
        Index("ix_sync_jobs_host_id_change_no", "host_id", "change_no"),
        Index(
            "ix_sync_jobs_failed",
            "host_id",
            "event_id",
            "group_id",
            postgresql_where=text("state = 'failed'"),
        ),
        Index(
            "ix_sync_jobs_failed_parts",
            "host_id",
            "event_id",
            postgresql_where=text("failed_parts <> '[]'"),
        ),
    )

    host_id: Mapped[HostId]
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str]
    org_id: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=JobState.PENDING)
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[CreatedAt]
    reason: Mapped[str] = mapped_column(server_default=JobReason.LIVE)
    requested_by: Mapped[str | None]
    trace_context: Mapped[str | None]
    requested_version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    running_version: Mapped[int | None] = mapped_column(BigInteger)
    written_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    fence: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    worker_crashes: Mapped[int] = mapped_column(Integer, server_default="0")
    batch_limit: Mapped[int | None] = mapped_column(Integer)
    waiting_for: Mapped[str | None]
    waiting_since: Mapped[datetime | None]
    skipped_because: Mapped[str | None]
    is_attended: Mapped[bool] = mapped_column(Boolean, server_default="false")
    error_class: Mapped[str | None]
    error_code: Mapped[str | None]
    group_id: Mapped[str | None]
    error: Mapped[Json | None]
    first_error_at: Mapped[datetime | None]
    last_error_at: Mapped[datetime | None]
    warnings: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    settled_state: Mapped[str | None]
    optional_requests: Mapped[int] = mapped_column(Integer, server_default="0")
    failed_parts: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    synced_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    change_no: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('changes')"))


class WrittenRecord(Base):
    """What stands in Salesforce by our hand, one row per slot of a registration in an org.

    Slots: `person`, `account` (made for a new Contact), `person_update` (what was changed of one who stood),
    `task:registered`, `task:checked_in`, `member` (instance_key: campaign), `email_sent`, `email_opened`,
    `email_replied` (instance_key: the e-mail's id). `state`:
    intended (committed before the call), written, ambiguous (the answer was lost), failed.
    """

    __tablename__ = "written_records"
    __table_args__ = (
        CheckConstraint(one_of("state", WriteState), name="state"),
        # Of what stands only: a whole one tempts the planner away from the primary key.
        Index(
            "ix_written_records_host_id_org_id_sf_id",
            "host_id",
            "org_id",
            "sf_id",
            postgresql_where=text("sf_id IS NOT NULL"),
        ),
    )

    host_id: Mapped[HostId]
    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[str] = mapped_column(Text, primary_key=True)
    instance_key: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    state: Mapped[str]
    action: Mapped[str]
    sobject: Mapped[str]
    sf_id: Mapped[str | None]
    meaning: Mapped[str | None]
    label: Mapped[str | None]
    reference: Mapped[str | None]
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    attempt_started_at: Mapped[datetime | None]
    first_attempt_at: Mapped[datetime | None]
    rounds: Mapped[int] = mapped_column(Integer, server_default="0")
    written_at: Mapped[datetime | None]


class OrgLease(Base):
    """Who drains an org, until when (database clock); `fence` rises with every new owner.

    `not_before` hides an org that asked to be left alone; `is_slow` sends it to the slow lane; `caps` are the
    rows that it takes in one call.
    """

    __tablename__ = "org_leases"

    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    owner: Mapped[str | None]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    until: Mapped[datetime | None]
    acquired_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    not_before_reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    is_slow: Mapped[bool] = mapped_column(Boolean, server_default="false")
    batch_size: Mapped[int] = mapped_column(Integer, server_default="200")
    caps: Mapped[Json] = mapped_column(server_default="{}")
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    resumed_at: Mapped[datetime | None]


class CreateLock(Base):
    """A person (or account) is being created in an org; nobody else may, until it is settled."""

    __tablename__ = "create_locks"

    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    host_id: Mapped[str]
    registration_id: Mapped[str]
    started_at: Mapped[CreatedAt]
    until: Mapped[datetime]


class WorkerHeartbeat(Base):
    """One living worker process; `beat_at` is the database's clock."""

    __tablename__ = "worker_heartbeats"

    worker_id: Mapped[str] = mapped_column(Text, primary_key=True)
    hostname: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[CreatedAt]
    beat_at: Mapped[CreatedAt]
    is_stopping: Mapped[bool] = mapped_column(Boolean, server_default="false")
    drains: Mapped[int] = mapped_column(Integer, server_default="0")


class Restore(Base):
    """The database was declared to be a restored copy: it knows all up to `since`, and not what was done up
    to `restored_at`. Until `looks_until` that is looked for before anything is created.
    """

    __tablename__ = "restores"

    restored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    since: Mapped[datetime]
    looks_until: Mapped[datetime]


class ChoreRun(Base):
    """When a worker last did a chore to its end."""

    __tablename__ = "chore_runs"

    chore: Mapped[str] = mapped_column(Text, primary_key=True)
    succeeded_at: Mapped[CreatedAt]


class SyncAttempt(Base):
    """One run of one registration that reached Salesforce. Holds personal data: it goes with the attendee.

    `at` is in the key, so that the table can be split by time; `requested_by` is who asked for a retry or a
    backfill. `requests` and `responses` belong together by position.
    """

    __tablename__ = "sync_attempts"
    __table_args__ = (Index("ix_sync_attempts_at", "at", postgresql_using="brin"),)

    host_id: Mapped[HostId]
    registration_id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    event_id: Mapped[str]
    org_id: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    requested_by: Mapped[str | None]
    outcome: Mapped[str]
    requests: Mapped[JsonList]
    responses: Mapped[JsonList]
    error: Mapped[Json | None]
