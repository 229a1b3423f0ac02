"""Switches of an event: the whole event, and each kind of write."""

from alembic import op

revision: str = "0102"
down_revision: str | None = "0101"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE events
            ADD COLUMN is_enabled boolean,
            ADD COLUMN writes jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN settings_version integer NOT NULL DEFAULT 0
    """)
