"""Bodies that we do not read are sealed, and found by keyed hashes of what they mention."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SYSTEM = "eventship_system"
KINDS = "'registration', 'email', 'attendee_id'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "unknown_bodies",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mentions", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "webhook_id", name=op.f("pk_unknown_bodies")),
    )
    op.create_index("ix_unknown_bodies_received_at", "unknown_bodies", ["received_at"])
    op.create_index("ix_unknown_bodies_mentions", "unknown_bodies", ["mentions"], postgresql_using="gin")
    op.execute("ALTER TABLE unknown_bodies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY across_hosts ON unknown_bodies TO {SYSTEM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON unknown_bodies TO {SYSTEM}")
    _extend_quarantine()
    _set_kinds(f"{KINDS}, 'mention'")


def downgrade() -> None:
    # The owner sees no row of a walled table.
    op.execute("ALTER TABLE erasures NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM erasures WHERE kind = 'mention'")
    op.execute("ALTER TABLE erasures FORCE ROW LEVEL SECURITY")
    _set_kinds(KINDS)
    op.execute("DELETE FROM quarantine WHERE body IS NULL")
    op.drop_index("ix_quarantine_mentions", "quarantine")
    for name in ("host_id", "faults", "occurred_at", "body_sha256", "sealed", "mentions"):
        op.drop_column("quarantine", name)
    op.alter_column("quarantine", "body", nullable=False)
    op.drop_table("unknown_bodies")


def _extend_quarantine() -> None:
    none = sa.text("'[]'")
    op.alter_column("quarantine", "body", nullable=True)
    for column in (
        sa.Column("host_id", sa.Text(), nullable=True),
        sa.Column("faults", postgresql.JSONB(astext_type=sa.Text()), server_default=none, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "mentions", postgresql.ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'"), nullable=False
        ),
    ):
        op.add_column("quarantine", column)
    op.create_index("ix_quarantine_mentions", "quarantine", ["mentions"], postgresql_using="gin")


def _set_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_erasures_kind"), "erasures", type_="check")
    op.create_check_constraint(op.f("ck_erasures_kind"), "erasures", f"kind IN ({kinds})")
