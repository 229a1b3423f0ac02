"""A function records a group of new registrations in one call: what the intake asked and wrote in turns."""

from alembic import op

revision: str = "0117"
down_revision: str | None = "0116"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"

# The lock comes before all that is read: each statement of the function sees what was committed before it.
# Nothing is written unless all is: the answer is false where a host, its connection or an event is not what
# the caller takes it for, where somebody of the host was erased, and where anything is there already.
#
# Plans are kept, made whatever the tables hold at that moment: so all that grows is found laterally, by a
# range of one value whose order only the index that is meant has. An equality would be joined or hashed by a
# plan from when the rows were few, and read all of them.
RECORD_NEW = f"""
CREATE FUNCTION record_new_registrations(
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
    delivered integer;
    registered integer;
    enqueued integer;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(known.host_id, 11))
    FROM jsonb_to_recordset(known_hosts) AS known (host_id text);

    SELECT EXISTS (
        SELECT FROM jsonb_to_recordset(known_hosts) AS known (host_id text, found text)
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
        SELECT FROM jsonb_to_recordset(known_events) AS known (host_id text, event_id text, found text)
        LEFT JOIN LATERAL (
            SELECT CAST(row_to_json(events) AS text) AS found FROM events
            WHERE host_id = known.host_id AND event_id BETWEEN known.event_id AND known.event_id
            ORDER BY event_id OFFSET 0
        ) AS e ON true
        WHERE known.found IS DISTINCT FROM e.found
    ) OR EXISTS (
        SELECT FROM jsonb_to_recordset(new_registrations) AS new (host_id text, registration_id text)
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

    INSERT INTO deliveries (
        host_id, webhook_id, type, occurred_at, event_id, registration_id, body_sha256, payload, outcome
    )
    SELECT host_id, webhook_id, type, occurred_at, event_id, registration_id, body_sha256, payload, outcome
    FROM jsonb_populate_recordset(CAST(NULL AS deliveries), new_deliveries)
    ORDER BY host_id, webhook_id ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS delivered = ROW_COUNT;

    INSERT INTO registrations (
        host_id, registration_id, event_id, status, attendee, email_key, ticket, buyer, answers, utm,
        salesforce_id, starts_at, ends_at, version, snapshot_at, registered_at, confirmed_at, checked_in_at,
        last_checked_in_at, check_in_reverted_at, cancelled_at, cancel_reason, no_show_at, completed_at,
        rescheduled_at, reschedule_reason, rescheduled_from, replay, emails, merge_state
    )
    SELECT
        host_id, registration_id, event_id, status, attendee, email_key, ticket, buyer, answers, utm,
        salesforce_id, starts_at, ends_at, version, snapshot_at, registered_at, confirmed_at, checked_in_at,
        last_checked_in_at, check_in_reverted_at, cancelled_at, cancel_reason, no_show_at, completed_at,
        rescheduled_at, reschedule_reason, rescheduled_from, replay, emails, merge_state
    FROM jsonb_populate_recordset(CAST(NULL AS registrations), new_registrations)
    ORDER BY host_id, registration_id ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS registered = ROW_COUNT;

    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, reason, priority, trace_context)
    SELECT host_id, registration_id, event_id, org_id, reason, priority, trace_context
    FROM jsonb_populate_recordset(CAST(NULL AS sync_jobs), new_jobs)
    ORDER BY host_id, registration_id ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS enqueued = ROW_COUNT;

    IF delivered < jsonb_array_length(new_deliveries)
        OR registered < jsonb_array_length(new_registrations)
        OR enqueued < jsonb_array_length(new_jobs) THEN
        RAISE EXCEPTION 'another process was first' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN true;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(RECORD_NEW)
