"""When the database was restored from a backup, and what it may have forgotten."""

from alembic import op

revision: str = "0108"
down_revision: str | None = "0107"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"
TABLE = """
CREATE TABLE restores (
    restored_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    looks_until timestamptz NOT NULL,
    CONSTRAINT pk_restores PRIMARY KEY (restored_at)
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TABLE)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON restores TO {SYSTEM}")
    # A restored copy goes on behind the numbers that were given after the backup.
    op.execute(f"GRANT UPDATE ON SEQUENCE changes TO {SYSTEM}")
