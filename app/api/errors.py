"""Everything the API refuses, as one tree of exceptions; `error_handlers` answers them as RFC 9457 problems.

The class name is the machine-readable `code`. A title never carries personal data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from app.salesforce.errors import ApiError
from app.user_messages.catalog import Advice


class FieldError(BaseModel):
    """Where a payload is wrong, and why; never the refused value."""

    path: str
    message: str


class SalesforceAnswer(BaseModel):
    """Salesforce's own words beside ours."""

    error_code: str
    message: str
    fields: list[str]
    http_status: int | None

    @classmethod
    def of(cls, failure: ApiError) -> "SalesforceAnswer":
        return cls.model_validate(failure, from_attributes=True)


class ProblemBody(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str | None
    code: str
    reason: str | None
    advice: Advice | None
    salesforce: SalesforceAnswer | None
    request_id: str
    errors: list[FieldError] | None = None


class Problem(Exception):
    """An expected refusal. `detail` may name ids of the caller's own; `headers` go on the answer."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Unexpected"
    own_headers: ClassVar[Mapping[str, str]] = {}
    """What goes on every answer of its kind."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        reason: str | None = None,
        advice: Advice | None = None,
        salesforce: ApiError | None = None,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.reason = reason
        self.advice = advice
        self.salesforce = salesforce
        self.errors = errors
        self.headers = {**self.own_headers, **(headers or {})}


class CampaignIdInvalid(Problem):
    """The Campaign Id cannot be used; `reason` is `format`, `checksum` or `not_found`."""

    status, title = 400, "Invalid Campaign Id"


class StatusUnknown(Problem):
    status, title = 400, "The campaign has no such member status"


class StatusesIncomplete(Problem):
    status, title = 400, "Choose a status for registered and one for attended"


class FilterEmpty(Problem):
    """A filter needs exactly one member."""

    status, title = 400, "Say which rows are meant"


class ReturnToInvalid(Problem):
    status, title = 400, "The return address is not a path on the dashboard"


class CursorInvalid(Problem):
    status, title = 400, "The cursor is not one of ours"


class PayloadUnusable(Problem):
    """A signed webhook that cannot be used; it is kept apart, and sending it again does not help."""

    status, title = 400, "The webhook was signed, but cannot be used"


class TokenInvalid(Problem):
    status, title = 401, "The bearer token is missing or not valid"


class SignatureInvalid(Problem):
    """A webhook that no live secret signed; never says which part is wrong."""

    status, title = 401, "The webhook's signature is missing or not valid"


class SignatureStale(Problem):
    """A webhook that a live secret signed, but for another time: a clock is wrong, or it was held up."""

    status, title = 401, "The webhook was signed more than five minutes before or after our time"


class RoleInsufficient(Problem):
    """The caller may read here, but not change."""

    status, title = 403, "Only an owner or admin of the host may do this"


class HostNotFound(Problem):
    """No such host for this caller, whether or not it exists."""

    status, title = 404, "Host not found"


class EventNotFound(Problem):
    status, title = 404, "Event not found"


class RegistrationNotFound(Problem):
    status, title = 404, "Registration not found"


class CampaignNotLinked(Problem):
    status, title = 404, "The event is not linked to a Salesforce campaign"


class AttemptNotFound(Problem):
    """The host has no such attempt to connect."""

    status, title = 404, "Attempt not found"


class NotFound(Problem):
    status, title = 404, "Nothing is here"


class NeverVerified(Problem):
    status, title = 404, "The event was never verified"


class ObjectNotVisible(Problem):
    status, title = 404, "The connected Salesforce user cannot see this object"


class MethodNotAllowed(Problem):
    status, title = 405, "Method not allowed"


class BodyIncomplete(Problem):
    status, title = 408, "The body did not arrive in time"


class NotConfigured(Problem):
    status, title = 409, "Salesforce integration is not configured on this environment."


class NotConnected(Problem):
    status, title = 409, "Connect Salesforce first"


class ConnectionNeedsReconnect(Problem):
    status, title = 409, "Reconnect Salesforce first"


class CredentialsMissing(Problem):
    status, title = 409, "Complete Step 1 (save credentials) before connecting."


class CampaignIsLocked(Problem):
    status, title = 409, "The Campaign Id is locked. Unlink first, then link the new Campaign Id."


class EventUrlMissing(Problem):
    """The platform sent no address of the event's page, so no link can lead there."""

    status, title = 409, "The event has no registration page"


class CampaignTooLarge(Problem):
    status, title = 409, "The campaign has too many members for one file of links"


class EventIsOver(Problem):
    """Campaigns are created for what is still to come, or on demand."""

    status, title = 409, "The event is over"


class CampaignsNotReadable(Problem):
    status, title = 409, "The connected Salesforce user cannot read campaigns"


class BackfillRunning(Problem):
    status, title = 409, "A backfill is already running"


class VerifyRunning(Problem):
    status, title = 409, "The event is being verified already"


class ApprovalNeedsConfirmation(Problem):
    status, title = 409, "Confirm the fifth approval of this Salesforce user"


class AttemptNotConfirmable(Problem):
    """The code is not the attempt's, or the attempt is not one that waits to be confirmed."""

    status, title = 409, "This sign-in cannot be confirmed"


class UserOfAnotherOrg(Problem):
    status, title = 409, "This Salesforce user belongs to another org than the host"


class KeyReused(Problem):
    status, title = 409, "The Idempotency-Key was used for another request"


class MappingChanged(Problem):
    status, title = 409, "The mapping was changed meanwhile"


class BodyTooLarge(Problem):
    status, title = 413, "The body is too large"


class MediaTypeUnsupported(Problem):
    status, title = 415, "Send application/json without a content encoding"


class PayloadInvalid(Problem):
    """The payload's shape is wrong; `errors` say where."""

    status, title = 422, "The payload is not valid"


class TooManyRequests(Problem):
    status, title = 429, "Too many requests"


class HeadersTooLarge(Problem):
    status, title = 431, "The headers are too large"


class Unexpected(Problem):
    """A fault of ours; the log has it under the request id."""

    status, title = 500, "Something went wrong on our side"


class SalesforceRefused(Problem):
    """Salesforce answered with an error that has no row of its own."""

    status, title = 502, "Salesforce refused the request"


class SalesforceUnavailable(Problem):
    status, title = 503, "Salesforce is not available right now"


class ApiBudgetReached(Problem):
    status, title = 503, "The API budget of the Salesforce org is used up for now"


class DatabaseUnavailable(Problem):
    """Our database does not answer."""

    status, title = 503, "The service is not available right now"
    own_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}


class KeysUnavailable(Problem):
    """The platform's keys for bearer tokens were never read yet, so no token can be judged."""

    status, title = 503, "Bearer tokens cannot be checked right now"


class ServiceBusy(Problem):
    status, title = 503, "Too many connections are open"


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors as paths and messages, without the values."""
    return [
        FieldError(path=".".join(str(part) for part in error["loc"]), message=str(error["msg"]))
        for error in errors
    ]
