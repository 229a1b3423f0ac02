"""Examples of what is watched and mended: stats, rows, retry, history, dry run, streams."""

import json
from typing import Any, Final

from app.user_messages.catalog import advise
from tools.openapi.campaign_examples import BACKFILL, CAMPAIGN_ID
from tools.openapi.connection_examples import BUDGET, CONNECTED, LIGHTNING
from tools.openapi.operation_examples import ROW, E, H, Shown, shown

RULE: Final = advise("validation_rule", object="Lead").model_dump(mode="json")
REFUSED: Final = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def _record(sobject: str, record_id: str) -> dict[str, str]:
    return {
        "object": sobject,
        "id": record_id,
        "url": f"{LIGHTNING}/lightning/r/{sobject}/{record_id}/view",
    }


PERSON: Final[dict[str, Any]] = _record("Lead", "00Q5g00000RtUvWAAV") | {
    "found_by": "created",
    "is_created_by_us": True,
}
TASK: Final[dict[str, Any]] = _record("Task", "00T5g00000GhIjKEAV")
MEMBER: Final[dict[str, Any]] = _record("CampaignMember", "00v5g000007LmNoAAK") | {
    "status": "Registered",
    "was_member_before": False,
}
WRITTEN_AT: Final = "2026-11-10T14:03:04Z"
SYNCED: Final[dict[str, Any]] = {
    "registration_id": "reg_8842",
    "attendee": {"name": "Mary Jane O'Brien", "email": "mary@example.com", "company": "Example GmbH"},
    "registration_status": "confirmed",
    "is_checked_in": False,
    "registered_at": "2026-11-10T14:03:00Z",
    "checked_in_at": None,
    "state": "synced",
    "is_attended": False,
    "waiting_for": None,
    "skipped_because": None,
    "person": PERSON,
    "activities": [
        TASK | {"kind": "registered", "subject": "Registered: Autumn Summit", "written_at": WRITTEN_AT}
    ],
    "member": MEMBER,
    "parts": [{"kind": "registered", "state": "synced", "attempts": 1, "written_at": WRITTEN_AT}],
    "error": None,
    "warnings": [],
    "can_retry": False,
    "is_erased": False,
    "updated_at": WRITTEN_AT,
    "version": 3,
}
ERROR: Final[dict[str, Any]] = {
    "group_id": "g_6c1d20aa41b7",
    "class": "data",
    "kind": "registered",
    "object": "Lead",
    "error_code": REFUSED,
    "message": "Phone must start with +",
    "fields": ["Phone"],
    "field_label": "Phone",
    "value": "030 1234567",
    "matches": [],
    "advice": RULE,
    "attempts": 1,
    "first_at": "2026-11-21T10:00:31Z",
    "last_at": "2026-11-21T10:00:31Z",
    "next_attempt_at": None,
}
UNWRITTEN: Final[dict[str, Any]] = SYNCED | {"person": None, "activities": [], "member": None}
FAILED: Final[dict[str, Any]] = UNWRITTEN | {
    "state": "failed",
    "parts": [{"kind": "registered", "state": "failed", "attempts": 1, "written_at": None}],
    "error": ERROR,
    "can_retry": True,
    "updated_at": "2026-11-21T10:00:31Z",
    "version": 7,
}
QUEUED: Final[dict[str, Any]] = UNWRITTEN | {
    "state": "pending",
    "waiting_for": "queue",
    "parts": [{"kind": "registered", "state": "pending", "attempts": 0, "written_at": None}],
    "updated_at": "2026-11-21T10:05:00Z",
    "version": 8,
}
EXCLUDED: Final[dict[str, Any]] = UNWRITTEN | {
    "state": "skipped",
    "skipped_because": "excluded",
    "parts": [{"kind": "registered", "state": "not_wanted", "attempts": 0, "written_at": None}],
    "version": 9,
}
NOTHING_PENDING: Final = dict.fromkeys(
    (
        "queued",
        "running",
        "retry_later",
        "ambiguous",
        "connection",
        "api_budget",
        "paused",
        "campaign",
        "org_backoff",
        "salesforce_access",
    ),
    0,
)
NOTHING_SKIPPED: Final = dict.fromkeys(
    ("no_match", "excluded", "no_email", "before_connection", "nothing_wanted", "cancelled", "erased"), 0
)
STATS: Final[dict[str, Any]] = {
    "event": {
        "id": "evt_summit",
        "title": "Autumn Summit",
        "starts_at": "2026-11-24T08:00:00Z",
        "is_paused": False,
    },
    "is_linked": True,
    "counts": {
        "total": 812,
        "synced": 760,
        "pending": 47,
        "failed": 3,
        "skipped": 2,
        "attended": 228,
        "checked_in": 230,
    },
    "pending_because": NOTHING_PENDING | {"queued": 30, "running": 12, "retry_later": 1, "ambiguous": 4},
    "skipped_because": NOTHING_SKIPPED | {"excluded": 2},
    "next_retry_at": "2026-11-21T10:02:30Z",
    "groups": [
        {
            "group_id": "g_6c1d20aa41b7",
            "class": "data",
            "error_code": REFUSED,
            "object": "Lead",
            "fields": ["Phone"],
            "title": "A validation rule in Salesforce refused the Lead",
            "message": "Phone must start with +",
            "advice": RULE,
            "count": 3,
            "can_retry": True,
            "first_at": "2026-11-21T09:58:00Z",
            "last_at": "2026-11-21T10:00:31Z",
        }
    ],
    "backfill": BACKFILL,
    "budget": BUDGET,
    "connection_state": "connected",
    "last_synced_at": "2026-11-21T10:00:31Z",
    "as_of": "2026-11-21T10:00:33Z",
    "version": 90211,
}
PAUSED: Final[dict[str, Any]] = STATS | {
    "event": STATS["event"] | {"is_paused": True},
    "pending_because": NOTHING_PENDING | {"paused": 47},
}
LEAD: Final[dict[str, Any]] = {
    "FirstName": "Mary Jane",
    "LastName": "O'Brien",
    "Company": "Example GmbH",
    "Email": "mary@example.com",
    "LeadSource": "Eventship",
}
REQUEST: Final[dict[str, Any]] = {
    "method": "POST",
    "path": "/services/data/v66.0/composite/sobjects",
    "body": {"allOrNone": False, "records": [{"attributes": {"type": "Lead"}} | LEAD]},
}
ATTEMPT: Final[dict[str, Any]] = {
    "at": "2026-11-21T10:00:31Z",
    "kind": "registered",
    "why": "retry",
    "requests": [REQUEST],
    "answers": [
        {
            "success": False,
            "id": None,
            "errors": [
                {"error_code": REFUSED, "message": "Phone must start with +", "fields": ["Phone"]},
            ],
            "is_lost": False,
            "matches": [],
        }
    ],
    "outcome": "failed",
    "error": ERROR,
    "by": "user_17",
}
DRY_RUN: Final[dict[str, Any]] = {
    "registration_id": "reg_8842",
    "outcome": "synced",
    "waiting_for": None,
    "skipped_because": None,
    "person": {"action": "create", "person": None, "fields": LEAD},
    "activities": [
        {
            "kind": "registered",
            "action": "create",
            "activity": None,
            "fields": {"Subject": "Registered: Autumn Summit", "WhoId": "@{newLead.id}"},
        }
    ],
    "member": {
        "action": "create",
        "reason": None,
        "member": None,
        "fields": {"CampaignId": CAMPAIGN_ID, "LeadId": "@{newLead.id}", "Status": "Registered"},
    },
    "requests": [REQUEST],
    "error": None,
    "warnings": [],
    "calls_spent": 1,
    "as_of": "2026-11-21T10:00:33Z",
}
RETRIED: Final[dict[str, Any]] = {
    "dry_run": False,
    "matched": 3,
    "queued": 2,
    "not_queued": [{"why": "already_pending", "count": 1}],
    "waiting_for": None,
    "row": None,
}
COUNTED: Final[dict[str, Any]] = RETRIED | {"dry_run": True}
CSV: Final = (
    "registration_id,name,email,company,state\r\n"
    "reg_8842,Mary Jane O'Brien,mary@example.com,Example GmbH,synced\r\n"
)


