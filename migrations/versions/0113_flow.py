"""How much came in and went out, by org and interval; the audit log is read by time."""

from alembic import op

revision: str = "0113"
down_revision: str | None = "0112"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"

FLOW = """
CREATE TABLE flow_intervals (
    org_id text NOT NULL,
    at timestamptz NOT NULL,
    received integer NOT NULL DEFAULT 0,
    synced integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_flow_intervals PRIMARY KEY (org_id, at)
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FLOW)
    op.execute("CREATE INDEX ix_flow_intervals_at ON flow_intervals USING brin (at)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON flow_intervals TO {SYSTEM}")
    op.execute("CREATE INDEX ix_audit_log_at ON audit_log (at, host_id, seq)")
