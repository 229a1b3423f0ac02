"""A lease is taken, and given up, by one call each: what drains asked in a transaction of three round trips.

Processes of the release before go on with statements of their own.
"""

from alembic import op

revision: str = "0120"
down_revision: str | None = "0119"
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

SYSTEM = "eventship_system"

# Each is a transaction by itself. Plans are kept, made whatever the tables hold at that moment: so all that
# grows is found by a range of one value, in an order that only the index which is meant has.
SETTINGS = f"""
SET role = {SYSTEM}
SET lock_timeout = '3s'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_sort = off
SET jit = off
"""
HOSTS_OF_ORG = """
    (
        SELECT * FROM connections WHERE org_id BETWEEN of_org AND of_org ORDER BY org_id OFFSET 0
    ) AS connection CROSS JOIN LATERAL (
        SELECT * FROM hosts WHERE host_id BETWEEN connection.host_id AND connection.host_id
        ORDER BY host_id OFFSET 0
    ) AS host
"""
HAS_OPEN_GATES = """
    connection.state = 'connected' AND host.paused_at IS NULL
    AND (connection.api_closed_until IS NULL OR connection.api_closed_until <= clock_timestamp())
    AND (connection.fault_until IS NULL OR connection.fault_until <= clock_timestamp())
"""
IS_LEASE_FREE = """
    lease.paused_at IS NULL AND (lease.until IS NULL OR lease.until <= clock_timestamp())
    AND (lease.not_before IS NULL OR lease.not_before <= clock_timestamp())
"""

NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"

# No row where the lease is not free. Where rows of an earlier lease are running it is taken only by whoever
# recovers them in the same transaction. Any other need not be on disk when it is answered: a crash of
# Postgres may undo it, but no other lease gets its fence, which is the time in microseconds. A fence that is
# later than the clock, which was set back, was counted: it is on disk, or the next lease would count alike.
TAKE_LEASE = f"""
CREATE FUNCTION take_lease(of_org text, new_owner text, life interval, recovers boolean)
RETURNS TABLE (
    is_taken boolean, fence bigint, batch_size integer, failures integer, caps jsonb, is_slow boolean,
    restored_since timestamptz, restored_at timestamptz, hosts jsonb
) LANGUAGE plpgsql {SETTINGS} AS $$
#variable_conflict use_column
BEGIN
    IF NOT recovers THEN
        IF EXISTS (SELECT FROM sync_jobs WHERE org_id = of_org AND state = 'running') THEN
            RETURN QUERY
            SELECT false, NULL::bigint, NULL::integer, NULL::integer, NULL::jsonb, NULL::boolean,
                   NULL::timestamptz, NULL::timestamptz, NULL::jsonb
            WHERE NOT EXISTS (
                SELECT FROM org_leases AS lease
                WHERE lease.org_id BETWEEN of_org AND of_org AND NOT ({IS_LEASE_FREE})
            );
            RETURN;
        END IF;
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    RETURN QUERY
    INSERT INTO org_leases AS lease (org_id, owner, fence, until, acquired_at)
    VALUES (
        of_org, new_owner, {NOW}, clock_timestamp() + life, clock_timestamp()
    )
    ON CONFLICT (org_id) DO UPDATE
    SET owner = excluded.owner, fence = greatest(lease.fence + 1, excluded.fence),
        until = excluded.until, acquired_at = excluded.acquired_at
    WHERE {IS_LEASE_FREE}
    RETURNING CASE WHEN fence <= {NOW} THEN true ELSE set_config('synchronous_commit', 'on', true) = 'on' END,
              fence, batch_size, failures, caps, is_slow,
              (SELECT min(since) FROM restores WHERE looks_until > clock_timestamp()),
              (SELECT max(restores.restored_at) FROM restores WHERE looks_until > clock_timestamp()),
              (SELECT coalesce(jsonb_object_agg(connection.host_id, connection.fault_count), '{{}}')
               FROM {HOSTS_OF_ORG} WHERE {HAS_OPEN_GATES});
END $$
"""
GIVE_UP_LEASE = f"""
CREATE FUNCTION give_up_lease_unless_due(
    of_org text, old_owner text, old_fence bigint, except_hosts text[]
) RETURNS boolean LANGUAGE plpgsql {SETTINGS} AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE org_leases SET owner = NULL, until = NULL
    WHERE org_id = of_org AND owner = old_owner AND fence = old_fence AND NOT EXISTS (
        SELECT FROM {HOSTS_OF_ORG} CROSS JOIN LATERAL (
            WITH RECURSIVE waiting (event_id) AS (
                (SELECT event_id FROM sync_jobs
                 WHERE host_id = connection.host_id AND state IN ('pending', 'ambiguous')
                 ORDER BY event_id LIMIT 1)
                UNION ALL
                SELECT next.event_id FROM waiting CROSS JOIN LATERAL (
                    SELECT job.event_id FROM sync_jobs AS job
                    WHERE job.host_id = connection.host_id AND job.state IN ('pending', 'ambiguous')
                      AND job.event_id > waiting.event_id
                    ORDER BY job.event_id LIMIT 1
                ) AS next
            )
            SELECT FROM waiting
            CROSS JOIN LATERAL (
                SELECT paused_at FROM events
                WHERE host_id = connection.host_id
                  AND event_id BETWEEN waiting.event_id AND waiting.event_id
                ORDER BY event_id OFFSET 0
            ) AS event
            CROSS JOIN (VALUES (0), (10)) AS lane (priority)
            CROSS JOIN LATERAL (
                SELECT job.registration_id FROM sync_jobs AS job
                WHERE job.host_id = connection.host_id AND job.event_id = waiting.event_id
                  AND job.priority = lane.priority AND job.state IN ('pending', 'ambiguous')
                  AND job.due_at <= (SELECT clock_timestamp()) AND job.org_id = of_org
                ORDER BY job.due_at LIMIT 1
            ) AS row
            WHERE event.paused_at IS NULL
            LIMIT 1
        ) AS due
        WHERE connection.host_id <> ALL(except_hosts) AND {HAS_OPEN_GATES}
    );
    RETURN FOUND;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TAKE_LEASE)
    op.execute(GIVE_UP_LEASE)
