"""The shapes that dashboards are built on. Members may be added here; none may be renamed or taken away."""

from typing import Any, Final

from tests.json_shapes import ANYTHING, DATE, FLAG, ID, NUMBER, OBJECT, TEXT, TIME, Maybe

Shape = dict[str, Any]

ADVICE: Shape = {"code": TEXT, "title": TEXT, "explanation": TEXT, "steps": [TEXT], "link": Maybe(TEXT)}
SALESFORCE: Shape = {
    "error_code": TEXT, "message": TEXT, "fields": [TEXT], "http_status": Maybe(NUMBER),
}  # fmt: skip
PROBLEM: Shape = {
    "type": TEXT, "title": TEXT, "status": NUMBER, "detail": Maybe(TEXT), "code": TEXT, "reason": Maybe(TEXT),
    "advice": Maybe(ADVICE), "salesforce": Maybe(SALESFORCE), "request_id": TEXT,
}  # fmt: skip
INVALID: Shape = PROBLEM | {"errors": [{"path": TEXT, "message": TEXT}]}
RECORD: Shape = {"object": TEXT, "id": ID, "url": TEXT}
BUDGET: Shape = {
    "org_used": Maybe(NUMBER), "org_limit": Maybe(NUMBER), "cap_percent": NUMBER, "stop_at": Maybe(NUMBER),
    "is_stopped": FLAG, "resumes_at": Maybe(TIME), "calls_today": NUMBER, "measured_at": Maybe(TIME),
}  # fmt: skip
ACTION: Shape = {"is_allowed": FLAG, "why_not": Maybe(TEXT)}
ORG: Shape = {
    "id": ID, "name": TEXT, "edition": TEXT, "is_sandbox": FLAG, "instance_url": TEXT,
    "lightning_url": Maybe(TEXT),
}  # fmt: skip
USER: Shape = {"id": ID, "username": TEXT, "name": TEXT}
APPROVALS: Shape = {"count": NUMBER, "limit": NUMBER, "is_warning": FLAG}
PACKAGE: Shape = {
    "state": TEXT, "missing": [{"object": TEXT, "fields": [TEXT]}], "unique_keys": [TEXT],
}  # fmt: skip
CARD: Shape = {
    "host_id": TEXT,
    "state": TEXT,
    "state_since": Maybe(TIME),
    "reason": Maybe(ADVICE),
    "fault": Maybe({"advice": ADVICE, "until": Maybe(TIME)}),
    "backoff": Maybe({"code": TEXT, "until": TIME}),
    "role": TEXT,
    "actions": dict.fromkeys(("connect", "disconnect", "edit_credentials", "pause"), ACTION),
    "app": {
        "mode": TEXT, "is_package_required": FLAG, "package_install_url": Maybe(TEXT),
        "package_install_url_sandbox": Maybe(TEXT), "redirect_uri": TEXT, "package_in": [TEXT],
        "scopes": [TEXT], "credentials": Maybe({
            "consumer_key_last4": TEXT, "consumer_secret_last4": TEXT, "fingerprint": TEXT,
            "saved_at": TIME, "saved_by": TEXT, "is_in_use": FLAG,
        }),
    },
    "connection": Maybe({
        "environment": TEXT,
        "login_host": TEXT,
        "org": ORG,
        "user": Maybe(USER),
        "api_version": TEXT,
        "connected_at": TIME,
        "connected_by": TEXT,
        "last_used_at": Maybe(TIME),
        "last_written_at": Maybe(TIME),
        "approvals": APPROVALS,
        "other_hosts_on_org": FLAG,
    }),
    "preflight": Maybe({
        "verdict": TEXT,
        "blockers": NUMBER,
        "warnings": NUMBER,
        "checked_at": TIME,
        "package": Maybe(PACKAGE),
    }),
    "problems": [
        {"code": TEXT, "object": Maybe(TEXT), "field": Maybe(TEXT), "since": TIME, "advice": ADVICE}
    ],
    "before_connection": {"registrations": NUMBER, "events": NUMBER, "estimated_api_calls": NUMBER},
    "work": {"pending": NUMBER, "waiting": NUMBER, "failed": NUMBER, "oldest_pending_at": Maybe(TIME)},
    "budget": BUDGET,
    "pause": {"is_paused": FLAG, "paused_at": Maybe(TIME), "paused_by": Maybe(TEXT)},
    "policy": {"new_events": TEXT, "before_first_connection": TEXT},
    "support_email": TEXT,
    "version": NUMBER,
}  # fmt: skip
STARTED: Shape = {"attempt_id": TEXT, "start_url": TEXT, "expires_at": TIME, "warnings": [ADVICE]}
ATTEMPT: Shape = {
    "attempt_id": TEXT, "purpose": TEXT, "state": TEXT, "environment": TEXT, "problem": Maybe(ADVICE),
    "salesforce": Maybe(SALESFORCE), "hints": [ADVICE], "org": Maybe(ORG), "user": Maybe(USER),
    "approvals": Maybe(APPROVALS), "warnings": [ADVICE], "expires_at": Maybe(TIME), "started_at": TIME,
    "finished_at": Maybe(TIME),
}  # fmt: skip
OWN_USER: Shape = {
    "user": Maybe(USER | {"email": Maybe(TEXT)}), "is_same_org": FLAG, "connected_at": Maybe(TIME),
}  # fmt: skip
CONNECTED_USER: Shape = OWN_USER | {"user_id": TEXT, "email": Maybe(TEXT)}
LINKED_CAMPAIGN: Shape = RECORD | {"name": TEXT, "is_active": FLAG}
UNMADE: Shape = LINKED_CAMPAIGN | {"id": Maybe(ID), "url": Maybe(TEXT)}
"""Of a campaign that is still to be created."""
CAMPAIGN: Shape = LINKED_CAMPAIGN | {
    "type": Maybe(TEXT), "status": Maybe(TEXT), "start_date": Maybe(DATE), "end_date": Maybe(DATE),
    "members": NUMBER,
}  # fmt: skip
STATUSES: Shape = {
    "registered": TEXT, "attended": TEXT, "cancelled": Maybe(TEXT), "no_show": Maybe(TEXT),
    "replay_watched": Maybe(TEXT),
}  # fmt: skip
VALIDATED: Shape = {
    "campaign": CAMPAIGN,
    "statuses": [{"label": TEXT, "is_default": FLAG, "has_responded": FLAG, "sort_order": NUMBER}],
    "proposed": STATUSES,
    "proposed_because": dict.fromkeys(STATUSES, TEXT),
    "backfill": {"registrations": NUMBER, "checked_in": NUMBER, "estimated_api_calls": NUMBER},
    "warnings": [ADVICE],
}
BACKFILL: Shape = {
    "id": TEXT, "why": TEXT, "state": TEXT, "total": NUMBER, "done": NUMBER, "failed": NUMBER,
    "skipped": NUMBER, "to_go": NUMBER, "api_calls": NUMBER, "started_at": TIME, "finished_at": Maybe(TIME),
    "estimated_end_at": Maybe(TIME),
}  # fmt: skip
HOST_BACKFILL: Shape = {
    "dry_run": FLAG, "registrations": NUMBER, "events": NUMBER, "estimated_api_calls": NUMBER,
}  # fmt: skip
LINK: Shape = {
    "state": TEXT, "problem": Maybe(ADVICE), "campaign": LINKED_CAMPAIGN, "org_id": ID,
    "is_created_by_us": FLAG, "statuses": STATUSES, "available_statuses": [TEXT], "backfill": Maybe(BACKFILL),
    "linked_at": TIME, "linked_by": TEXT, "version": NUMBER,
    "salesforce": Maybe(SALESFORCE),
}  # fmt: skip
UNLINKED: Shape = {
    "unlinked_at": TIME, "campaign": LINKED_CAMPAIGN, "writes_stopped": NUMBER, "members_kept": NUMBER,
}  # fmt: skip
GROUP: Shape = {
    "group_id": TEXT, "class": TEXT, "error_code": TEXT, "object": Maybe(TEXT), "fields": [TEXT],
    "title": TEXT, "message": TEXT, "advice": ADVICE, "count": NUMBER, "can_retry": FLAG,
    "first_at": TIME, "last_at": TIME,
}  # fmt: skip
STATS: Shape = {
    "event": {"id": TEXT, "title": TEXT, "starts_at": Maybe(TIME), "timezone": TEXT, "is_paused": FLAG},
    "is_linked": FLAG,
    "counts": {
        "total": NUMBER, "synced": NUMBER, "pending": NUMBER, "failed": NUMBER, "skipped": NUMBER,
        "attended": NUMBER, "checked_in": NUMBER,
    },
    "pending_because": {
        "queued": NUMBER, "running": NUMBER, "retry_later": NUMBER, "ambiguous": NUMBER, "connection": NUMBER,
        "api_budget": NUMBER, "paused": NUMBER, "campaign": NUMBER, "org_backoff": NUMBER,
        "salesforce_access": NUMBER, "person": NUMBER,
    },
    "skipped_because": {
        "no_match": NUMBER, "excluded": NUMBER, "no_email": NUMBER, "before_connection": NUMBER,
        "nothing_wanted": NUMBER, "cancelled": NUMBER, "erased": NUMBER, "switched_off": NUMBER,
    },
    "next_retry_at": Maybe(TIME),
    "groups": [GROUP],
    "backfill": Maybe(BACKFILL),
    "budget": Maybe(BUDGET),
    "connection_state": TEXT,
    "last_synced_at": Maybe(TIME),
    "as_of": TIME,
    "version": NUMBER,
}  # fmt: skip
ERROR: Shape = {
    "group_id": TEXT, "class": TEXT, "kind": Maybe(TEXT), "object": Maybe(TEXT), "error_code": TEXT,
    "message": TEXT, "fields": [TEXT], "field_label": Maybe(TEXT), "value": Maybe(TEXT),
    "matches": [RECORD], "advice": ADVICE,
    "attempts": NUMBER, "first_at": TIME, "last_at": TIME, "next_attempt_at": Maybe(TIME),
}  # fmt: skip
PERSON: Shape = RECORD | {"found_by": TEXT, "is_created_by_us": FLAG}
MEMBER: Shape = RECORD | {"status": TEXT, "was_member_before": FLAG}
WARNING: Shape = {"code": TEXT, "object": Maybe(TEXT), "field": Maybe(TEXT), "text": TEXT}
ROW: Shape = {
    "registration_id": TEXT,
    "attendee": {"name": Maybe(TEXT), "email": Maybe(TEXT), "company": Maybe(TEXT)},
    "registration_status": TEXT,
    "is_checked_in": FLAG,
    "registered_at": TIME,
    "checked_in_at": Maybe(TIME),
    "state": TEXT,
    "is_attended": FLAG,
    "waiting_for": Maybe(TEXT),
    "skipped_because": Maybe(TEXT),
    "person": Maybe(PERSON),
    "activities": [
        RECORD | {"kind": TEXT, "subject": Maybe(TEXT), "status": Maybe(TEXT), "written_at": TIME}
    ],
    "member": Maybe(MEMBER),
    "case": Maybe(RECORD),
    "parts": [{"kind": TEXT, "state": TEXT, "attempts": NUMBER, "written_at": Maybe(TIME)}],
    "error": Maybe(ERROR),
    "warnings": [WARNING],
    "can_retry": FLAG,
    "is_excluded": FLAG,
    "is_erased": FLAG,
    "updated_at": TIME,
    "version": NUMBER,
}
CHECK_INS: Shape = {"minutes": [NUMBER], "as_of": TIME}
RETRIED: Shape = {
    "dry_run": FLAG, "matched": NUMBER, "queued": NUMBER, "not_queued": [{"why": TEXT, "count": NUMBER}],
    "waiting_for": Maybe(TEXT), "row": Maybe(ROW),
}  # fmt: skip
VERIFICATION: Shape = {
    "state": TEXT, "checked": NUMBER, "total": NUMBER, "api_calls": NUMBER, "in_order": NUMBER,
    "resumes_at": Maybe(TIME), "started_at": TIME, "finished_at": Maybe(TIME),
    "items": [{
        "registration_id": TEXT, "kind": TEXT, "ours": Maybe(TEXT), "theirs": Maybe(TEXT),
        "url": Maybe(TEXT),
    }],
    "next_cursor": Maybe(TEXT),
}  # fmt: skip
DIAGNOSIS: Shape = {
    "findings": [
        {
            "code": TEXT,
            "weight": TEXT,
            "cure": Maybe(TEXT),
            "kinds": [TEXT],
            "event": Maybe({"id": TEXT, "title": TEXT}),
            "registration_id": Maybe(TEXT),
            "person": Maybe(PERSON),
            "advice": ADVICE,
        }
    ],
    "registrations": NUMBER,
    "last_news_at": Maybe(TIME),
    "checked_at": TIME,
}

