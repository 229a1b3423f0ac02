"""The whole schema of the first release.

Revisions below 0100 were of the development before it: no release had them, and none works on their tables.
"""

from alembic import op

revision: str = "0100"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None
needs_code: bool = False

APP, SYSTEM = "eventship_app", "eventship_system"

HOSTS = """
-- One tenant. `settings` holds what the host chose: exclusions, kinds of write switched on or off.
CREATE TABLE hosts (
    host_id text NOT NULL,
    name text,
    settings jsonb NOT NULL DEFAULT '{}',
    api_cap_percent integer NOT NULL DEFAULT 80,
    app_mode text NOT NULL DEFAULT 'shared',
    paused_at timestamptz,
    paused_by text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_hosts PRIMARY KEY (host_id)
);

-- The latest snapshot of an event; `version`, else `snapshot_at`, decides which is the latest.
CREATE TABLE events (
    host_id text NOT NULL,
    event_id text NOT NULL,
    title text NOT NULL,
    kind text NOT NULL DEFAULT 'in_person',
    starts_at timestamptz,
    ends_at timestamptz,
    timezone text NOT NULL DEFAULT 'UTC',
    location text,
    url text,
    organizer jsonb,
    is_cancelled boolean NOT NULL DEFAULT false,
    has_had_link boolean NOT NULL DEFAULT false,
    version bigint,
    snapshot_at timestamptz NOT NULL,
    merge_state jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    paused_by text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_events PRIMARY KEY (host_id, event_id)
);
"""
WEBHOOKS = """
-- One signed webhook, once: the primary key is what makes a second delivery a duplicate.
CREATE TABLE deliveries (
    host_id text NOT NULL,
    webhook_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event_id text,
    registration_id text,
    body_sha256 bytea NOT NULL,
    payload jsonb NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (host_id, webhook_id)
);
CREATE INDEX ix_deliveries_attendee_email
    ON deliveries (host_id, address_key(payload #>> '{data,registration,attendee,email}'::text[]));
CREATE INDEX ix_deliveries_attendee_id
    ON deliveries (host_id, (payload #>> '{data,registration,attendee,id}'::text[]));
CREATE INDEX ix_deliveries_host_id_event_id ON deliveries (host_id, event_id);
CREATE INDEX ix_deliveries_host_id_registration_id ON deliveries (host_id, registration_id);
CREATE INDEX ix_deliveries_received_at ON deliveries (received_at);

-- The body of a delivery whose type we do not know, sealed, for when a later release knows it.
CREATE TABLE unknown_bodies (
    host_id text NOT NULL,
    webhook_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sealed bytea NOT NULL,
    mentions bytea[] NOT NULL,
    CONSTRAINT pk_unknown_bodies PRIMARY KEY (host_id, webhook_id)
);
CREATE INDEX ix_unknown_bodies_mentions ON unknown_bodies USING gin (mentions);
CREATE INDEX ix_unknown_bodies_received_at ON unknown_bodies (received_at);

-- A signed body that could not be used; kept apart for operations, and seen by no tenant.
CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL,
    host_id text,
    faults jsonb NOT NULL DEFAULT '[]',
    occurred_at timestamptz,
    body_sha256 bytea,
    sealed bytea,
    mentions bytea[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_quarantine PRIMARY KEY (quarantine_id)
);
CREATE INDEX ix_quarantine_mentions ON quarantine USING gin (mentions);
CREATE INDEX ix_quarantine_webhook_id ON quarantine (webhook_id);

-- The latest snapshot of one registration, and the facts that carry their own time.
CREATE TABLE registrations (
    host_id text NOT NULL,
    registration_id text NOT NULL,
    event_id text NOT NULL,
    status text NOT NULL,
    attendee jsonb NOT NULL,
    email_key text,
    ticket jsonb,
    buyer jsonb,
    answers jsonb NOT NULL DEFAULT '[]',
    utm jsonb,
    salesforce_id text,
    version bigint,
    snapshot_at timestamptz NOT NULL,
    registered_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    checked_in_at timestamptz,
    check_in_reverted_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    no_show_at timestamptz,
    completed_at timestamptz,
    replay jsonb,
    erased_at timestamptz,
    excluded_at timestamptz,
    excluded_by text,
    merge_state jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change_no bigint NOT NULL DEFAULT nextval('changes'),
    CONSTRAINT pk_registrations PRIMARY KEY (host_id, registration_id)
);
CREATE INDEX ix_registrations_attendee_id ON registrations (host_id, (attendee ->> 'id'::text));
CREATE INDEX ix_registrations_buyer_email
    ON registrations (host_id, lower(btrim(buyer ->> 'email'::text))) WHERE buyer IS NOT NULL;
CREATE INDEX ix_registrations_host_id_change_no ON registrations (host_id, change_no);
CREATE INDEX ix_registrations_host_id_email_key ON registrations (host_id, email_key);
CREATE INDEX ix_registrations_host_id_event_id ON registrations (host_id, event_id, registration_id);

-- A keyed tombstone: what is told of this subject for the time up to `erased_at` is not kept.
CREATE TABLE erasures (
    host_id text NOT NULL,
    kind text NOT NULL,
    key bytea NOT NULL,
    erased_at timestamptz NOT NULL,
    registration_ids jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_erasures PRIMARY KEY (host_id, kind, key),
    CONSTRAINT ck_erasures_kind CHECK (kind IN ('registration', 'email', 'attendee_id', 'mention'))
);
"""
CONNECTIONS = """
-- One per host. Kept after a disconnect (without credentials), so that work can wait for the next one.
CREATE TABLE connections (
    host_id text NOT NULL,
    state text NOT NULL,
    state_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason_code text,
    environment text NOT NULL,
    login_url text NOT NULL,
    client_id text NOT NULL,
    org_id text NOT NULL,
    org_name text,
    org_edition text,
    org_is_sandbox boolean,
    instance_url text NOT NULL,
    user_id text,
    username text,
    user_name text,
    identity_url text,
    scope text,
    api_version text NOT NULL,
    access_token bytea,
    refresh_token bytea,
    token_version bigint NOT NULL DEFAULT 1,
    is_rotating boolean NOT NULL DEFAULT false,
    refresh_started_at timestamptz,
    refreshed_at timestamptz,
    connected_at timestamptz NOT NULL,
    connected_by text NOT NULL,
    last_used_at timestamptz,
    last_written_at timestamptz,
    api_used integer,
    api_limit integer,
    api_measured_at timestamptz,
    api_closed_until timestamptz,
    problems jsonb NOT NULL DEFAULT '[]',
    calls_today integer NOT NULL DEFAULT 0,
    calls_day timestamptz,
    fault_code text,
    fault_count integer NOT NULL DEFAULT 0,
    fault_until timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT pk_connections PRIMARY KEY (host_id),
    CONSTRAINT ck_connections_state CHECK (state IN ('connected', 'needs_reconnect', 'disconnected')),
    CONSTRAINT ck_connections_connected_has_token
        CHECK ((state = 'connected') <= (refresh_token IS NOT NULL))
);
CREATE INDEX ix_connections_org_id ON connections (org_id);

-- A host's own Salesforce app. Key and Secret are sealed; `app_ref` is what connections name it by.
CREATE TABLE app_credentials (
    host_id text NOT NULL,
    app_ref text NOT NULL,
    consumer_key bytea NOT NULL,
    consumer_secret bytea NOT NULL,
    consumer_key_last4 text NOT NULL,
    consumer_secret_last4 text NOT NULL,
    fingerprint text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    saved_by text NOT NULL,
    retired_at timestamptz,
    CONSTRAINT pk_app_credentials PRIMARY KEY (host_id, app_ref)
);

-- One try to connect: found by the hash of its ticket or state before any tenant is known.
CREATE TABLE oauth_attempts (
    attempt_id text NOT NULL,
    host_id text NOT NULL,
    user_id text NOT NULL,
    environment text NOT NULL,
    login_url text NOT NULL,
    client_id text NOT NULL,
    display text NOT NULL,
    return_to text NOT NULL,
    origin text,
    begun_by text,
    state text NOT NULL DEFAULT 'waiting',
    ticket_hash bytea,
    state_hash bytea,
    browser_hash bytea,
    code_verifier bytea,
    code_hash bytea,
    wrong_codes integer NOT NULL DEFAULT 0,
    problem_code text,
    salesforce_error jsonb,
    details jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    arrived_at timestamptz,
    expires_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_oauth_attempts PRIMARY KEY (attempt_id)
);
CREATE INDEX ix_oauth_attempts_host_id ON oauth_attempts (host_id);
CREATE UNIQUE INDEX uq_oauth_attempts_state_hash ON oauth_attempts (state_hash);
CREATE UNIQUE INDEX uq_oauth_attempts_ticket_hash ON oauth_attempts (ticket_hash);

-- What Salesforce gave and nobody has confirmed yet: kept apart from the connections, used for nothing.
CREATE TABLE unconfirmed_grants (
    host_id text NOT NULL,
    attempt_id text NOT NULL,
    login_url text NOT NULL,
    client_id text NOT NULL,
    org_id text NOT NULL,
    org_name text,
    org_edition text,
    org_is_sandbox boolean,
    instance_url text NOT NULL,
    user_id text NOT NULL,
    username text,
    user_name text,
    identity_url text NOT NULL,
    scope text NOT NULL,
    api_version text NOT NULL,
    access_token bytea NOT NULL,
    refresh_token bytea NOT NULL,
    is_sixth boolean NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_unconfirmed_grants PRIMARY KEY (host_id, attempt_id)
);
CREATE INDEX ix_unconfirmed_grants_org_id ON unconfirmed_grants (org_id, user_id, client_id);

-- A grant that a newer one of the same user and app replaced; Salesforce still has and counts it.
CREATE TABLE superseded_grants (
    host_id text NOT NULL,
    grant_id text NOT NULL,
    org_id text NOT NULL,
    user_id text NOT NULL,
    client_id text NOT NULL,
    login_url text NOT NULL,
    token bytea NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT pk_superseded_grants PRIMARY KEY (host_id, grant_id)
);
CREATE INDEX ix_superseded_grants_org_id ON superseded_grants (org_id, user_id, client_id);

-- A token that must still be revoked at Salesforce because it was away when the host let go of it.
CREATE TABLE pending_revocations (
    host_id text NOT NULL,
    revocation_id text NOT NULL,
    login_url text NOT NULL,
    token bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_pending_revocations PRIMARY KEY (host_id, revocation_id)
);

-- The last look at a host's org. `requested_at` asks for the next one, `started_at` marks one under way.
CREATE TABLE preflights (
    host_id text NOT NULL,
    org_id text,
    result jsonb,
    checked_at timestamptz,
    requested_at timestamptz,
    started_at timestamptz,
    CONSTRAINT pk_preflights PRIMARY KEY (host_id)
);
CREATE INDEX ix_preflights_requested_at ON preflights (requested_at) WHERE requested_at IS NOT NULL;
"""
CAMPAIGNS = """
-- At most one per event. `statuses` maps our meanings to the campaign's own labels (null: not chosen).
CREATE TABLE campaign_links (
    host_id text NOT NULL,
    event_id text NOT NULL,
    state text NOT NULL DEFAULT 'linked',
    problem_code text,
    org_id text NOT NULL,
    campaign_id text,
    campaign_name text NOT NULL,
    is_active boolean NOT NULL,
    is_created_by_us boolean NOT NULL DEFAULT false,
    statuses jsonb NOT NULL,
    available_statuses jsonb NOT NULL,
    creation jsonb,
    creation_started_at timestamptz,
    creation_due_at timestamptz,
    creation_attempts integer NOT NULL DEFAULT 0,
    linked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    linked_by text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT pk_campaign_links PRIMARY KEY (host_id, event_id),
    CONSTRAINT ck_campaign_links_state CHECK (state IN ('linked', 'broken', 'creating', 'create_failed')),
    CONSTRAINT ck_campaign_links_linked_has_campaign
        CHECK ((state IN ('linked', 'broken')) <= (campaign_id IS NOT NULL)),
    CONSTRAINT fk_campaign_links_host_id_events
        FOREIGN KEY (host_id, event_id) REFERENCES events (host_id, event_id)
);
CREATE INDEX ix_campaign_links_creating ON campaign_links (creation_due_at) WHERE state = 'creating';
CREATE INDEX ix_campaign_links_host_id_campaign_id ON campaign_links (host_id, campaign_id);

-- Arms the jobs of an event chunk by chunk: a cursor over registration ids, never one big statement.
CREATE TABLE backfills (
    host_id text NOT NULL,
    backfill_id text NOT NULL,
    event_id text NOT NULL,
    org_id text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'running',
    cursor text NOT NULL DEFAULT '',
    is_enqueued boolean NOT NULL DEFAULT false,
    total integer NOT NULL,
    enqueued integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    api_calls integer NOT NULL DEFAULT 0,
    requested_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT pk_backfills PRIMARY KEY (host_id, backfill_id),
    CONSTRAINT ck_backfills_state CHECK (state IN ('running', 'paused', 'done', 'cancelled'))
);
CREATE UNIQUE INDEX uq_backfills_running
    ON backfills (host_id, event_id) WHERE state IN ('running', 'paused');
"""
FIELD_MAPPING = """
-- One layer of a host's rules: the host's own (`event_id` empty), or one event's over it.
CREATE TABLE mappings (
    host_id text NOT NULL,
    event_id text NOT NULL DEFAULT '',
    layer jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by text NOT NULL,
    CONSTRAINT pk_mappings PRIMARY KEY (host_id, event_id)
);

-- An object as a host's connected user sees it; empty `body`: that user may not see the object at all.
CREATE TABLE describe_cache (
    host_id text NOT NULL,
    org_id text NOT NULL,
    sobject text NOT NULL,
    body jsonb NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_stale boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_describe_cache PRIMARY KEY (host_id, org_id, sobject)
);
"""
SYNC = """
-- The pointer to one registration's work, and the unit of retry.
CREATE TABLE sync_jobs (
    host_id text NOT NULL,
    registration_id text NOT NULL,
    event_id text NOT NULL,
    org_id text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    priority smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL DEFAULT 'live',
    requested_by text,
    requested_version bigint NOT NULL DEFAULT 1,
    running_version bigint,
    written_version bigint NOT NULL DEFAULT 0,
    fence bigint,
    attempts integer NOT NULL DEFAULT 0,
    worker_crashes integer NOT NULL DEFAULT 0,
    batch_limit integer,
    waiting_for text,
    skipped_because text,
    is_attended boolean NOT NULL DEFAULT false,
    error_class text,
    error_code text,
    group_id text,
    error jsonb,
    first_error_at timestamptz,
    last_error_at timestamptz,
    warnings jsonb NOT NULL DEFAULT '[]',
    synced_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change_no bigint NOT NULL DEFAULT nextval('changes'),
    CONSTRAINT pk_sync_jobs PRIMARY KEY (host_id, registration_id),
    CONSTRAINT ck_sync_jobs_state
        CHECK (state IN ('pending', 'running', 'synced', 'failed', 'held', 'ambiguous', 'skipped'))
);
CREATE INDEX ix_sync_jobs_claim
    ON sync_jobs (host_id, event_id, priority, due_at) WHERE state IN ('pending', 'ambiguous');
CREATE INDEX ix_sync_jobs_failed ON sync_jobs (host_id, event_id, group_id) WHERE state = 'failed';
CREATE INDEX ix_sync_jobs_host_id_change_no ON sync_jobs (host_id, change_no);
CREATE INDEX ix_sync_jobs_host_id_event_id_state ON sync_jobs (host_id, event_id, state);
CREATE INDEX ix_sync_jobs_running ON sync_jobs (org_id) WHERE state = 'running';

-- What stands in Salesforce by our hand, one row per slot of a registration in an org.
CREATE TABLE written_records (
    host_id text NOT NULL,
    org_id text NOT NULL,
    registration_id text NOT NULL,
    slot text NOT NULL,
    instance_key text NOT NULL DEFAULT '',
    state text NOT NULL,
    action text NOT NULL,
    sobject text NOT NULL,
    sf_id text,
    meaning text,
    label text,
    reference text,
    details jsonb NOT NULL DEFAULT '{}',
    attempt_started_at timestamptz,
    first_attempt_at timestamptz,
    rounds integer NOT NULL DEFAULT 0,
    written_at timestamptz,
    CONSTRAINT pk_written_records PRIMARY KEY (host_id, org_id, registration_id, slot, instance_key),
    CONSTRAINT ck_written_records_state CHECK (state IN ('intended', 'written', 'ambiguous', 'failed'))
);
CREATE INDEX ix_written_records_host_id_org_id_sf_id
    ON written_records (host_id, org_id, sf_id) WHERE sf_id IS NOT NULL;

-- One run of one registration that reached Salesforce. Holds personal data: it goes with the attendee.
CREATE TABLE sync_attempts (
    host_id text NOT NULL,
    registration_id text NOT NULL,
    at timestamptz NOT NULL,
    event_id text NOT NULL,
    org_id text NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    requested_by text,
    outcome text NOT NULL,
    requests jsonb NOT NULL,
    responses jsonb NOT NULL,
    error jsonb,
    CONSTRAINT pk_sync_attempts PRIMARY KEY (host_id, registration_id, at)
);
CREATE INDEX ix_sync_attempts_at ON sync_attempts USING brin (at);

-- Who drains an org, until when (database clock); `fence` rises with every new owner.
CREATE TABLE org_leases (
    org_id text NOT NULL,
    owner text,
    fence bigint NOT NULL DEFAULT 0,
    until timestamptz,
    acquired_at timestamptz,
    not_before timestamptz,
    not_before_reason text,
    failures integer NOT NULL DEFAULT 0,
    is_slow boolean NOT NULL DEFAULT false,
    batch_size integer NOT NULL DEFAULT 200,
    caps jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    paused_by text,
    CONSTRAINT pk_org_leases PRIMARY KEY (org_id)
);

-- A person (or account) is being created in an org; nobody else may, until it is settled.
CREATE TABLE create_locks (
    org_id text NOT NULL,
    key bytea NOT NULL,
    host_id text NOT NULL,
    registration_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL,
    CONSTRAINT pk_create_locks PRIMARY KEY (org_id, key)
);
CREATE INDEX ix_create_locks_until ON create_locks (until);

-- One living worker process; `beat_at` is the database's clock.
CREATE TABLE worker_heartbeats (
    worker_id text NOT NULL,
    hostname text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_stopping boolean NOT NULL DEFAULT false,
    drains integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_worker_heartbeats PRIMARY KEY (worker_id)
);
"""
AUDIT = """
-- One deed. `hash` covers the entry and `prev_hash`, so that a changed row breaks the host's chain.
CREATE TABLE audit_log (
    host_id text NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (host_id, seq)
);

-- The last entry of a host's log, kept apart: without the key nobody can say that there were fewer.
CREATE TABLE audit_heads (
    host_id text NOT NULL,
    count bigint NOT NULL,
    hash bytea NOT NULL,
    keyed_from bigint NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT pk_audit_heads PRIMARY KEY (host_id)
);

-- An `Idempotency-Key`, and the sealed response to its first request, given again for 24 hours.
CREATE TABLE idempotency_keys (
    host_id text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status integer NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (host_id, key)
);

-- What a key outside the database is compared with at the start; the key is not in it.
CREATE TABLE key_checks (
    name text NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_key_checks PRIMARY KEY (name)
);
"""

