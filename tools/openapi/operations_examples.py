"""Examples of the operations' doors."""

from typing import Any, Final

from tools.openapi.host_examples import DEED
from tools.openapi.operation_examples import Shown, shown

ORG_ID: Final = "00D5g000004XyZaEAK"
JOB: Final[dict[str, Any]] = {
    "host_id": "host_acme",
    "event_id": "evt_summit",
    "registration_id": "reg_8842",
    "org_id": ORG_ID,
    "state": "failed",
    "waiting_for": None,
    "why": "live",
    "priority": 0,
    "attempts": 6,
    "deaths": 0,
    "due_at": "2026-11-21T10:00:31Z",
    "class": "transient",
    "error_code": "UNABLE_TO_LOCK_ROW",
    "group_id": "g_41be07a91c55",
    "updated_at": "2026-11-21T10:00:31Z",
}
COUNTED: Final[dict[str, Any]] = {"dry_run": True, "matched": 1, "queued": 1, "sample": [JOB]}
DONE: Final[dict[str, Any]] = COUNTED | {"dry_run": False}
PAUSED: Final[dict[str, Any]] = {"dry_run": False, "matched": 12, "queued": 0, "sample": []}
OVERVIEW: Final[dict[str, Any]] = {
    "backlog": {"pending": 47, "running": 12, "ambiguous": 4, "failed": 3},
    "oldest_due_age_seconds": 2.4,
    "orgs_with_backlog": 1,
    "orgs_with_trouble": [
        {
            "org_id": ORG_ID,
            "hosts": 1,
            "connection_states": ["connected"],
            "not_before": "2026-11-21T10:02:00Z",
            "not_before_reason": "SERVER_UNAVAILABLE",
            "failures": 3,
            "is_slow": False,
            "is_paused": False,
        }
    ],
    "hosts_to_reconnect": [
        {
            "host_id": "host_brook",
            "org_id": ORG_ID,
            "code": "access_revoked",
            "since": "2026-11-20T08:12:03Z",
        }
    ],
    "host_faults": [
        {
            "host_id": "host_acme",
            "org_id": ORG_ID,
            "code": "credentials_unreadable",
            "count": 2,
            "until": "2026-11-21T10:01:01Z",
        }
    ],
    "host_problems": [
        {
            "host_id": "host_acme",
            "org_id": ORG_ID,
            "code": "email_not_searchable",
            "object": "Lead",
            "field": "Email",
            "since": "2026-11-21T09:12:40Z",
        }
    ],
    "budgets": [
        {
            "host_id": "host_acme",
            "org_id": ORG_ID,
            "org_used": 51230,
            "org_limit": 145000,
            "cap_percent": 80,
            "closed_until": None,
            "measured_at": "2026-11-21T10:00:31Z",
        }
    ],
    "workers": [
        {
            "worker_id": "worker_1f9a",
            "hostname": "sync-2",
            "pid": 41,
            "started_at": "2026-11-21T06:00:00Z",
            "beat_at": "2026-11-21T10:00:30Z",
            "silent_seconds": 3.1,
            "is_stopping": False,
            "drains": 1,
        }
    ],
    "failures": [{"class": "transient", "error_code": "UNABLE_TO_LOCK_ROW", "count": 3}],
    "stuck_orgs": [],
    "quarantined": 0,
    "as_of": "2026-11-21T10:00:33Z",
}
LEASE: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "owner": "worker_1f9a",
    "is_held": True,
    "until": "2026-11-21T10:00:50Z",
    "acquired_at": "2026-11-21T10:00:20Z",
    "fence": 118,
    "not_before": None,
    "not_before_reason": None,
    "failures": 0,
    "is_slow": False,
    "batch_size": 1000,
    "paused_at": None,
    "paused_by": None,
    "running": 200,
}
DELIVERY: Final[dict[str, Any]] = {
    "webhook_id": "msg_2f81",
    "received_at": "2026-11-10T14:03:01Z",
    "host_id": "host_acme",
    "type": "registration.confirmed",
    "occurred_at": "2026-11-10T14:03:00Z",
    "event_id": "evt_summit",
    "registration_id": "reg_8842",
    "outcome": "accepted",
    "reason": None,
    "faults": None,
}
REPLAYED: Final[dict[str, Any]] = {
    "dry_run": False,
    "matched": 1,
    "queued": 1,
    "unusable": 0,
    "sample": [DELIVERY],
}
SURE: Final = {"dry_run": False}
FILTER: Final = {"host_id": "host_acme", "class": "transient"}
RANGE: Final = {"received_from": "2026-11-10T14:00:00Z", "received_to": "2026-11-10T15:00:00Z"}


def _acting(request: Any, answer: Any) -> Shown:
    """The count first, then the deed."""
    return Shown(
        {"count_first": {**request, "dry_run": True}, "act": {**request, "dry_run": False}},
        {200: {"counted": answer | {"dry_run": True}, "done": answer}},
    )


EXAMPLES: Final[dict[str, Shown]] = {
    "GET /ops/overview": shown(200, OVERVIEW),
    "GET /ops/jobs": shown(200, {"items": [JOB], "next_cursor": None}),
    "POST /ops/jobs/retry": _acting({"filter": FILTER}, DONE),
    "POST /ops/jobs/discard": _acting({"filter": {"event_id": "evt_test"}}, DONE),
    "POST /ops/hosts/{host_id}/pause": shown(200, PAUSED, sent=SURE),
    "POST /ops/hosts/{host_id}/resume": shown(200, PAUSED | {"queued": 12}, sent=SURE),
    "POST /ops/orgs/{org_id}/pause": shown(200, PAUSED, sent=SURE),
    "POST /ops/orgs/{org_id}/resume": shown(200, PAUSED | {"queued": 12}, sent=SURE),
    "GET /ops/leases": shown(200, {"items": [LEASE], "next_cursor": None}),
    "POST /ops/leases/{org_id}/release": shown(200, DONE, sent=SURE),
    "GET /ops/deliveries": shown(200, {"items": [DELIVERY], "next_cursor": None}),
    "POST /ops/deliveries/replay": _acting({"filter": RANGE}, REPLAYED),
    "GET /ops/audit": shown(200, {"items": [{"host_id": "host_acme"} | DEED], "next_cursor": None}),
    "POST /ops/audit/verify": shown(
        200, {"hosts": 1, "is_whole": True, "broken": []}, sent={"host_id": "host_acme"}
    ),
}