PREFLIGHT: Shape = {
    "verdict": TEXT,
    "checked_at": Maybe(TIME),
    "is_running": FLAG,
    "api_calls": NUMBER,
    "org": Maybe({
        "id": ID, "name": TEXT, "edition": TEXT, "is_sandbox": FLAG, "has_person_accounts": FLAG,
        "has_multiple_currencies": FLAG, "default_time_zone": Maybe(TEXT),
    }),
    "user": Maybe({
        "id": ID, "username": TEXT, "has_marketing_user": Maybe(FLAG), "is_api_enabled": Maybe(FLAG),
    }),
    "budget": Maybe(BUDGET),
    "objects": [{
        "object": TEXT, "is_readable": FLAG, "is_createable": FLAG, "is_updateable": FLAG,
        "record_types": NUMBER, "required_without_value": [TEXT], "duplicate_rules": TEXT,
    }],
    "findings": [{
        "code": TEXT, "severity": TEXT, "area": TEXT, "object": Maybe(TEXT), "field": Maybe(TEXT),
        "title": TEXT, "consequence": TEXT, "advice": ADVICE, "setup_url": Maybe(TEXT), "blocks": [TEXT],
    }],
    "passed": [TEXT],
    "package": Maybe(PACKAGE),
}  # fmt: skip
REQUEST: Shape = {"method": TEXT, "path": TEXT, "body": Maybe(OBJECT)}
HISTORY_ENTRY: Shape = {
    "at": TIME, "kind": TEXT, "why": TEXT, "requests": [REQUEST],
    "answers": [
        {"success": Maybe(FLAG), "id": Maybe(ID), "errors": [OBJECT], "is_lost": FLAG, "matches": [OBJECT]}
    ],
    "outcome": TEXT, "error": Maybe(ERROR), "by": Maybe(TEXT),
}  # fmt: skip
DRY_RUN: Shape = {
    "registration_id": TEXT,
    "outcome": TEXT,
    "waiting_for": Maybe(TEXT),
    "skipped_because": Maybe(TEXT),
    "person": {"action": TEXT, "person": Maybe(ANYTHING), "fields": Maybe(OBJECT)},
    "activities": [{"kind": TEXT, "action": TEXT, "activity": Maybe(RECORD), "fields": Maybe(OBJECT)}],
    "member": {"action": TEXT, "reason": Maybe(TEXT), "member": Maybe(ANYTHING), "fields": Maybe(OBJECT)},
    "case": {"action": TEXT, "case": Maybe(RECORD), "fields": Maybe(OBJECT)},
    "requests": [REQUEST],
    "error": Maybe(ERROR),
    "warnings": [WARNING],
    "calls_spent": NUMBER,
    "as_of": TIME,
}
KINDS: Final = (
    "person", "task", "member", "calendar_event", "case", "email_sent", "email_opened", "email_replied",
)  # fmt: skip
SETTINGS: Shape = {
    "exclusions": {"domains": [TEXT], "addresses": [TEXT], "ticket_kinds": [TEXT]},
    "writes": dict.fromkeys(KINDS, FLAG),
    "cap_percent": NUMBER,
    "automatic_campaigns": FLAG,
    "new_events": TEXT,
    "personal_data_months": NUMBER,
    "task": {"owner": TEXT},
    "calendar_event": {"kinds": [TEXT], "show_as": TEXT, "owner": TEXT, "default_minutes": NUMBER},
    "case": {"kinds": [TEXT], "origin": TEXT, "close_when_completed": FLAG},
    "email": {"as": TEXT},
    "general_links": TEXT,
}
SWITCH: Shape = {"value": FLAG, "from": TEXT}
EVENT_SETTINGS: Shape = {
    "enabled": SWITCH,
    "writes": dict.fromkeys(KINDS, SWITCH),
    "version": NUMBER,
}
EVENT_ROW: Shape = {
    "event": {"id": TEXT, "title": TEXT, "kind": TEXT, "starts_at": Maybe(TIME), "timezone": TEXT},
    "enabled": SWITCH,
    "writes": dict.fromkeys(KINDS, SWITCH),
    "campaign": Maybe(RECORD),
    "counts": {
        "total": NUMBER, "synced": NUMBER, "pending": NUMBER, "failed": NUMBER, "skipped": NUMBER,
        "attended": NUMBER,
    },
    "is_paused": FLAG,
}  # fmt: skip
EVENTS_CHANGED: Shape = {
    "dry_run": FLAG,
    "matched": NUMBER,
    "changed": NUMBER,
    "unchanged": NUMBER,
    "unknown": NUMBER,
    "sample": [EVENT_ROW],
}
DEED: Shape = {"seq": NUMBER, "at": TIME, "actor": TEXT, "action": TEXT, "details": OBJECT}
LINE: Shape = {
    "line": NUMBER, "registration_id": Maybe(TEXT), "outcome": TEXT,
    "errors": [{"path": TEXT, "message": TEXT}],
}  # fmt: skip
ERASED: Shape = {"registrations": NUMBER, "salesforce_records": [RECORD]}
JOB: Shape = {
    "host_id": TEXT, "event_id": TEXT, "registration_id": TEXT, "org_id": ID, "state": TEXT,
    "waiting_for": Maybe(TEXT), "why": TEXT, "priority": NUMBER, "attempts": NUMBER, "deaths": NUMBER,
    "due_at": TIME, "class": Maybe(TEXT), "error_code": Maybe(TEXT), "group_id": Maybe(TEXT),
    "skipped_because": Maybe(TEXT), "by": Maybe(TEXT), "updated_at": TIME,
}  # fmt: skip
ACTED: Shape = {"dry_run": FLAG, "matched": NUMBER, "queued": NUMBER, "sample": [JOB]}
DELIVERY: Shape = {
    "webhook_id": TEXT, "received_at": TIME, "host_id": Maybe(TEXT), "type": Maybe(TEXT),
    "occurred_at": Maybe(TIME), "event_id": Maybe(TEXT), "registration_id": Maybe(TEXT),
    "outcome": Maybe(TEXT), "reason": Maybe(TEXT), "faults": Maybe([{"path": TEXT, "message": TEXT}]),
}  # fmt: skip
REPLAYED: Shape = ACTED | {"sample": [DELIVERY], "unusable": NUMBER}
NOTIFICATION: Shape = {
    "notification_id": TEXT, "host_id": TEXT, "sequence": Maybe(NUMBER), "type": TEXT,
    "event_id": Maybe(TEXT), "data": OBJECT, "state": TEXT, "attempts": NUMBER, "due_at": Maybe(TIME),
    "last_status": Maybe(NUMBER), "last_error": Maybe(TEXT), "created_at": TIME, "finished_at": Maybe(TIME),
}  # fmt: skip
NOTIFIED: Shape = ACTED | {"sample": [NOTIFICATION]}
LEASE: Shape = {
    "org_id": ID, "owner": Maybe(TEXT), "is_held": FLAG, "until": Maybe(TIME), "acquired_at": Maybe(TIME),
    "fence": NUMBER, "not_before": Maybe(TIME), "not_before_reason": Maybe(TEXT), "failures": NUMBER,
    "is_slow": FLAG, "batch_size": NUMBER, "paused_at": Maybe(TIME), "paused_by": Maybe(TEXT),
    "running": NUMBER,
}  # fmt: skip
OVERVIEW: Shape = {
    "backlog": OBJECT,
    "oldest_due_age_seconds": NUMBER,
    "orgs_with_backlog": NUMBER,
    "orgs_with_trouble": [{
        "org_id": ID, "hosts": NUMBER, "connection_states": [TEXT], "not_before": Maybe(TIME),
        "not_before_reason": Maybe(TEXT), "failures": NUMBER, "is_slow": FLAG, "is_paused": FLAG,
    }],
    "hosts_to_reconnect": [{"host_id": TEXT, "org_id": ID, "code": TEXT, "since": TIME}],
    "host_faults": [{
        "host_id": TEXT, "org_id": ID, "code": TEXT, "count": NUMBER, "until": Maybe(TIME),
    }],
    "host_problems": [{
        "host_id": TEXT, "org_id": ID, "code": TEXT, "object": Maybe(TEXT), "field": Maybe(TEXT),
        "since": TIME,
    }],
    "budgets": [{
        "host_id": TEXT, "org_id": ID, "org_used": NUMBER, "org_limit": NUMBER, "cap_percent": NUMBER,
        "closed_until": Maybe(TIME), "measured_at": Maybe(TIME),
    }],
    "workers": [{
        "worker_id": TEXT, "hostname": TEXT, "pid": NUMBER, "started_at": TIME, "beat_at": TIME,
        "silent_seconds": NUMBER, "is_stopping": FLAG, "drains": NUMBER,
    }],
    "failures": [{"class": Maybe(TEXT), "error_code": Maybe(TEXT), "count": NUMBER}],
    "stuck_orgs": [ID],
    "quarantined": NUMBER,
    "concerns": [{
        "code": TEXT, "severity": TEXT, "count": NUMBER, "seconds": Maybe(NUMBER), "subjects": [TEXT],
        "runbook": TEXT,
    }],
    "received_last_minute": NUMBER,
    "as_of": TIME,
}  # fmt: skip
FLOW: Shape = {
    "begins_at": TIME, "step_seconds": NUMBER, "received": [NUMBER], "synced": [NUMBER], "failed": [NUMBER],
}  # fmt: skip
ORG_LINE: Shape = {
    "org_id": ID, "name": Maybe(TEXT), "is_sandbox": Maybe(FLAG), "states": [TEXT], "reason": Maybe(TEXT),
    "since": Maybe(TIME), "not_before": Maybe(TIME), "paused_by": Maybe(TEXT), "oldest_wait_seconds": NUMBER,
    "failed": NUMBER, "running": NUMBER,
    "budget": Maybe({
        "used": NUMBER, "limit": NUMBER, "cap_percent": NUMBER, "closed_until": Maybe(TIME),
        "measured_at": Maybe(TIME),
    }),
    "day": FLOW, "hosts_total": NUMBER,
    "hosts": [{
        "host_id": TEXT, "name": Maybe(TEXT), "connection_state": TEXT, "code": Maybe(TEXT), "since": TIME,
        "failed": NUMBER, "problems": [TEXT], "is_paused": FLAG,
    }],
}  # fmt: skip
EVENT_OF_HOST: Shape = {
    "event_id": TEXT, "title": TEXT, "starts_at": Maybe(TIME), "timezone": TEXT, "is_paused": FLAG,
    "jobs": OBJECT,
}  # fmt: skip
RUN: Shape = {
    "at": TIME, "kind": TEXT, "why": TEXT, "by": Maybe(TEXT), "outcome": TEXT, "class": Maybe(TEXT),
    "error_code": Maybe(TEXT),
}  # fmt: skip
VERIFIED: Shape = {"hosts": NUMBER, "is_whole": FLAG, "broken": [{"host_id": TEXT, "seq": NUMBER}]}


def page(shape: Shape, **more: Any) -> Shape:
    """One page of items of this shape."""
    return {"items": [shape], "next_cursor": Maybe(TEXT), **more}
