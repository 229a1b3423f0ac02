"""What hosts decide about people and fields, and what their orgs' objects look like."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"
WRITE = "SELECT, INSERT, UPDATE, DELETE"
TABLES = ("mappings", "describes")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "mappings",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), server_default="", nullable=False),
        sa.Column("layer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "event_id", name=op.f("pk_mappings")),
    )
    op.create_table(
        "describes",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("is_stale", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("host_id", "org_id", "sobject", name=op.f("pk_describes")),
    )
    for table in TABLES:
        _wall_in(table)
        op.execute(f"GRANT {WRITE} ON {table} TO {APP}, {SYSTEM}")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _wall_in(table: str) -> None:
    own = "host_id = nullif(current_setting('app.host_id', true), '')"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} TO {APP} USING ({own}) WITH CHECK ({own})")
    op.execute(f"CREATE POLICY across_hosts ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
