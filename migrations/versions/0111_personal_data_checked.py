"""When a host's past events were last looked at for personal data to remove."""

from alembic import op

revision: str = "0111"
down_revision: str | None = "0110"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE hosts ADD COLUMN personal_data_checked_at timestamptz")
