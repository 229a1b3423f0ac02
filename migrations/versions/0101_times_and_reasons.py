"""Slots of registrations, their latest move, their last check-in, and why and when an event was cancelled."""

from alembic import op

revision: str = "0101"
down_revision: str | None = "0100"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE registrations
            ADD COLUMN starts_at timestamptz, ADD COLUMN ends_at timestamptz,
            ADD COLUMN last_checked_in_at timestamptz, ADD COLUMN rescheduled_at timestamptz,
            ADD COLUMN reschedule_reason text, ADD COLUMN rescheduled_from jsonb
    """)
    op.execute("ALTER TABLE events ADD COLUMN cancelled_at timestamptz, ADD COLUMN cancel_reason text")
    # Row-level security is forced on the owner too, and no policy lets it see a row.
    op.execute("ALTER TABLE events NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        UPDATE events SET cancelled_at = CAST(merge_state #>> '{facts,cancelled_at}' AS timestamptz)
        WHERE is_cancelled
    """)
    op.execute("ALTER TABLE events FORCE ROW LEVEL SECURITY")
