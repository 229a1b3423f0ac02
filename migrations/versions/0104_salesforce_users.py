"""Platform users' own Salesforce users, and attempts to sign in as one."""

from alembic import op

revision: str = "0104"
down_revision: str | None = "0103"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

APP, SYSTEM = "eventship_app", "eventship_system"

TABLES = """
CREATE TABLE salesforce_users (
    host_id text NOT NULL,
    platform_user_id text NOT NULL,
    email_key text,
    org_id text NOT NULL,
    user_id text NOT NULL,
    username text,
    user_name text,
    user_email text,
    connected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_salesforce_users PRIMARY KEY (host_id, platform_user_id)
);
CREATE INDEX ix_salesforce_users_email_key ON salesforce_users (host_id, email_key);
CREATE TABLE unconfirmed_users (
    host_id text NOT NULL,
    attempt_id text NOT NULL,
    client_id text NOT NULL,
    org_id text NOT NULL,
    user_id text NOT NULL,
    username text,
    user_name text,
    user_email text,
    is_sixth boolean NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_unconfirmed_users PRIMARY KEY (host_id, attempt_id)
);
"""
RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
APP_RIGHTS: dict[str, str | None] = {"salesforce_users": RIGHTS, "unconfirmed_users": None}
OWN = "host_id = nullif(current_setting('app.host_id', true), '')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE oauth_attempts ADD COLUMN purpose text NOT NULL DEFAULT 'host'")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table, app_rights in APP_RIGHTS.items():
        if app_rights:
            op.execute(f"GRANT {app_rights} ON {table} TO {APP}")
        op.execute(f"GRANT {RIGHTS} ON {table} TO {SYSTEM}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO {APP} USING ({OWN}) WITH CHECK ({OWN})")
        op.execute(f"CREATE POLICY across_hosts ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
