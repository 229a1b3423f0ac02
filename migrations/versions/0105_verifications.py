"""Verifications of an event, and the differences that they found."""

from alembic import op

revision: str = "0105"
down_revision: str | None = "0104"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

APP, SYSTEM = "eventship_app", "eventship_system"

VERIFICATIONS = """
CREATE TABLE verifications (
    host_id text NOT NULL,
    verification_id text NOT NULL,
    event_id text NOT NULL,
    org_id text NOT NULL,
    state text NOT NULL DEFAULT 'running',
    cursor text NOT NULL DEFAULT '',
    total integer NOT NULL,
    checked integer NOT NULL DEFAULT 0,
    in_order integer NOT NULL DEFAULT 0,
    api_calls integer NOT NULL DEFAULT 0,
    calls_today integer NOT NULL DEFAULT 0,
    calls_day timestamptz,
    failures integer NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    resumes_at timestamptz,
    requested_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT pk_verifications PRIMARY KEY (host_id, verification_id),
    CONSTRAINT ck_verifications_state CHECK (state IN ('running', 'paused', 'done', 'ended'))
)
"""
DIFFERENCES = """
CREATE TABLE verification_differences (
    host_id text NOT NULL,
    verification_id text NOT NULL,
    registration_id text NOT NULL,
    slot text NOT NULL,
    instance_key text NOT NULL,
    kind text NOT NULL,
    sf_id text NOT NULL,
    ours text,
    theirs text,
    shown_object text,
    shown_id text,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_verification_differences
        PRIMARY KEY (host_id, verification_id, registration_id, slot, instance_key, kind),
    CONSTRAINT ck_verification_differences_kind CHECK (kind IN (
        'missing_person', 'missing_activity', 'missing_member', 'missing_case', 'missing_email',
        'status_differs', 'times_differ', 'other_person', 'not_visible'
    ))
)
"""
INDEXES = (
    "CREATE UNIQUE INDEX uq_verifications_active ON verifications (host_id, event_id) "
    "WHERE state IN ('running', 'paused')",
    "CREATE INDEX ix_verifications_due ON verifications (due_at) WHERE state IN ('running', 'paused')",
    "CREATE INDEX ix_verifications_host_id_event_id ON verifications (host_id, event_id, started_at)",
    "CREATE INDEX ix_verification_differences_host_id_registration_id "
    "ON verification_differences (host_id, registration_id)",
    "CREATE INDEX ix_verification_differences_found_at ON verification_differences (found_at)",
)

OWN = "host_id = nullif(current_setting('app.host_id', true), '')"
POLICIES = {
    "tenant": f"TO {APP} USING ({OWN}) WITH CHECK ({OWN})",
    "across_hosts": f"TO {SYSTEM} USING (true) WITH CHECK (true)",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (VERIFICATIONS, DIFFERENCES, *INDEXES):
        op.execute(statement)
    for table in ("verifications", "verification_differences"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}, {SYSTEM}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, rule in POLICIES.items():
            op.execute(f"CREATE POLICY {name} ON {table} {rule}")
