"""What an operation is called in the document: short, a verb and what it is about, as a client's method."""

from typing import Final

NAMES: Final = {
    "complete": "confirmConnection",
    "connect": "startConnection",
    "connect_me": "connectOwnUser",
    "delete_credentials": "deleteAppCredentials",
    "delete_me": "disconnectOwnUser",
    "disconnect": "disconnectHost",
    "enable_again": "enableNotifications",
    "end_backfill": "cancelBackfill",
    "flow": "getFlow",
    "get_audit": "listHostAudit",
    "get_events": "listEventSettings",
    "get_fields": "listFields",
    "get_me": "getOwnUser",
    "get_owners": "listOwners",
    "get_settings": "getHostSettings",
    "get_users": "listSalesforceUsers",
    "get_verify": "getVerification",
    "give_up_jobs": "discardJobs",
    "list_received": "listReceivedDeliveries",
    "livez": "getLiveness",
    "overview": "getOverview",
    "pause": "pauseConnection",
    "post_preflight": "runPreflight",
    "post_repair": "repairEvent",
    "post_verify": "verifyEvent",
    "put_credentials": "saveAppCredentials",
    "put_events": "changeEvents",
    "put_settings": "saveHostSettings",
    "read_audit": "listAudit",
    "read_deliveries": "listDeliveries",
    "read_notifications": "listNotifications",
    "readyz": "getReadiness",
    "rehearse_registration": "dryRunRegistration",
    "release_expired_lease": "releaseLease",
    "replay": "replayDeliveries",
    "resume": "resumeConnection",
    "send_again": "replayNotifications",
}
"""Of functions that are named for where they stand."""
VERBS: Final = {"put": "save", "read": "get", "post": "start"}


def operation_id(function: str) -> str:
    """`pauseHost` of `pause_host`."""
    verb, *rest = function.split("_")
    return NAMES.get(function) or _camel(VERBS.get(verb, verb), *rest)


def webhook_id(type_: str) -> str:
    """`sendRegistrationCheckedIn` of `registration.checked_in`."""
    return _camel("send", *type_.replace(".", "_").split("_"))


def _camel(verb: str, *rest: str) -> str:
    return verb + "".join(word.capitalize() for word in rest)
