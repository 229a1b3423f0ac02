"""Since when jobs wait that waited when 0110 came: it did not see them, as the owner sees no host's rows."""

from alembic import op

revision: str = "0118"
down_revision: str | None = "0117"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

BACKLOG = """
UPDATE sync_jobs SET waiting_since = due_at
WHERE waiting_since IS NULL AND settled_state IS NULL AND state IN ('pending', 'running', 'ambiguous')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE sync_jobs NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sync_jobs DISABLE TRIGGER stamp_change")
    op.execute(BACKLOG)
    op.execute("ALTER TABLE sync_jobs ENABLE TRIGGER stamp_change")
    op.execute("ALTER TABLE sync_jobs FORCE ROW LEVEL SECURITY")
