"""Walls around what belongs to an org: a host sees the fences and the lease of the orgs it is connected to.

A fence keeps two hosts of one org from creating the same person, so each must meet the other's; it makes,
and takes down, only its own.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"
OWN = "host_id = nullif(current_setting('app.host_id', true), '')"
OWN_ORG = "org_id IN (SELECT connections.org_id FROM connections)"
"""`connections` is walled in itself: what a session sees of it is the bound host's."""

POLICIES = {
    "open_creates": {
        "tenant_reads": f"FOR SELECT TO {APP} USING ({OWN} OR {OWN_ORG})",
        "tenant_adds": f"FOR INSERT TO {APP} WITH CHECK ({OWN})",
        "tenant_takes_over": f"FOR UPDATE TO {APP} USING ({OWN} OR {OWN_ORG}) WITH CHECK ({OWN})",
        "tenant_removes": f"FOR DELETE TO {APP} USING ({OWN})",
        "across_hosts": f"TO {SYSTEM} USING (true) WITH CHECK (true)",
    },
    "org_leases": {
        "tenant_reads": f"FOR SELECT TO {APP} USING ({OWN_ORG})",
        "across_hosts": f"TO {SYSTEM} USING (true) WITH CHECK (true)",
    },
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, rule in policies.items():
            op.execute(f"CREATE POLICY {name} ON {table} {rule}")


def downgrade() -> None:
    for table, policies in POLICIES.items():
        for name in policies:
            op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
