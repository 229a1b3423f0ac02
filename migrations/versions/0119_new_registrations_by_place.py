"""New registrations are recorded from rows by place, which take Postgres a fraction of what objects do.

The function of 0117 stays for processes of the release before.
"""

from collections.abc import Mapping

from alembic import op

revision: str = "0119"
down_revision: str | None = "0118"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"

HOSTS = {"host_id": "text", "found": "text"}
EVENTS = {"host_id": "text", "event_id": "text", "found": "text"}
KEYS = {"host_id": "text", "registration_id": "text"}
DELIVERIES = {
    "host_id": "text",
    "webhook_id": "text",
    "type": "text",
    "occurred_at": "timestamptz",
    "event_id": "text",
    "registration_id": "text",
    "body_sha256": "bytea",
    "outcome": "text",
    "payload": "jsonb",
}
REGISTRATIONS = {
    "host_id": "text",
    "registration_id": "text",
    "event_id": "text",
    "status": "text",
    "attendee": "jsonb",
    "email_key": "text",
    "ticket": "jsonb",
    "buyer": "jsonb",
    "answers": "jsonb",
    "utm": "jsonb",
    "salesforce_id": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "version": "bigint",
    "snapshot_at": "timestamptz",
    "registered_at": "timestamptz",
    "confirmed_at": "timestamptz",
    "checked_in_at": "timestamptz",
    "last_checked_in_at": "timestamptz",
    "check_in_reverted_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "cancel_reason": "text",
    "no_show_at": "timestamptz",
    "completed_at": "timestamptz",
    "rescheduled_at": "timestamptz",
    "reschedule_reason": "text",
    "rescheduled_from": "jsonb",
    "replay": "jsonb",
    "emails": "jsonb",
    "merge_state": "jsonb",
}
JOBS = {
    "host_id": "text",
    "registration_id": "text",
    "event_id": "text",
    "org_id": "text",
    "reason": "text",
    "priority": "smallint",
    "trace_context": "text",
}


def _rows(parameter: str, columns: Mapping[str, str]) -> str:
    """A SELECT of the rows in a list of lists; JSON's null is NULL."""
    values = (f"{_value(place, kind)} AS {name}" for place, (name, kind) in enumerate(columns.items()))
    return f"SELECT {', '.join(values)} FROM jsonb_array_elements({parameter}) AS given (listed)"


def _value(place: int, kind: str) -> str:
    if kind == "jsonb":
        return f"nullif(listed -> {place}, 'null')"
    return f"CAST(listed ->> {place} AS {kind})"


def _insert(table: str, parameter: str, columns: Mapping[str, str], key: str) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) {_rows(parameter, columns)} ORDER BY host_id, {key}"


# As the function of 0117: the lock comes before all that is read, all is written or nothing, and each row is
# found by a range of one value, since plans are kept whatever the tables held when they were made.
RECORD_NEW = f"""
CREATE FUNCTION record_registrations_by_place(
    known_hosts jsonb, known_events jsonb, new_deliveries jsonb, new_registrations jsonb, new_jobs jsonb
) RETURNS boolean LANGUAGE plpgsql
SET role = {SYSTEM}
SET lock_timeout = '15s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_sort = off
SET jit = off
AS $$
DECLARE
    is_other boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(host_id, 11))
    FROM ({_rows("known_hosts", HOSTS)}) AS known;

    SELECT EXISTS (
        SELECT FROM ({_rows("known_hosts", HOSTS)} OFFSET 0) AS known
        LEFT JOIN LATERAL (
            SELECT host_id, name FROM hosts
            WHERE host_id BETWEEN known.host_id AND known.host_id ORDER BY host_id OFFSET 0
        ) AS h ON true
        LEFT JOIN LATERAL (
            SELECT org_id FROM connections
            WHERE host_id BETWEEN known.host_id AND known.host_id ORDER BY host_id OFFSET 0
        ) AS c ON true
        WHERE known.found IS DISTINCT FROM CAST(json_build_object(
            'is_known', h.host_id IS NOT NULL, 'name', h.name, 'org_id', c.org_id,
            'has_tombstones', EXISTS (
                SELECT FROM erasures WHERE host_id BETWEEN known.host_id AND known.host_id
            )
        ) AS text)
    ) OR EXISTS (
        SELECT FROM ({_rows("known_events", EVENTS)} OFFSET 0) AS known
        LEFT JOIN LATERAL (
            SELECT CAST(row_to_json(events) AS text) AS found FROM events
            WHERE host_id = known.host_id AND event_id BETWEEN known.event_id AND known.event_id
            ORDER BY event_id OFFSET 0
        ) AS e ON true
        WHERE known.found IS DISTINCT FROM e.found
    ) OR EXISTS (
        SELECT FROM ({_rows("new_registrations", KEYS)} OFFSET 0) AS new
        CROSS JOIN LATERAL (
            SELECT FROM registrations
            WHERE host_id = new.host_id
              AND registration_id BETWEEN new.registration_id AND new.registration_id
            ORDER BY registration_id OFFSET 0
        ) AS there
    ) INTO is_other;
    IF is_other THEN
        RETURN false;
    END IF;

    {_insert("deliveries", "new_deliveries", DELIVERIES, "webhook_id")};
    {_insert("registrations", "new_registrations", REGISTRATIONS, "registration_id")};
    {_insert("sync_jobs", "new_jobs", JOBS, "registration_id")};
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    -- Another process was first.
    RETURN false;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(RECORD_NEW)
