"""The head of each host's audit log, with the number of its entries, under a key that the database lacks."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APP, SYSTEM = "eventship_app", "eventship_system"
OWN = "host_id = nullif(current_setting('app.host_id', true), '')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "audit_heads",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("keyed_from", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_audit_heads")),
    )
    op.execute("ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON audit_heads TO {APP} USING ({OWN}) WITH CHECK ({OWN})")
    op.execute(f"CREATE POLICY across_hosts ON audit_heads TO {SYSTEM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON audit_heads TO {APP}, {SYSTEM}")
    for when in ("DELETE", "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER refuse_{when.lower()} BEFORE {when} ON audit_heads "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("audit_heads")
