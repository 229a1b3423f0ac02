"""The registrations of an event are counted from indexes alone; bodies in quarantine are read by time."""

from alembic import op

revision: str = "0116"
down_revision: str | None = "0115"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

# Whoever comes to another event leaves a job behind in the one before, until it is requested again.
STAMP_CHANGE = """
CREATE OR REPLACE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    NEW.change_no := nextval('changes');
    IF TG_OP = 'UPDATE' AND NEW.event_id <> OLD.event_id THEN
        NEW.has_moved := true;
    END IF;
    RETURN NEW;
END $$
"""
MOVED_BEFORE = """
UPDATE registrations SET has_moved = true FROM sync_jobs AS job
WHERE job.host_id = registrations.host_id AND job.registration_id = registrations.registration_id
  AND job.event_id <> registrations.event_id
"""
INDEXES = (
    "DROP INDEX ix_sync_jobs_host_id_event_id_state",
    "CREATE INDEX ix_sync_jobs_stats ON sync_jobs "
    "(host_id, event_id, state, org_id, settled_state, waiting_for, skipped_because, is_attended)",
    "CREATE INDEX ix_sync_jobs_failed_parts ON sync_jobs (host_id, event_id) WHERE failed_parts <> '[]'",
    "CREATE INDEX ix_registrations_checked_in ON registrations (host_id, event_id, checked_in_at) "
    "WHERE checked_in_at IS NOT NULL",
    "CREATE INDEX ix_registrations_exceptions ON registrations (host_id, event_id) "
    "WHERE confirmed_at IS NULL AND checked_in_at IS NULL OR erased_at IS NOT NULL "
    "OR check_in_reverted_at IS NOT NULL",
    "CREATE INDEX ix_registrations_has_moved ON registrations (host_id) WHERE has_moved",
    "CREATE INDEX ix_quarantine_received_at ON quarantine (received_at, quarantine_id)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE registrations ADD COLUMN has_moved boolean NOT NULL DEFAULT false")
    op.execute(STAMP_CHANGE)
    # The owner must see the rows of all hosts for a moment, and what is noted is no change of a registration.
    for table in ("registrations", "sync_jobs"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE registrations DISABLE TRIGGER stamp_change")
    op.execute(MOVED_BEFORE)
    op.execute("ALTER TABLE registrations ENABLE TRIGGER stamp_change")
    for table in ("registrations", "sync_jobs"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for statement in INDEXES:
        op.execute(statement)