# The same characters as in app/text/email_address.py: control and format characters, then white space.
INVISIBLE = (
    r"[\u0001-\u0008\u000e-\u001f\u007f-\u009f"
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f]"
)
SPACE = r"[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"

ADDRESS_KEY = f"""
CREATE FUNCTION address_key(address text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(
        regexp_replace(address, '{INVISIBLE}', '', 'g'), '^{SPACE}|{SPACE}$', '', 'g'
    ))
$$
"""

STAMP_CHANGE = """
CREATE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    NEW.change_no := nextval('changes');
    RETURN NEW;
END $$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'insufficient_privilege';
END $$
"""

TRIGGERS = """
CREATE TRIGGER stamp_change BEFORE INSERT OR UPDATE ON registrations
    FOR EACH ROW EXECUTE FUNCTION stamp_change();
CREATE TRIGGER stamp_change BEFORE INSERT OR UPDATE ON sync_jobs
    FOR EACH ROW EXECUTE FUNCTION stamp_change();
CREATE TRIGGER refuse_update BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_delete BEFORE DELETE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# The planner must know that an event's id says whose it is: else it takes a thousand rows for three.
STATISTICS = """
CREATE STATISTICS registrations_event_of_host (dependencies, ndistinct)
    ON host_id, event_id FROM registrations;
