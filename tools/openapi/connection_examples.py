"""Examples of a host's connection: card, connecting, own app, preflight."""

from typing import Any, Final

from app.user_messages.catalog import advise
from tools.openapi.operation_examples import H, Shown, shown

LIGHTNING: Final = "https://acme.lightning.force.com"
INSTALL: Final = "packaging/installPackage.apexp?p0=04t5g000000AbCd"
YES: Final = {"is_allowed": True, "why_not": None}

BUDGET: Final[dict[str, Any]] = {
    "org_used": 51230,
    "org_limit": 145000,
    "cap_percent": 80,
    "stop_at": 116000,
    "is_stopped": False,
    "resumes_at": None,
    "calls_today": 812,
    "measured_at": "2026-11-20T08:11:40Z",
}
ORG: Final[dict[str, Any]] = {
    "id": "00D5g000004XyZaEAK",
    "name": "Acme",
    "edition": "Enterprise Edition",
    "is_sandbox": False,
}
CONNECTED: Final[dict[str, Any]] = {
    "host_id": "host_acme",
    "state": "connected",
    "state_since": "2026-10-02T09:00:00Z",
    "reason": None,
    "fault": None,
    "backoff": None,
    "role": "admin",
    "actions": {"connect": YES, "disconnect": YES, "edit_credentials": YES, "pause": YES},
    "app": {
        "mode": "shared",
        "is_package_required": True,
        "package_install_url": f"https://login.salesforce.com/{INSTALL}",
        "package_install_url_sandbox": f"https://test.salesforce.com/{INSTALL}",
        "redirect_uri": "https://sync.eventship.example/oauth/salesforce/callback",
        "scopes": ["api", "refresh_token", "id"],
        "credentials": None,
    },
    "connection": {
        "environment": "production",
        "login_host": "login.salesforce.com",
        "org": ORG | {"instance_url": "https://acme.my.salesforce.com", "lightning_url": LIGHTNING},
        "user": {"id": "0055g00000AbCdEAAV", "username": "revops@acme.example", "name": "Rita Ops"},
        "api_version": "66.0",
        "connected_at": "2026-10-02T09:00:00Z",
        "connected_by": "user_17",
        "last_used_at": "2026-11-20T08:12:03Z",
        "last_written_at": "2026-11-20T08:11:40Z",
        "approvals": {"count": 1, "limit": 5, "is_warning": False},
        "other_hosts_on_org": False,
    },
    "preflight": {
        "verdict": "ready_with_warnings",
        "blockers": 0,
        "warnings": 2,
        "checked_at": "2026-11-19T21:00:00Z",
    },
    "problems": [],
    "before_connection": {"registrations": 12, "events": 2, "estimated_api_calls": 5},
    "work": {"pending": 12, "waiting": 0, "failed": 1, "oldest_pending_at": "2026-11-20T08:12:05Z"},
    "budget": BUDGET,
    "pause": {"is_paused": False, "paused_at": None, "paused_by": None},
    "policy": {"new_events": "sync", "before_first_connection": "on_request"},
    "support_email": "help@eventship.example",
    "version": 418,
}
REVOKED: Final[dict[str, Any]] = CONNECTED | {
    "state": "needs_reconnect",
    "state_since": "2026-11-20T08:12:03Z",
    "reason": advise("access_revoked").model_dump(mode="json"),
    "work": CONNECTED["work"] | {"waiting": 12},
}
PAUSED: Final[dict[str, Any]] = CONNECTED | {
    "pause": {"is_paused": True, "paused_at": "2026-11-20T08:15:00Z", "paused_by": "user_17"},
    "work": CONNECTED["work"] | {"waiting": 12},
}
DISCONNECTED: Final[dict[str, Any]] = CONNECTED | {
    "state": "disconnected",
    "state_since": "2026-11-20T08:20:00Z",
    "reason": advise("disconnected_by_host").model_dump(mode="json"),
    "connection": CONNECTED["connection"] | {"user": None},
    "actions": CONNECTED["actions"] | {"disconnect": {"is_allowed": False, "why_not": "NotConnected"}},
}
OWN_APP: Final[dict[str, Any]] = CONNECTED | {
    "app": CONNECTED["app"]
    | {
        "mode": "own",
        "is_package_required": False,
        "package_install_url": None,
        "package_install_url_sandbox": None,
        "credentials": {
            "consumer_key_last4": "k3y4",
            "consumer_secret_last4": "s3cr",
            "fingerprint": "9d1c4be0",
            "saved_at": "2026-11-20T08:30:00Z",
            "saved_by": "user_17",
            "is_in_use": False,
        },
    },
}
STARTED: Final[dict[str, Any]] = {
    "attempt_id": "att_01JD3QB2",
    "start_url": "https://sync.eventship.example/oauth/salesforce/start?ticket=6Yf2kR0c",
    "expires_at": "2026-11-21T10:10:00Z",
    "warnings": [],
}
ATTEMPT: Final[dict[str, Any]] = {
    "attempt_id": "att_01JD3QB2",
    "state": "connected",
    "environment": "sandbox",
    "problem": None,
    "salesforce": None,
    "hints": [],
    "org": None,
    "user": None,
    "approvals": None,
    "warnings": [],
    "expires_at": None,
    "started_at": "2026-11-21T10:00:00Z",
    "finished_at": "2026-11-21T10:00:48Z",
}
CONFIRMING: Final[dict[str, Any]] = ATTEMPT | {
    "state": "confirming",
    "org": CONNECTED["connection"]["org"],
    "user": CONNECTED["connection"]["user"],
    "approvals": {"count": 5, "limit": 5, "is_warning": True},
    "warnings": [advise("fifth_approval").model_dump(mode="json")],
    "expires_at": "2026-11-21T10:10:44Z",
    "finished_at": None,
}
NOT_INSTALLED: Final[dict[str, Any]] = ATTEMPT | {
    "state": "failed",
    "problem": advise("package_not_installed").model_dump(mode="json"),
    "salesforce": {
        "error_code": "OAUTH_EC_APP_NOT_FOUND",
        "message": "External client app is not installed in this org",
        "fields": [],
        "http_status": None,
    },
}
PREFLIGHT: Final[dict[str, Any]] = {
    "verdict": "ready_with_warnings",
    "checked_at": "2026-11-19T21:00:00Z",
    "is_running": False,
    "api_calls": 6,
    "org": ORG
    | {"has_person_accounts": False, "has_multiple_currencies": False, "default_time_zone": "Europe/Berlin"},
    "user": {
        "id": "0055g00000AbCdEAAV",
        "username": "revops@acme.example",
        "has_marketing_user": False,
        "is_api_enabled": True,
    },
    "budget": BUDGET,
    "objects": [
        {
            "object": "Lead",
            "is_readable": True,
            "is_createable": True,
            "is_updateable": True,
            "record_types": 0,
            "required_without_value": [],
            "duplicate_rules": "unknown",
        }
    ],
    "findings": [
        {
            "code": "marketing_user_missing",
            "severity": "warning",
            "area": "campaigns",
            "object": "Campaign",
            "field": None,
            "title": "Campaigns cannot be created",
            "consequence": "An existing campaign can be linked; none can be created from an event.",
            "advice": advise("marketing_user_missing").model_dump(mode="json"),
            "setup_url": f"{LIGHTNING}/lightning/setup/ManageUsers/home",
            "blocks": ["create_campaign"],
        }
    ],
    "passed": ["api_enabled", "contact_readable", "task_createable", "campaign_readable"],
}

