"""Since when work waits, when gates were opened again, and when each chore was last done."""

from alembic import op

revision: str = "0110"
down_revision: str | None = "0109"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"

# `waiting_since` begins with a request for what is settled, and again where the work of an earlier version
# was settled while a newer one was requested, or where a missing right of the org's user kept it. Optional
# parts of what is settled keep nobody waiting.
STAMP_JOB = """
CREATE FUNCTION stamp_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    NEW.change_no := nextval('changes');
    IF TG_OP = 'INSERT' THEN
        NEW.waiting_since := coalesce(NEW.waiting_since, NEW.due_at);
    ELSIF NEW.settled_state IS NOT NULL THEN
        IF NEW.state = 'running' THEN
            NEW.waiting_since := NULL;
        END IF;
    ELSIF NEW.state IN ('pending', 'running', 'ambiguous') AND (
        OLD.state IN ('synced', 'failed', 'held', 'skipped')
        OR OLD.settled_state IS NOT NULL
        OR NEW.written_version > OLD.written_version
        OR (OLD.waiting_for = 'salesforce_access' AND (NEW.state = 'running' OR NEW.waiting_for IS NULL))
    ) THEN
        NEW.waiting_since := clock_timestamp();
    END IF;
    RETURN NEW;
END $$
"""
BACKLOG = """
UPDATE sync_jobs SET waiting_since = due_at WHERE state IN ('pending', 'running', 'ambiguous')
"""
WAITING = """
CREATE INDEX ix_sync_jobs_waiting ON sync_jobs (host_id, event_id, state, waiting_since)
WHERE state IN ('pending', 'ambiguous') AND priority = 0 AND settled_state IS NULL
  AND (waiting_for IS NULL OR waiting_for = 'certainty')
"""
CHORE_RUNS = """
CREATE TABLE chore_runs (
    chore text NOT NULL,
    succeeded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_chore_runs PRIMARY KEY (chore)
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("hosts", "events", "org_leases"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN resumed_at timestamptz")
    op.execute("ALTER TABLE sync_jobs ADD COLUMN waiting_since timestamptz")
    op.execute(
        "UPDATE sync_jobs SET waiting_since = due_at WHERE state IN ('pending', 'running', 'ambiguous')"
    )
    op.execute(STAMP_JOB)
    op.execute(
        "CREATE OR REPLACE TRIGGER stamp_change BEFORE INSERT OR UPDATE ON sync_jobs "
        "FOR EACH ROW EXECUTE FUNCTION stamp_job()"
    )
    op.execute(WAITING)
    op.execute(CHORE_RUNS)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON chore_runs TO {SYSTEM}")