CREATE STATISTICS sync_jobs_event_of_host (dependencies, ndistinct)
    ON host_id, event_id FROM sync_jobs;
"""

READ, ADD, CHANGE = "SELECT", "SELECT, INSERT", "SELECT, INSERT, UPDATE"
WRITE = "SELECT, INSERT, UPDATE, DELETE"

# What requests of a host may do, and what workers and operations may.
RIGHTS: dict[str, tuple[str | None, str]] = {
    "hosts": (CHANGE, WRITE),
    "events": (CHANGE, WRITE),
    "deliveries": (READ, WRITE),
    "unknown_bodies": (None, WRITE),
    "quarantine": (None, WRITE),
    "registrations": ("SELECT, UPDATE", WRITE),
    "erasures": (READ, WRITE),
    "connections": (WRITE, WRITE),
    "app_credentials": (WRITE, WRITE),
    "oauth_attempts": (None, WRITE),
    "unconfirmed_grants": (None, WRITE),
    "superseded_grants": (WRITE, WRITE),
    "pending_revocations": (ADD, WRITE),
    "preflights": (CHANGE, WRITE),
    "campaign_links": (WRITE, WRITE),
    "backfills": (CHANGE, WRITE),
    "mappings": (WRITE, WRITE),
    "describe_cache": (WRITE, WRITE),
    "sync_jobs": (WRITE, WRITE),
    "written_records": (WRITE, WRITE),
    "sync_attempts": (WRITE, WRITE),
    "org_leases": (READ, WRITE),
    "create_locks": (WRITE, WRITE),
    "worker_heartbeats": (None, WRITE),
    "audit_log": (ADD, ADD),
    "audit_heads": (CHANGE, CHANGE),
    "idempotency_keys": (WRITE, WRITE),
    "key_checks": (None, ADD),
    "alembic_version": (READ, READ),
}

# Found before any tenant is known, or of the process: no row-level security.
WITHOUT_TENANT = {"oauth_attempts", "quarantine", "worker_heartbeats", "key_checks", "alembic_version"}

OWN = "host_id = nullif(current_setting('app.host_id', true), '')"
# `connections` has row-level security itself: what a session sees of it is the bound host's.
OWN_ORG = "org_id IN (SELECT connections.org_id FROM connections)"

# Row-level security: a session sees the rows of the host in `app.host_id`; unset means none.
TENANT = {"tenant": f"TO {APP} USING ({OWN}) WITH CHECK ({OWN})"}
TENANT_POLICIES: dict[str, dict[str, str]] = {
    "unknown_bodies": {},
    # Two hosts of one org must meet each other's locks; each makes and takes down only its own.
    "create_locks": {
        "tenant_reads": f"FOR SELECT TO {APP} USING ({OWN} OR {OWN_ORG})",
        "tenant_adds": f"FOR INSERT TO {APP} WITH CHECK ({OWN})",
        "tenant_takes_over": f"FOR UPDATE TO {APP} USING ({OWN} OR {OWN_ORG}) WITH CHECK ({OWN})",
        "tenant_removes": f"FOR DELETE TO {APP} USING ({OWN})",
    },
    "org_leases": {"tenant_reads": f"FOR SELECT TO {APP} USING ({OWN_ORG})"},
}
ACROSS_HOSTS = {"across_hosts": f"TO {SYSTEM} USING (true) WITH CHECK (true)"}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE SEQUENCE changes")
    for function in (ADDRESS_KEY, STAMP_CHANGE, REFUSE_CHANGE):
        op.execute(function)
    for theme in (HOSTS, WEBHOOKS, CONNECTIONS, CAMPAIGNS, FIELD_MAPPING, SYNC, AUDIT, TRIGGERS, STATISTICS):
        for statement in theme.split(";\n"):
            if statement.strip():
                op.execute(statement)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {SYSTEM}")
    op.execute(f"GRANT USAGE ON SEQUENCE changes TO {APP}, {SYSTEM}")
    for table, (app_rights, system_rights) in RIGHTS.items():
        _grant(table, app_rights, system_rights)
        if table not in WITHOUT_TENANT:
            _isolate_tenants(table)


def _grant(table: str, app_rights: str | None, system_rights: str) -> None:
    if app_rights:
        op.execute(f"GRANT {app_rights} ON {table} TO {APP}")
    op.execute(f"GRANT {system_rights} ON {table} TO {SYSTEM}")


def _isolate_tenants(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    for name, rule in (TENANT_POLICIES.get(table, TENANT) | ACROSS_HOSTS).items():
        op.execute(f"CREATE POLICY {name} ON {table} {rule}")
