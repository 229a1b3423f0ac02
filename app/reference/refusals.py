"""Which problems each operation may answer: by where it is and what it takes, and by name for the rest."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app import problems
from app.edge.allowances import is_counted
from app.problems import Problem
from app.reference.shown import ROW, E, H

Kinds = tuple[type[Problem], ...]

CONNECTED: Final[Kinds] = (
    problems.NotConnected,
    problems.ConnectionNeedsReconnect,
    problems.SalesforceRefused,
    problems.SalesforceUnavailable,
    problems.ApiBudgetReached,
)
"""Of whatever asks Salesforce while the caller waits."""
CAMPAIGNS: Final[Kinds] = (*CONNECTED, problems.CampaignsNotReadable)
LINKING: Final[Kinds] = (
    *CAMPAIGNS,
    problems.CampaignIdInvalid,
    problems.CampaignIsLocked,
    problems.StatusUnknown,
    problems.StatusesIncomplete,
)
IMPORTS: Final = "/v1/imports/registrations"
BODIED: Final[Kinds] = (problems.BodyTooLarge, problems.BodyIncomplete)
"""Of every change but an import, which is read line by line."""

BY_NAME: Final[Mapping[str, Kinds]] = {
    f"POST {H}/connect": (
        problems.NotConfigured,
        problems.CredentialsMissing,
        problems.ReturnToInvalid,
    ),
    f"POST {H}/connect/{{attempt_id}}/complete": (
        problems.AttemptNotFound,
        problems.AttemptNotConfirmable,
        problems.ApprovalNeedsConfirmation,
    ),
    f"GET {H}/connect/{{attempt_id}}": (problems.AttemptNotFound,),
    f"PUT {H}/app-credentials": (problems.SalesforceUnavailable,),
    f"DELETE {H}/app-credentials": (problems.SalesforceUnavailable,),
    f"POST {H}/disconnect": (problems.NotConnected,),
    f"GET {H}/preflight": (problems.NotConnected,),
    f"POST {H}/preflight": CONNECTED,
    f"GET {E}/campaigns": CAMPAIGNS,
    f"POST {E}/campaign/validate": (*CAMPAIGNS, problems.CampaignIdInvalid),
    f"GET {E}/campaign": (problems.CampaignNotLinked,),
    f"PUT {E}/campaign": (*LINKING, problems.BackfillRunning),
    f"DELETE {E}/campaign": (problems.CampaignNotLinked,),
    f"POST {E}/campaign/create": (
        problems.NotConnected,
        problems.ConnectionNeedsReconnect,
        problems.CampaignIsLocked,
        problems.EventIsOver,
    ),
    f"POST {E}/campaign/copy": (*LINKING, problems.CampaignNotLinked, problems.BackfillRunning),
    f"POST {E}/backfill": (
        problems.BackfillRunning,
        problems.CampaignNotLinked,
        problems.NotConnected,
        problems.ConnectionNeedsReconnect,
    ),
    f"POST {H}/backfill": (problems.NotConnected, problems.ConnectionNeedsReconnect),
    f"PUT {H}/mapping": (problems.MappingChanged,),
    f"PUT {E}/mapping": (problems.MappingChanged,),
    f"GET {H}/mapping/objects/{{sobject}}/fields": (*CONNECTED, problems.ObjectNotVisible),
    f"GET {E}/stream": (problems.TooManyRequests,),
    f"GET {H}/stream": (problems.TooManyRequests,),
    f"GET {ROW}/dry-run": CONNECTED,
    f"GET {ROW}/preview": CONNECTED,
    f"POST {E}/retry": (problems.FilterEmpty,),
    "GET /ops/jobs": (problems.FilterEmpty,),
    "POST /ops/jobs/retry": (problems.FilterEmpty,),
    "POST /ops/jobs/discard": (problems.FilterEmpty,),
    "POST /ops/hosts/{host_id}/pause": (problems.HostNotFound,),
    "POST /ops/hosts/{host_id}/resume": (problems.HostNotFound,),
    "POST /ops/orgs/{org_id}/pause": (problems.NotFound,),
    "POST /ops/orgs/{org_id}/resume": (problems.NotFound,),
    "POST /ops/leases/{org_id}/release": (problems.NotFound,),
    "GET /ops/deliveries": (problems.FilterEmpty,),
    "POST /ops/deliveries/replay": (problems.FilterEmpty,),
    "POST /v1/imports/registrations": (problems.MediaTypeUnsupported,),
    "POST /webhooks/eventship": (
        problems.PayloadUnusable,
        problems.SignatureInvalid,
        problems.SignatureStale,
        problems.BodyIncomplete,
        problems.BodyTooLarge,
        problems.MediaTypeUnsupported,
    ),
}
IN_PATH: Final[Mapping[str, type[Problem]]] = {
    "/v1/hosts/{host_id}": problems.HostNotFound,
    "{event_id}": problems.EventNotFound,
    "{registration_id}": problems.RegistrationNotFound,
}


def refusals_of(method: str, path: str, operation: Mapping[str, Any]) -> list[type[Problem]]:
    """The problems of one operation, by status and then by name."""
    kinds = {*BY_NAME.get(f"{method} {path}", ()), *_by_place(method, path), *_by_shape(path, operation)}
    return sorted(kinds, key=lambda kind: (kind.status, kind.__name__))


def _by_place(method: str, path: str) -> Iterable[type[Problem]]:
    if not path.startswith(("/v1/", "/ops/")):
        return
    yield from (problems.TokenInvalid, problems.KeysUnavailable, problems.Unexpected)
    if method != "GET" and path != IMPORTS:
        yield from BODIED
    if is_counted(path):
        yield problems.TooManyRequests
    if not path.startswith("/ops/"):
        yield from (kind for part, kind in IN_PATH.items() if part in path)
    is_change = method != "GET" and path.startswith("/v1/hosts/{host_id}/")
    if is_change:
        yield problems.KeyReused  # it may carry an Idempotency-Key
    if is_change or not path.startswith("/v1/hosts"):
        yield problems.RoleInsufficient


def _by_shape(path: str, operation: Mapping[str, Any]) -> Iterable[type[Problem]]:
    if path not in ("/livez", "/readyz"):
        yield problems.DatabaseUnavailable
    names = {each["name"] for each in operation.get("parameters", ())}
    if path.startswith(("/v1/hosts/", "/ops/")) and (names or "requestBody" in operation):
        yield problems.PayloadInvalid
    if "cursor" in names:
        yield problems.CursorInvalid
