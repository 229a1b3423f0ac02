"""The trace that a job's work belongs to, where traces are collected."""

from alembic import op

revision: str = "0107"
down_revision: str | None = "0106"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE sync_jobs ADD COLUMN trace_context text")
