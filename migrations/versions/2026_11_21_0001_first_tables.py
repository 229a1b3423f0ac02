"""The first tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE SEQUENCE changes")
    op.create_table(
        "app_credentials",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("app_ref", sa.Text(), nullable=False),
        sa.Column("consumer_key", sa.LargeBinary(), nullable=False),
        sa.Column("consumer_secret", sa.LargeBinary(), nullable=False),
        sa.Column("consumer_key_last4", sa.Text(), nullable=False),
        sa.Column("consumer_secret_last4", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column(
            "saved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("host_id", "app_ref", name=op.f("pk_app_credentials")),
    )
    op.create_table(
        "audit_log",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "seq", name=op.f("pk_audit_log")),
    )
    op.create_table(
        "backfills",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("backfill_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False),
        sa.Column("is_armed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("armed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("api_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'done', 'cancelled')", name=op.f("ck_backfills_state")
        ),
        sa.PrimaryKeyConstraint("host_id", "backfill_id", name=op.f("pk_backfills")),
    )
    op.create_index(
        "uq_backfills_running",
        "backfills",
        ["host_id", "event_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'paused')"),
    )
    op.create_table(
        "connections",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "state_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("login_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("org_name", sa.Text(), nullable=True),
        sa.Column("org_edition", sa.Text(), nullable=True),
        sa.Column("org_is_sandbox", sa.Boolean(), nullable=True),
        sa.Column("instance_url", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("identity_url", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("token_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("is_rotating", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("refresh_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connected_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("api_used", sa.Integer(), nullable=True),
        sa.Column("api_limit", sa.Integer(), nullable=True),
        sa.Column("api_measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("api_closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls_today", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calls_day", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'connected') <= (refresh_token IS NOT NULL)",
            name=op.f("ck_connections_connected_has_token"),
        ),
        sa.CheckConstraint(
            "state IN ('connected', 'needs_reconnect', 'disconnected')", name=op.f("ck_connections_state")
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_connections")),
    )
    op.create_index("ix_connections_org_id", "connections", ["org_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("registration_id", sa.Text(), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "webhook_id", name=op.f("pk_deliveries")),
    )
    op.create_index(
        "ix_deliveries_attendee_email",
        "deliveries",
        [
            "host_id",
            sa.literal_column("lower(btrim(payload #>> '{data,registration,attendee,email}'::text[]))"),
        ],
        unique=False,
    )
    op.create_index(
        "ix_deliveries_attendee_id",
        "deliveries",
        ["host_id", sa.literal_column("(payload #>> '{data,registration,attendee,id}'::text[])")],
        unique=False,
    )
    op.create_index("ix_deliveries_host_id_event_id", "deliveries", ["host_id", "event_id"], unique=False)
    op.create_index(
        "ix_deliveries_host_id_registration_id", "deliveries", ["host_id", "registration_id"], unique=False
    )
    op.create_index("ix_deliveries_received_at", "deliveries", ["received_at"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "registration_ids",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('registration', 'email', 'attendee_id')", name=op.f("ck_erasures_kind")),
        sa.PrimaryKeyConstraint("host_id", "kind", "key", name=op.f("pk_erasures")),
    )
    op.create_table(
        "events",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="in_person", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("organizer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("is_cancelled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("has_had_link", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "merge_state",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("host_id", "event_id", name=op.f("pk_events")),
    )
    op.create_table(
        "hosts",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("cap_percent", sa.Integer(), server_default="80", nullable=False),
        sa.Column("app_mode", sa.Text(), server_default="shared", nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_hosts")),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("host_id", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_table(
        "oauth_attempts",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("login_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("ticket_hash", sa.LargeBinary(), nullable=True),
        sa.Column("state_hash", sa.LargeBinary(), nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_verifier", sa.LargeBinary(), nullable=True),
        sa.Column("problem_code", sa.Text(), nullable=True),
        sa.Column("salesforce_error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_oauth_attempts")),
    )
    op.create_index("ix_oauth_attempts_host_id", "oauth_attempts", ["host_id"], unique=False)
    op.create_index("uq_oauth_attempts_state_hash", "oauth_attempts", ["state_hash"], unique=True)
    op.create_index("uq_oauth_attempts_ticket_hash", "oauth_attempts", ["ticket_hash"], unique=True)
    op.create_table(
        "open_creates",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "key", name=op.f("pk_open_creates")),
    )
    op.create_index("ix_open_creates_until", "open_creates", ["until"], unique=False)
    op.create_table(
        "org_leases",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before_reason", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_slow", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("batch_size", sa.Integer(), server_default="200", nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_org_leases")),
    )
    op.create_table(
        "pending_revocations",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("revocation_id", sa.Text(), nullable=False),
        sa.Column("login_url", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("host_id", "revocation_id", name=op.f("pk_pending_revocations")),
    )
    op.create_table(
        "preflights",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_preflights")),
    )
    op.create_index(
        "ix_preflights_wanted_at",
        "preflights",
        ["wanted_at"],
        unique=False,
        postgresql_where=sa.text("wanted_at IS NOT NULL"),
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_webhook_id", "quarantine", ["webhook_id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attendee", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("ticket", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "answers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("salesforce_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_in_reverted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("no_show_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replay", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excluded_by", sa.Text(), nullable=True),
        sa.Column(
            "merge_state",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("change_no", sa.BigInteger(), server_default=sa.text("nextval('changes')"), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "registration_id", name=op.f("pk_registrations")),
    )
    op.create_index(
        "ix_registrations_attendee_id",
        "registrations",
        ["host_id", sa.literal_column("(attendee ->> 'id'::text)")],
        unique=False,
    )
    op.create_index(
        "ix_registrations_buyer_email",
        "registrations",
        ["host_id", sa.literal_column("lower(btrim(buyer ->> 'email'::text))")],
        unique=False,
        postgresql_where=sa.text("buyer IS NOT NULL"),
    )
    op.create_index(
        "ix_registrations_host_id_change_no", "registrations", ["host_id", "change_no"], unique=False
    )
    op.create_index(
        "ix_registrations_host_id_email_key", "registrations", ["host_id", "email_key"], unique=False
    )
    op.create_index(
        "ix_registrations_host_id_event_id",
        "registrations",
        ["host_id", "event_id", "registration_id"],
        unique=False,
    )
    op.create_table(
        "sync_attempts",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("requests", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("host_id", "registration_id", "at", name=op.f("pk_sync_attempts")),
    )
    op.create_index("ix_sync_attempts_at", "sync_attempts", ["at"], unique=False, postgresql_using="brin")
    op.create_table(
        "sync_jobs",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("why", sa.Text(), server_default="live", nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("wanted_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("running_version", sa.BigInteger(), nullable=True),
        sa.Column("written_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("skipped_because", sa.Text(), nullable=True),
        sa.Column("is_attended", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("first_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "warnings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("change_no", sa.BigInteger(), server_default=sa.text("nextval('changes')"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'synced', 'failed', 'held', 'ambiguous', 'skipped')",
            name=op.f("ck_sync_jobs_state"),
        ),
        sa.PrimaryKeyConstraint("host_id", "registration_id", name=op.f("pk_sync_jobs")),
    )
    op.create_index(
        "ix_sync_jobs_claim",
        "sync_jobs",
        ["host_id", "event_id", "priority", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'ambiguous')"),
    )
    op.create_index(
        "ix_sync_jobs_failed",
        "sync_jobs",
        ["host_id", "event_id", "group_id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index("ix_sync_jobs_host_id_change_no", "sync_jobs", ["host_id", "change_no"], unique=False)
    op.create_index(
        "ix_sync_jobs_host_id_event_id_state", "sync_jobs", ["host_id", "event_id", "state"], unique=False
    )
    op.create_index(
        "ix_sync_jobs_running",
        "sync_jobs",
        ["org_id"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "worker_heartbeats",
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("hostname", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "beat_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("is_stopping", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("drains", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_worker_heartbeats")),
    )
    op.create_table(
        "written_records",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("discriminator", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("sf_id", sa.Text(), nullable=True),
        sa.Column("meaning", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("attempt_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rounds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'written', 'ambiguous', 'failed')", name=op.f("ck_written_records_state")
        ),
        sa.PrimaryKeyConstraint(
            "host_id", "org_id", "registration_id", "slot", "discriminator", name=op.f("pk_written_records")
        ),
    )
    op.create_index(
        "ix_written_records_host_id_org_id_sf_id",
        "written_records",
        ["host_id", "org_id", "sf_id"],
        unique=False,
    )
    op.create_table(
        "campaign_links",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="linked", nullable=False),
        sa.Column("problem_code", sa.Text(), nullable=True),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=True),
        sa.Column("campaign_name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_created_by_us", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("statuses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("available_statuses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("creation", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("creation_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("creation_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("creation_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "linked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state IN ('linked', 'broken')) <= (campaign_id IS NOT NULL)",
            name=op.f("ck_campaign_links_linked_has_campaign"),
        ),
        sa.CheckConstraint(
            "state IN ('linked', 'broken', 'creating', 'create_failed')", name=op.f("ck_campaign_links_state")
        ),
        sa.ForeignKeyConstraint(
            ["host_id", "event_id"],
            ["events.host_id", "events.event_id"],
            name=op.f("fk_campaign_links_host_id_events"),
        ),
        sa.PrimaryKeyConstraint("host_id", "event_id", name=op.f("pk_campaign_links")),
    )
    op.create_index(
        "ix_campaign_links_creating",
        "campaign_links",
        ["creation_due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'creating'"),
    )
    op.create_index(
        "ix_campaign_links_host_id_campaign_id", "campaign_links", ["host_id", "campaign_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_links_host_id_campaign_id", table_name="campaign_links")
    op.drop_index(
        "ix_campaign_links_creating",
        table_name="campaign_links",
        postgresql_where=sa.text("state = 'creating'"),
    )
    op.drop_table("campaign_links")
    op.drop_index("ix_written_records_host_id_org_id_sf_id", table_name="written_records")
    op.drop_table("written_records")
    op.drop_table("worker_heartbeats")
    op.drop_index(
        "ix_sync_jobs_running", table_name="sync_jobs", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index("ix_sync_jobs_host_id_event_id_state", table_name="sync_jobs")
    op.drop_index("ix_sync_jobs_host_id_change_no", table_name="sync_jobs")
    op.drop_index("ix_sync_jobs_failed", table_name="sync_jobs", postgresql_where=sa.text("state = 'failed'"))
    op.drop_index(
        "ix_sync_jobs_claim",
        table_name="sync_jobs",
        postgresql_where=sa.text("state IN ('pending', 'ambiguous')"),
    )
    op.drop_table("sync_jobs")
    op.drop_index("ix_sync_attempts_at", table_name="sync_attempts", postgresql_using="brin")
    op.drop_table("sync_attempts")
    op.drop_index("ix_registrations_host_id_event_id", table_name="registrations")
    op.drop_index("ix_registrations_host_id_email_key", table_name="registrations")
    op.drop_index("ix_registrations_host_id_change_no", table_name="registrations")
    op.drop_index(
        "ix_registrations_buyer_email",
        table_name="registrations",
        postgresql_where=sa.text("buyer IS NOT NULL"),
    )
    op.drop_index("ix_registrations_attendee_id", table_name="registrations")
    op.drop_table("registrations")
    op.drop_index("ix_quarantine_webhook_id", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index(
        "ix_preflights_wanted_at", table_name="preflights", postgresql_where=sa.text("wanted_at IS NOT NULL")
    )
    op.drop_table("preflights")
    op.drop_table("pending_revocations")
    op.drop_table("org_leases")
    op.drop_index("ix_open_creates_until", table_name="open_creates")
    op.drop_table("open_creates")
    op.drop_index("uq_oauth_attempts_ticket_hash", table_name="oauth_attempts")
    op.drop_index("uq_oauth_attempts_state_hash", table_name="oauth_attempts")
    op.drop_index("ix_oauth_attempts_host_id", table_name="oauth_attempts")
    op.drop_table("oauth_attempts")
    op.drop_table("idempotent_answers")
    op.drop_table("hosts")
    op.drop_table("events")
    op.drop_table("erasures")
    op.drop_index("ix_deliveries_received_at", table_name="deliveries")
    op.drop_index("ix_deliveries_host_id_registration_id", table_name="deliveries")
    op.drop_index("ix_deliveries_host_id_event_id", table_name="deliveries")
    op.drop_index("ix_deliveries_attendee_id", table_name="deliveries")
    op.drop_index("ix_deliveries_attendee_email", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("ix_connections_org_id", table_name="connections")
    op.drop_table("connections")
    op.drop_index(
        "uq_backfills_running",
        table_name="backfills",
        postgresql_where=sa.text("state IN ('running', 'paused')"),
    )
    op.drop_table("backfills")
    op.drop_table("audit_log")
    op.drop_table("app_credentials")
    op.execute("DROP SEQUENCE changes")
