"""Grants that a newer one of the same user and app replaced: they count until Salesforce ends them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "left_grants",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("login_url", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "grant_id", name=op.f("pk_left_grants")),
    )
    op.create_index("ix_left_grants_org_id", "left_grants", ["org_id", "user_id", "client_id"])
    own = "host_id = nullif(current_setting('app.host_id', true), '')"
    op.execute("ALTER TABLE left_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON left_grants TO {APP} USING ({own}) WITH CHECK ({own})")
    op.execute(f"CREATE POLICY across_hosts ON left_grants TO {SYSTEM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON left_grants TO {APP}, {SYSTEM}")


def downgrade() -> None:
    op.drop_table("left_grants")
