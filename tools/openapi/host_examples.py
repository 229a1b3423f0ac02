"""Examples of a host's settings, log, erasures and lists, of imports, and of the health doors."""

from typing import Any, Final

from tools.openapi.monitor_examples import PERSON, TASK
from tools.openapi.operation_examples import HOST, H, Shown, shown

SETTINGS: Final[dict[str, Any]] = {
    "exclusions": {
        "domains": ["acme.example"],
        "addresses": ["press@example.com"],
        "ticket_kinds": ["staff"],
    },
    "writes": {"person": True, "task": True, "member": True},
    "cap_percent": 80,
    "automatic_campaigns": False,
}
DEED: Final[dict[str, Any]] = {
    "seq": 12,
    "at": "2026-11-21T10:01:00Z",
    "actor": "user_17",
    "action": "salesforce.registration_excluded",
    "details": {"event_id": "evt_summit", "registration_id": "reg_8842"},
}
ERASED: Final[dict[str, Any]] = {
    "registrations": 1,
    "salesforce_records": [
        {name: record[name] for name in ("object", "id", "url")} for record in (PERSON, TASK)
    ],
}
HOSTS: Final[dict[str, Any]] = {
    "items": [{"id": "host_acme", "name": "Acme Events", "role": "admin", "connection_state": "connected"}],
    "is_operations": False,
}
EVENTS: Final[dict[str, Any]] = {
    "items": [
        {
            "id": "evt_summit",
            "title": "Autumn Summit",
            "starts_at": "2026-11-24T08:00:00Z",
            "is_cancelled": False,
            "is_paused": False,
            "campaign_name": "Autumn Summit",
        }
    ],
    "next_cursor": None,
}
IMPORTED: Final[dict[str, Any]] = {
    "host": {"id": "host_acme"},
    "event": {"id": "evt_summit", "title": "Autumn Summit", "starts_at": "2026-11-24T08:00:00Z"},
    "registration": {
        "id": "reg_8842",
        "status": "confirmed",
        "registered_at": "2026-11-10T14:03:00Z",
        "checked_in_at": "2026-11-24T08:12:00Z",
        "attendee": {"email": "mary@example.com", "name": "Mary Jane O'Brien", "company": "Example GmbH"},
    },
}
LINE_ANSWERS: Final = {
    "accepted": {"line": 1, "registration_id": "reg_8842", "outcome": "accepted", "errors": []},
    "rejected": {
        "line": 2,
        "registration_id": None,
        "outcome": "rejected",
        "errors": [{"path": "registration.attendee.email", "message": "Field required"}],
    },
}
READY: Final[dict[str, Any]] = {
    "status": "ready",
    "checks": {"database": "ok", "migrations": "ok", "keys": "ok"},
}

EXAMPLES: Final[dict[str, Shown]] = {
    f"GET {H}/settings": shown(200, SETTINGS),
    f"PUT {H}/settings": Shown(
        {
            "leave_staff_out": {"exclusions": SETTINGS["exclusions"]},
            "smaller_share": {"cap_percent": 50},
        },
        {200: {"example": SETTINGS}},
    ),
    f"GET {H}/audit": shown(200, {"items": [DEED], "next_cursor": None}),
    f"POST {HOST}/attendees/erase": shown(202, ERASED, sent={"attendee": {"email": "mary@example.com"}}),
    "GET /v1/hosts": shown(200, HOSTS),
    f"GET {HOST}/events": shown(200, EVENTS),
    "POST /v1/imports/registrations": Shown({"line": IMPORTED}, {200: LINE_ANSWERS}),
    "GET /livez": shown(200, {"status": "alive"}),
    "GET /readyz": shown(200, READY),
}
