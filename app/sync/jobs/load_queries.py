"""The queries behind a batch: narrow, by key, and planned alike whatever the statistics of the moment."""

from typing import Any

from app.models.kept_plan import found_by, kept_plan
from app.states import LinkState
from app.sync.model.batch import SLOT_COLUMNS, Link
from app.sync.model.exclusions import ExclusionRules
from app.sync.model.write_settings import WriteSettings

FACT_COLUMNS = """
    registration.status, registration.registered_at, registration.confirmed_at, registration.checked_in_at,
    registration.check_in_reverted_at, registration.cancelled_at, registration.no_show_at,
    registration.cancel_reason, registration.last_checked_in_at, registration.completed_at,
    registration.rescheduled_at, registration.reschedule_reason, registration.starts_at,
    registration.ends_at, registration.replay, registration.snapshot_at, registration.excluded_at,
    registration.ticket ->> 'kind' AS ticket_kind
"""
HOST_ROW = kept_plan("""
    SELECT clock_timestamp() AS now, (SELECT settings FROM hosts WHERE host_id = :host_id) AS settings,
           (SELECT api_cap_percent FROM hosts WHERE host_id = :host_id) AS api_cap_percent,
           (SELECT layer FROM mappings WHERE host_id = :host_id AND event_id = '') AS layer
""")
# Each by its key: with statistics of a moment ago the planner would walk all rows of the host for each, and a
# backlog's cost would grow with its square.
REGISTRATION_BY_KEY = f"""CROSS JOIN LATERAL {
    found_by("registration_id", "wanted.id", table="registrations")
} AS registration"""
CLAIMED = kept_plan(
    f"""
    SELECT job.registration_id, job.reason, job.requested_by, job.attempts, job.worker_crashes,
           job.running_version, nullif(job.failed_parts, '[]') AS failed_parts, job.trace_context,
           registration.event_id, registration.attendee,
           registration.email_key, registration.salesforce_id, registration.ticket ->> 'name' AS ticket_name,
           registration.erased_at, {FACT_COLUMNS}
    FROM unnest(CAST(:ids AS text[])) AS wanted (id)
    CROSS JOIN LATERAL {found_by("registration_id", "wanted.id", table="sync_jobs")} AS job
    {REGISTRATION_BY_KEY}
    ORDER BY wanted.id
    """  # noqa: S608 -- put together from constants
)
EVENTS = kept_plan(
    f"""
    SELECT event.event_id, event.title, event.timezone, event.starts_at, event.location, event.url,
           event.kind, event.ends_at, event.organizer, event.cancelled_at, event.cancel_reason,
           event.is_enabled, event.writes, mapping.layer,
           link.campaign_id, link.statuses, link.state AS link_state, link.version AS link_version
    FROM unnest(CAST(:event_ids AS text[])) AS wanted (id)
    CROSS JOIN LATERAL {found_by("event_id", "wanted.id", table="events")} AS event
    LEFT JOIN LATERAL {found_by("event_id", "wanted.id", table="campaign_links")} AS link
      ON link.org_id = :org_id
    LEFT JOIN LATERAL {found_by("event_id", "wanted.id", table="mappings")} AS mapping
      ON mapping.event_id <> ''
    """  # noqa: S608 -- put together from constants
)
# Read for hosts that chose something only: answers are long, and the default rules know nothing of them.
EXTRAS = kept_plan(
    f"""
    SELECT registration.registration_id, registration.answers, registration.ticket, registration.buyer,
           registration.utm, registration.replay
    FROM unnest(CAST(:ids AS text[])) AS wanted (id)
    {REGISTRATION_BY_KEY}
    """  # noqa: S608 -- put together from constants
)
SLOTS = kept_plan(
    f"""
    SELECT record.registration_id, record.slot, record.instance_key, {", ".join(SLOT_COLUMNS)}
    FROM unnest(CAST(:ids AS text[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT * FROM written_records
        WHERE host_id = :host_id AND org_id = :org_id AND registration_id = wanted.id
        ORDER BY host_id, org_id, registration_id, slot, instance_key OFFSET 0
    ) AS record
    """  # noqa: S608 -- put together from constants
)
SIBLINGS = kept_plan(
    f"""
    SELECT asked.campaign_id, asked.email_key, {FACT_COLUMNS}, event.is_enabled,
           event.writes AS event_writes, event.kind AS event_kind,
           host.settings - 'exclusions' AS host_settings,
           {", ".join(f"record.{name} AS slot_{name}" for name in SLOT_COLUMNS)}
    FROM unnest(CAST(:campaigns AS text[]), CAST(:emails AS text[])) AS asked (campaign_id, email_key)
    CROSS JOIN LATERAL {found_by("email_key", "asked.email_key", table="registrations")} AS registration
    CROSS JOIN LATERAL {found_by("event_id", "registration.event_id", table="campaign_links")} AS link
    CROSS JOIN LATERAL {found_by("event_id", "registration.event_id", table="events")} AS event
    LEFT JOIN LATERAL (SELECT settings FROM hosts WHERE host_id = :host_id OFFSET 0) AS host ON true
    LEFT JOIN LATERAL {
        found_by(
            "registration_id",
            "registration.registration_id",
            table="written_records",
            beside="host_id = :host_id AND org_id = :org_id",
        )
    } AS record ON record.slot = :member AND record.instance_key = link.campaign_id
    WHERE registration.registration_id <> ALL(:known) AND registration.erased_at IS NULL
      AND link.campaign_id = asked.campaign_id
    """  # noqa: S608 -- put together from constants
)
OTHER_TICKETS = kept_plan(
    f"""
    SELECT record.sf_id, registration.email_key, {FACT_COLUMNS}
    FROM unnest(CAST(:members AS text[])) AS wanted (id)
    CROSS JOIN LATERAL {
        found_by(
            "sf_id", "wanted.id", table="written_records", beside="host_id = :host_id AND org_id = :org_id"
        )
    } AS record
    CROSS JOIN LATERAL {
        found_by("registration_id", "record.registration_id", table="registrations")
    } AS registration
    WHERE record.slot = :member AND registration.erased_at IS NULL
      AND registration.registration_id <> ALL(:transferred)
    """  # noqa: S608 -- put together from constants
)


def choices_of(of_host: Any) -> dict[str, Any]:
    """What the host of a row of HOST_ROW chose, by the names of a batch."""
    settings = of_host.settings or {}
    return {
        "exclusions": ExclusionRules.of(settings),
        "settings": WriteSettings.of(settings),
        "api_cap_percent": of_host.api_cap_percent,
    }


def link_of(row: Any) -> Link | None:
    """The link of a row of EVENTS."""
    if row.campaign_id is None or row.link_state not in (LinkState.LINKED, LinkState.BROKEN):
        return None
    labels = {meaning: label for meaning, label in row.statuses.items() if label}
    return Link(
        row.campaign_id, labels, is_broken=row.link_state == LinkState.BROKEN, version=row.link_version
    )
