"""Examples of an event's campaign and its backfills."""

from typing import Any, Final

from app.user_messages.catalog import advise
from tools.openapi.connection_examples import LIGHTNING
from tools.openapi.operation_examples import E, H, Shown, shown

CAMPAIGN_ID: Final = "7015g000000KqRsAAK"
RECORD: Final[dict[str, Any]] = {
    "object": "Campaign",
    "id": CAMPAIGN_ID,
    "url": f"{LIGHTNING}/lightning/r/Campaign/{CAMPAIGN_ID}/view",
    "name": "Autumn Summit",
    "is_active": True,
}
CAMPAIGN: Final[dict[str, Any]] = RECORD | {
    "type": "Conference",
    "status": "In Progress",
    "start_date": "2026-11-24",
    "end_date": "2026-11-25",
    "members": 41,
}
STATUSES: Final[dict[str, Any]] = {
    "registered": "Registered",
    "attended": "Attended",
    "cancelled": None,
    "no_show": "No Show",
    "replay_watched": None,
}
CHOSEN: Final = {name: label for name, label in STATUSES.items() if label}
BACKFILL: Final[dict[str, Any]] = {
    "id": "bf_01JD3QK9",
    "why": "link",
    "state": "running",
    "total": 812,
    "done": 400,
    "failed": 3,
    "skipped": 2,
    "to_go": 407,
    "api_calls": 8,
    "started_at": "2026-11-21T10:01:00Z",
    "finished_at": None,
    "estimated_end_at": "2026-11-21T10:01:20Z",
}
ENDED: Final[dict[str, Any]] = BACKFILL | {
    "state": "cancelled",
    "finished_at": "2026-11-21T10:01:10Z",
    "estimated_end_at": None,
}
LINK: Final[dict[str, Any]] = {
    "state": "linked",
    "problem": None,
    "campaign": RECORD,
    "org_id": "00D5g000004XyZaEAK",
    "is_created_by_us": False,
    "statuses": STATUSES,
    "available_statuses": ["Registered", "Attended", "No Show"],
    "backfill": BACKFILL,
    "salesforce": None,
    "linked_at": "2026-11-21T10:01:00Z",
    "linked_by": "user_17",
    "version": 3,
}
BROKEN: Final[dict[str, Any]] = LINK | {
    "state": "broken",
    "problem": advise("campaign_broken").model_dump(mode="json"),
    "backfill": None,
}
CREATING: Final[dict[str, Any]] = LINK | {
    "state": "creating",
    "campaign": RECORD | {"id": None, "url": None},
    "is_created_by_us": True,
    "statuses": {
        "registered": "Registered",
        "attended": "Attended",
        "cancelled": "Cancelled",
        "no_show": "No-show",
        "replay_watched": "Watched replay",
    },
    "available_statuses": [],
    "backfill": None,
    "version": 1,
}


def _status(label: str, sort_order: int, *, default: bool = False, responded: bool = False) -> dict[str, Any]:
    return {"label": label, "is_default": default, "has_responded": responded, "sort_order": sort_order}


VALIDATED: Final[dict[str, Any]] = {
    "campaign": CAMPAIGN,
    "statuses": [
        _status("Registered", 3, default=True),
        _status("Attended", 4, responded=True),
        _status("No Show", 5),
    ],
    "proposed": STATUSES,
    "proposed_because": {
        "registered": "label",
        "attended": "label",
        "cancelled": "none",
        "no_show": "label",
        "replay_watched": "none",
    },
    "backfill": {"registrations": 812, "checked_in": 230, "estimated_api_calls": 5},
    "warnings": [advise("campaign_used_by_other_event").model_dump(mode="json")],
}
UNLINKED: Final[dict[str, Any]] = {
    "unlinked_at": "2026-11-22T09:00:00Z",
    "campaign": RECORD,
    "writes_stopped": 12,
    "members_kept": 798,
}

EXAMPLES: Final[dict[str, Shown]] = {
    f"GET {E}/campaigns": shown(200, {"items": [CAMPAIGN], "next_cursor": None}),
    f"POST {E}/campaign/validate": Shown(
        {
            "id": {"campaign_id": "7015g000000KqRs"},
            "address": {"campaign_id": f"{LIGHTNING}/lightning/r/Campaign/{CAMPAIGN_ID}/view"},
        },
        {200: {"example": VALIDATED}},
    ),
    f"GET {E}/campaign": Shown(answered={200: {"linked": LINK, "broken": BROKEN}}),
    f"PUT {E}/campaign": Shown(
        {
            "link": {"campaign_id": "7015g000000KqRs", "statuses": CHOSEN},
            "rename_written_members": {"campaign_id": CAMPAIGN_ID, "statuses": CHOSEN, "reapply": True},
        },
        {
            201: {"linked": LINK | {"version": 1}},
            200: {"statuses_changed": LINK | {"backfill": BACKFILL | {"why": "reapply"}}},
        },
    ),
    f"DELETE {E}/campaign": shown(200, UNLINKED),
    f"POST {E}/campaign/create": shown(201, CREATING, sent={"name": "Autumn Summit", "type": "Conference"}),
    f"POST {E}/campaign/copy": Shown(
        {"example": {"from_event_id": "evt_spring"}}, {201: {"example": LINK}, 200: {"example": LINK}}
    ),
    f"POST {H}/backfill": shown(
        202,
        {"registrations": 12, "events": 2, "estimated_api_calls": 5, "dry_run": False},
        sent={"dry_run": False},
    ),
    f"POST {E}/backfill": shown(202, BACKFILL | {"why": "request"}, sent={"why": "request"}),
    f"DELETE {E}/backfill": shown(200, ENDED),
}
