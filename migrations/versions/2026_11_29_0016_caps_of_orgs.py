"""How many rows an org takes in one call, as it has shown."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("org_leases", sa.Column("caps", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("org_leases", "caps")
