"""Tell the planner that an event's id says whose it is: else it takes a thousand rows for three."""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("registrations", "sync_jobs")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(
            f"CREATE STATISTICS {table}_event_of_host (dependencies, ndistinct)"
            f" ON host_id, event_id FROM {table}"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP STATISTICS {table}_event_of_host")
