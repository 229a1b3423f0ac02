"""Create locks are read by their key alone: nobody read the index on their end, and each create wrote it."""

from alembic import op

revision: str = "0115"
down_revision: str | None = "0114"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_create_locks_until")