def _event(kind: str, data: Any, number: int = 90211) -> str:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


EXAMPLES: Final[dict[str, Shown]] = {
    f"GET {E}/stats": shown(200, STATS),
    f"GET {E}/registrations": shown(200, {"items": [SYNCED, FAILED], "next_cursor": None, "matched": 2}),
    f"GET {E}/registrations.csv": shown(200, CSV),
    f"GET {ROW}": Shown(answered={200: {"synced": SYNCED, "failed": FAILED}}),
    f"GET {ROW}/history": shown(200, {"items": [ATTEMPT], "next_cursor": None}),
    f"GET {ROW}/dry-run": shown(200, DRY_RUN),
    f"POST {ROW}/retry": shown(202, RETRIED | {"matched": 1, "queued": 1, "not_queued": [], "row": QUEUED}),
    f"POST {ROW}/exclude": shown(200, EXCLUDED),
    f"POST {ROW}/include": shown(200, QUEUED),
    f"POST {E}/retry": Shown(
        {
            "all_failed": {"filter": {"all": True}},
            "one_group": {"filter": {"group_id": "g_6c1d20aa41b7"}},
            "counted_first": {"filter": {"error_code": REFUSED}, "dry_run": True},
        },
        {202: {"queued": RETRIED, "counted": COUNTED}},
    ),
    f"POST {E}/pause": shown(200, PAUSED),
    f"POST {E}/resume": shown(200, STATS),
    f"GET {E}/stream": shown(200, _event("stats", STATS) + _event("row", FAILED, 90212)),
    f"GET {H}/stream": shown(200, _event("card", CONNECTED) + _event("stats", STATS, 90212)),
}
