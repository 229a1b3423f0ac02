"""Which problems each operation may answer: by where it is and what it takes, and by name for the rest."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.api import errors
from app.api.edge.rate_limits import BEHIND_TOKENS, is_counted
from app.api.errors import Problem

H: Final = "/v1/hosts/{host_id}/salesforce"
ME: Final = f"{H}/me"
"""What anybody with a role may read and change: who one is oneself."""

E: Final = "/v1/hosts/{host_id}/events/{event_id}/salesforce"
ROW: Final = f"{E}/registrations/{{registration_id}}"

Kinds = tuple[type[Problem], ...]

CONNECTED: Final[Kinds] = (
    errors.NotConnected,
    errors.ConnectionNeedsReconnect,
    errors.SalesforceRefused,
    errors.SalesforceUnavailable,
    errors.ApiBudgetReached,
)
"""Of whatever asks Salesforce while the caller waits."""
OBJECTS: Final[Kinds] = (*CONNECTED, errors.ObjectNotVisible)
CAMPAIGNS: Final[Kinds] = (*CONNECTED, errors.CampaignsNotReadable)
LINKING: Final[Kinds] = (
    *CAMPAIGNS,
    errors.CampaignIdInvalid,
    errors.CampaignIsLocked,
    errors.StatusUnknown,
    errors.StatusesIncomplete,
)
IMPORTS: Final = "/v1/imports/registrations"
BODIED: Final[Kinds] = (errors.BodyTooLarge, errors.BodyIncomplete)
"""Of every change but an import, which is read line by line."""

BY_NAME: Final[Mapping[str, Kinds]] = {
    f"POST {H}/connect": (
        errors.NotConfigured,
        errors.CredentialsMissing,
        errors.ReturnToInvalid,
    ),
    f"POST {H}/connect/{{attempt_id}}/complete": (
        errors.AttemptNotFound,
        errors.AttemptNotConfirmable,
        errors.ApprovalNeedsConfirmation,
        errors.UserOfAnotherOrg,
    ),
    f"POST {ME}/connect": (errors.NotConnected, errors.ReturnToInvalid),
    f"GET {H}/users": (errors.RoleInsufficient,),
    f"GET {H}/connect/{{attempt_id}}": (errors.AttemptNotFound,),
    f"PUT {H}/app-credentials": (errors.SalesforceUnavailable,),
    f"DELETE {H}/app-credentials": (errors.SalesforceUnavailable,),
    f"POST {H}/disconnect": (errors.NotConnected,),
    f"GET {H}/preflight": (errors.NotConnected,),
    f"POST {H}/preflight": CONNECTED,
    f"GET {E}/campaigns": CAMPAIGNS,
    f"POST {E}/campaign/validate": (*CAMPAIGNS, errors.CampaignIdInvalid),
    f"GET {E}/campaign": (errors.CampaignNotLinked,),
    f"PUT {E}/campaign": (*LINKING, errors.BackfillRunning),
    f"DELETE {E}/campaign": (errors.CampaignNotLinked,),
    f"POST {E}/campaign/create": (
        errors.NotConnected,
        errors.ConnectionNeedsReconnect,
        errors.CampaignIsLocked,
        errors.EventIsOver,
    ),
    f"POST {E}/campaign/copy": (*LINKING, errors.CampaignNotLinked, errors.BackfillRunning),
    f"POST {E}/backfill": (
        errors.BackfillRunning,
        errors.CampaignNotLinked,
        errors.NotConnected,
        errors.ConnectionNeedsReconnect,
    ),
    f"PUT {H}/events": (errors.FilterEmpty,),
    f"POST {H}/backfill": (errors.NotConnected, errors.ConnectionNeedsReconnect),
    f"PUT {H}/mapping": (errors.MappingChanged,),
    f"PUT {E}/mapping": (errors.MappingChanged,),
    f"GET {H}/mapping/objects/{{sobject}}/fields": OBJECTS,
    f"GET {H}/mapping/owners": (*OBJECTS, errors.RoleInsufficient),
    f"GET {H}/mapping/registrants": (errors.RoleInsufficient,),
    f"GET {E}/mapping/registrants": (errors.RoleInsufficient,),
    f"POST {H}/mapping/preview": (errors.RegistrationNotFound,),
    f"POST {E}/mapping/preview": (errors.RegistrationNotFound,),
    f"GET {E}/stream": (errors.TooManyRequests,),
    f"GET {H}/stream": (errors.TooManyRequests,),
    f"GET {ROW}/dry-run": CONNECTED,
    f"GET {ROW}/preview": OBJECTS,
    f"GET {E}/links": (errors.EventUrlMissing,),
    f"GET {E}/links.csv": (
        *CAMPAIGNS,
        errors.RoleInsufficient,
        errors.EventUrlMissing,
        errors.CampaignIdInvalid,
        errors.CampaignTooLarge,
    ),
    f"POST {E}/retry": (errors.FilterEmpty,),
    f"POST {E}/verify": (errors.VerifyRunning, errors.NotConnected, errors.ConnectionNeedsReconnect),
    f"GET {E}/verify": (errors.NeverVerified,),
    f"POST {E}/repair": (errors.FilterEmpty, errors.NeverVerified),
    "POST /ops/jobs/retry": (errors.FilterEmpty,),
    "POST /ops/jobs/discard": (errors.FilterEmpty,),
    "POST /ops/hosts/{host_id}/pause": (errors.HostNotFound,),
    "POST /ops/hosts/{host_id}/resume": (errors.HostNotFound,),
    "GET /ops/addresses": (errors.CursorInvalid,),
    "PUT /ops/hosts/{host_id}/address": (errors.HostNotFound,),
    "POST /ops/orgs/{org_id}/pause": (errors.NotFound,),
    "POST /ops/orgs/{org_id}/resume": (errors.NotFound,),
    "POST /ops/leases/{org_id}/release": (errors.NotFound,),
    "GET /ops/hosts/{host_id}/events": (errors.HostNotFound,),
    "GET /ops/hosts/{host_id}/registrations/{registration_id}/attempts": (errors.RegistrationNotFound,),
    "POST /ops/deliveries/replay": (errors.FilterEmpty,),
    "GET /ops/notifications": (errors.CursorInvalid,),
    "POST /ops/notifications/replay": (errors.FilterEmpty,),
    "POST /v1/imports/registrations": (errors.MediaTypeUnsupported,),
    "POST /webhooks/eventship": (
        errors.PayloadUnusable,
        errors.SignatureInvalid,
        errors.SignatureStale,
        errors.BodyIncomplete,
        errors.BodyTooLarge,
        errors.MediaTypeUnsupported,
    ),
    "POST /webhooks/eventship/test": (
        errors.BodyIncomplete,
        errors.BodyTooLarge,
        errors.MediaTypeUnsupported,
        errors.TooManyRequests,
    ),
}
IN_PATH: Final[Mapping[str, type[Problem]]] = {
    "/v1/hosts/{host_id}": errors.HostNotFound,
    "{event_id}": errors.EventNotFound,
    "{registration_id}": errors.RegistrationNotFound,
}


def refusals_of(method: str, path: str, operation: Mapping[str, Any]) -> list[type[Problem]]:
    """The problems of one operation, by status and then by name."""
    kinds = {*BY_NAME.get(f"{method} {path}", ()), *_by_place(method, path), *_by_shape(path, operation)}
    return sorted(kinds, key=lambda kind: (kind.status, kind.__name__))


def _by_place(method: str, path: str) -> Iterable[type[Problem]]:
    if not path.startswith(BEHIND_TOKENS):
        return
    yield from (errors.TokenInvalid, errors.KeysUnavailable, errors.Unexpected)
    if method != "GET" and path != IMPORTS:
        yield from BODIED
    if is_counted(path):
        yield errors.TooManyRequests
    if path.startswith("/v1/"):
        yield from (kind for part, kind in IN_PATH.items() if part in path)
    is_change = method != "GET" and path.startswith("/v1/hosts/{host_id}/")
    if is_change:
        yield errors.KeyReused  # it may carry an Idempotency-Key
    is_ones_own = path.startswith(ME)
    if (is_change and not is_ones_own) or not path.startswith("/v1/hosts"):
        yield errors.RoleInsufficient


def _by_shape(path: str, operation: Mapping[str, Any]) -> Iterable[type[Problem]]:
    if path not in ("/livez", "/readyz"):
        yield errors.DatabaseUnavailable
    names = {each["name"] for each in operation.get("parameters", ())}
    if path.startswith(("/v1/hosts/", "/ops/", "/platform/")) and (names or "requestBody" in operation):
        yield errors.PayloadInvalid
    if "cursor" in names:
        yield errors.CursorInvalid
