"""The address of ours that a host is bound to, and at which an attempt to connect was begun."""

from alembic import op

revision: str = "0114"
down_revision: str | None = "0113"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE hosts ADD COLUMN public_url text")
    op.execute("ALTER TABLE oauth_attempts ADD COLUMN public_url text")
