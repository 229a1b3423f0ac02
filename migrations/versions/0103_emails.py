"""What was sent to an attendee by e-mail, opened and replied."""

from alembic import op

revision: str = "0103"
down_revision: str | None = "0102"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE registrations ADD COLUMN emails jsonb NOT NULL DEFAULT '{}'")
