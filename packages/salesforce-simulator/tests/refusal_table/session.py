"""Sessions, permissions and limits of an org, and what its servers do in trouble."""

from refusal_table.row import Row, asked, query, refused, unsaved
from support.client import OrgClient
from test_oauth import code, exchange

SECURITY = (
    "The operation you requested isn't allowed due to a security policy in your organization. "
    "Contact your administrator."
)


async def session_without_api(org: OrgClient) -> None:
    body = (await exchange(org, await code(org, scope="id refresh_token"))).json()
    org.token = body["access_token"]


SESSION: dict[str, Row] = {
    "session expired": Row(
        "rule",
        401,
        refused("INVALID_SESSION_ID", "Session expired or invalid"),
        headers={"Authorization": "Bearer 00D5g0000000001!gone"},
    ),
    "session without the api scope": Row(
        "rule",
        401,
        refused("INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
        arrange=session_without_api,
    ),
    "app not attached to an agent": asked(
        401, "INVALID_SESSION_ID", "Connected app is not attached to Agent"
    ),
    "another authorization scheme": Row(
        "rule",
        401,
        refused("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
        headers={"Authorization": "Basic abc"},
    ),
    "edition without the API": Row(
        "rule",
        403,
        refused("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
        switches={"is_api_enabled": False},
    ),
    "edition without the API, other words": asked(
        403,
        "API_DISABLED_FOR_ORG",
        "The Chatter Connect API is not enabled for this organization or user type.",
    ),
    "user without API Enabled": Row(
        "rule",
        403,
        refused("API_CURRENTLY_DISABLED", "API is disabled for this user"),
        switches={"api_disabled_users": ["<admin>"]},
    ),
    "requests of the day spent": Row(
        "rule",
        403,
        refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        switches={"api_limit": {"max": 10, "used": 10}},
    ),
    "too many long transactions": asked(
        403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded"
    ),
    "maintenance": Row(
        "rule",
        503,
        "<html><head><title>Maintenance</title></head>"
        "<body><h1>We are down for maintenance.</h1></body></html>",
        switches={"is_maintenance": True},
    ),
    "read-only during maintenance": Row(
        "rule",
        400,
        unsaved(
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "The organization is in read-only mode during maintenance",
        ),
        switches={"is_read_only": True},
    ),
    "retired version": Row(
        "rule",
        410,
        refused("UNSUPPORTED_API_VERSION", "API version 30.0 is retired"),
        ("GET", "/../v30.0/limits", None),
    ),
    "policy against reading": Row(
        "rule",
        403,
        refused("TXN_SECURITY_NO_ACCESS", SECURITY),
        query("SELECT Id FROM Lead"),
        switches={"security_policy_objects": ["Lead"]},
    ),
}

SERVER: dict[str, Row] = {
    "conflict": asked(409, "CONFLICT", "The request could not be completed due to a conflict"),
    "conditional header missing": asked(428, "PRECONDITION_REQUIRED", "A conditional header is required"),
    "unknown exception": asked(
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: "
        "1678459733-112656 (-771449107)",
    ),
    "server unavailable": asked(503, "SERVER_UNAVAILABLE", "Server Unavailable"),
    "server too busy": asked(503, "SERVER_UNAVAILABLE", "server too busy"),
    "edge failure without a body": Row("fault", 420, "", fault={"kind": "empty", "status": 420}),
    "bad gateway in HTML": Row(
        "fault", 502, "<h1>Bad</h1>", fault={"kind": "html", "status": 502, "body": "<h1>Bad</h1>"}
    ),
}
