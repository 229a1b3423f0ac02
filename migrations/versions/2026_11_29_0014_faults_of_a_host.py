"""What stopped one host's turn of an org's work: its neighbours go on."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("connections", sa.Column("fault_code", sa.Text()))
    op.add_column("connections", sa.Column("fault_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("connections", sa.Column("fault_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for name in ("fault_until", "fault_count", "fault_code"):
        op.drop_column("connections", name)
