"""Notifications of the platform: their outbox, numbers, open conditions and receiver."""

from alembic import op

revision: str = "0109"
down_revision: str | None = "0108"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

APP, SYSTEM = "eventship_app", "eventship_system"

NOTIFICATIONS = """
CREATE TABLE notifications (
    host_id text NOT NULL,
    notification_id text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    sequence bigint,
    type text NOT NULL,
    event_id text,
    data jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT pk_notifications PRIMARY KEY (host_id, notification_id),
    CONSTRAINT ck_notifications_state CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT ck_notifications_type CHECK (type IN (
        'connection.needs_reconnect', 'connection.restored', 'connection.problem',
        'connection.problem_solved', 'event.failures_started', 'event.failures_cleared',
        'campaign.broken', 'campaign.restored', 'backfill.finished', 'budget.stopped', 'budget.resumed'
    ))
)
"""
SEQUENCES = """
CREATE TABLE notification_sequences (
    host_id text NOT NULL,
    last bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_notification_sequences PRIMARY KEY (host_id)
)
"""
CONDITIONS = """
CREATE TABLE notified_conditions (
    host_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    is_open boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_notified_conditions PRIMARY KEY (host_id, kind, subject),
    CONSTRAINT ck_notified_conditions_kind
        CHECK (kind IN ('reconnect', 'problem', 'failures', 'campaign', 'budget'))
)
"""
RECEIVERS = """
CREATE TABLE notification_receivers (
    name text NOT NULL,
    disabled_at timestamptz,
    CONSTRAINT pk_notification_receivers PRIMARY KEY (name)
)
"""
INDEXES = (
    "CREATE UNIQUE INDEX uq_notifications_sequence ON notifications (host_id, sequence) "
    "WHERE sequence IS NOT NULL",
    "CREATE INDEX ix_notifications_unnumbered ON notifications (host_id, position) WHERE sequence IS NULL",
    "CREATE INDEX ix_notifications_due ON notifications (due_at) "
    "WHERE state = 'pending' AND sequence IS NOT NULL",
    "CREATE INDEX ix_notifications_position ON notifications (position)",
    "CREATE INDEX ix_notified_conditions_kind ON notified_conditions (kind)",
)

OWN = "host_id = nullif(current_setting('app.host_id', true), '')"
POLICIES = {
    "tenant": f"TO {APP} USING ({OWN}) WITH CHECK ({OWN})",
    "across_hosts": f"TO {SYSTEM} USING (true) WITH CHECK (true)",
}
WRITE = "SELECT, INSERT, UPDATE, DELETE"

# Requests of a host add facts and follow what began; numbers, sending and the receiver are the workers'.
RIGHTS: dict[str, tuple[str | None, str]] = {
    "notifications": ("SELECT, INSERT", WRITE),
    "notified_conditions": ("SELECT, INSERT, UPDATE", WRITE),
    "notification_sequences": (None, WRITE),
    "notification_receivers": (None, WRITE),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (NOTIFICATIONS, SEQUENCES, CONDITIONS, RECEIVERS, *INDEXES):
        op.execute(statement)
    for table, (app_rights, system_rights) in RIGHTS.items():
        if app_rights:
            op.execute(f"GRANT {app_rights} ON {table} TO {APP}")
        op.execute(f"GRANT {system_rights} ON {table} TO {SYSTEM}")
        if table == "notification_receivers":
            continue  # of the process, no tenant's
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, rule in POLICIES.items():
            op.execute(f"CREATE POLICY {name} ON {table} {rule}")
