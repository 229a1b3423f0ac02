"""Row-level security, grants per role, change numbers, and an audit log that only grows.

The tables of TENANT_TABLES show a session only the rows of the host in `app.host_id`; unset means none. The
exceptions are found before any tenant is known (oauth_attempts, quarantine) or belong to an org or a process.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"
READ, WRITE, APPEND = "SELECT", "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT"

TENANT_TABLES = {
    "hosts": "SELECT, INSERT, UPDATE",
    "events": "SELECT, INSERT, UPDATE",
    "connections": WRITE,
    "app_credentials": WRITE,
    "preflights": "SELECT, INSERT, UPDATE",
    "pending_revocations": APPEND,
    "deliveries": READ,
    "registrations": "SELECT, UPDATE",
    "campaign_links": WRITE,
    "backfills": "SELECT, INSERT, UPDATE",
    "sync_jobs": WRITE,
    "written_records": WRITE,
    "sync_attempts": WRITE,
    "audit_log": APPEND,
    "idempotent_answers": WRITE,
    "erasures": "SELECT",
}
SYSTEM_RIGHTS = {"audit_log": APPEND}
SHARED_TABLES = {
    "org_leases": READ,
    "open_creates": WRITE,
    "oauth_attempts": None,
    "quarantine": None,
    "worker_heartbeats": None,
}

STAMP_CHANGE = """
CREATE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    NEW.change_no := nextval('changes');
    RETURN NEW;
END $$
"""
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {SYSTEM}")
    op.execute(f"GRANT USAGE ON SEQUENCE changes TO {APP}, {SYSTEM}")
    for table, rights in TENANT_TABLES.items():
        _wall_in(table)
        op.execute(f"GRANT {rights} ON {table} TO {APP}")
        op.execute(f"GRANT {SYSTEM_RIGHTS.get(table, WRITE)} ON {table} TO {SYSTEM}")
    for table, app_rights in SHARED_TABLES.items():
        op.execute(f"GRANT {WRITE} ON {table} TO {SYSTEM}")
        if app_rights:
            op.execute(f"GRANT {app_rights} ON {table} TO {APP}")
    op.execute(f"GRANT SELECT ON alembic_version TO {APP}, {SYSTEM}")
    op.execute(STAMP_CHANGE)
    for table in ("registrations", "sync_jobs"):
        op.execute(
            f"CREATE TRIGGER stamp_change BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION stamp_change()"
        )
    op.execute(REFUSE_CHANGE)
    for when in ("UPDATE OR DELETE", "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER refuse_{when.split()[0].lower()} BEFORE {when} ON audit_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("registrations", "sync_jobs"):
        op.execute(f"DROP TRIGGER stamp_change ON {table}")
    for name in ("update", "truncate"):
        op.execute(f"DROP TRIGGER refuse_{name} ON audit_log")
    op.execute("DROP FUNCTION stamp_change, refuse_change")
    for table in TENANT_TABLES:
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"DROP POLICY across_hosts ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    for table in (*TENANT_TABLES, *SHARED_TABLES, "alembic_version"):
        op.execute(f"REVOKE ALL ON {table} FROM {APP}, {SYSTEM}")


def _wall_in(table: str) -> None:
    own = "host_id = nullif(current_setting('app.host_id', true), '')"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} TO {APP} USING ({own}) WITH CHECK ({own})")
    op.execute(f"CREATE POLICY across_hosts ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