EXAMPLES: Final[dict[str, Shown]] = {
    f"GET {H}": Shown(answered={200: {"connected": CONNECTED, "needs_reconnect": REVOKED}}),
    f"POST {H}/connect": shown(
        201,
        STARTED,
        sent={"environment": "sandbox", "display": "popup", "return_to": "/integrations/salesforce"},
    ),
    f"POST {H}/connect/{{attempt_id}}/complete": shown(
        200, ATTEMPT, sent={"code": "q8Zt4v", "confirm_approval": False}
    ),
    f"GET {H}/connect/{{attempt_id}}": Shown(
        answered={
            200: {"confirming": CONFIRMING, "connected": ATTEMPT, "package_not_installed": NOT_INSTALLED}
        }
    ),
    f"GET {H}/preflight": shown(200, PREFLIGHT),
    f"POST {H}/preflight": shown(200, PREFLIGHT),
    f"PUT {H}/app-credentials": Shown(
        {
            "own": {"mode": "own", "consumer_key": "3MVG9…k3y4", "consumer_secret": "A1B2C3…s3cr"},
            "shared": {"mode": "shared", "confirm": True},
        },
        {200: {"own": OWN_APP}},
    ),
    f"DELETE {H}/app-credentials": shown(200, CONNECTED),
    f"POST {H}/disconnect": shown(200, DISCONNECTED, sent={"confirm": True}),
    f"POST {H}/pause": shown(200, PAUSED),
    f"POST {H}/resume": shown(200, CONNECTED),
}
