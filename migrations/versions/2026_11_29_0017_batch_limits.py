"""With how many others a row is tried whose batch broke off."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("sync_jobs", sa.Column("batch_limit", sa.Integer()))


def downgrade() -> None:
    op.drop_column("sync_jobs", "batch_limit")
