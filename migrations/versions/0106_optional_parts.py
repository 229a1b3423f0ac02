"""Parts of a registration that its state does not depend on: how jobs stand while they are on their way."""

from alembic import op

revision: str = "0106"
down_revision: str | None = "0105"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

COLUMNS = (
    "settled_state text",
    "optional_requests integer NOT NULL DEFAULT 0",
    "failed_parts jsonb NOT NULL DEFAULT '[]'",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in COLUMNS:
        op.execute(f"ALTER TABLE sync_jobs ADD COLUMN {column}")
