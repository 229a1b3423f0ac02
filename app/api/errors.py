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
    """A chosen status is not one of the campaign's own."""

    status, title = 400, "The campaign has no such member status"


class StatusesIncomplete(Problem):
    """The registered and the attended status must both be chosen."""

    status, title = 400, "Choose a status for registered and one for attended"


class FilterEmpty(Problem):
    """A filter needs exactly one member."""

    status, title = 400, "Say which rows are meant"


class ReturnToInvalid(Problem):
    """`return_to` is not a path on the dashboard."""

    status, title = 400, "The return address is not a path on the dashboard"


class CursorInvalid(Problem):
    """A cursor that we did not make."""

    status, title = 400, "The cursor is not one of ours"


class PayloadUnusable(Problem):
    """A signed webhook that cannot be used; it is kept apart, and sending it again does not help."""

    status, title = 400, "The webhook was signed, but cannot be used"


class TokenInvalid(Problem):
    """The bearer token is missing or not acceptable."""

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
    """The host has no such event."""

    status, title = 404, "Event not found"


class RegistrationNotFound(Problem):
    """The event has no such registration."""

    status, title = 404, "Registration not found"


class CampaignNotLinked(Problem):
    """The event is not linked to a campaign."""

    status, title = 404, "The event is not linked to a Salesforce campaign"


class AttemptNotFound(Problem):
    """The host has no such attempt to connect."""

    status, title = 404, "Attempt not found"


class NotFound(Problem):
    """There is nothing at this address."""

    status, title = 404, "Nothing is here"


class ObjectNotVisible(Problem):
    """The connected user may not see this object of the org."""

    status, title = 404, "The connected Salesforce user cannot see this object"


class MethodNotAllowed(Problem):
    """The address exists, but not for this method."""

    status, title = 405, "Method not allowed"


class BodyIncomplete(Problem):
    """The body did not arrive in time."""

    status, title = 408, "The body did not arrive in time"


class NotConfigured(Problem):
    """This environment has no Salesforce app."""

    status, title = 409, "Salesforce integration is not configured on this environment."


class NotConnected(Problem):
    """The host has no connection."""

    status, title = 409, "Connect Salesforce first"


class ConnectionNeedsReconnect(Problem):
    """Salesforce no longer accepts the host's connection."""

    status, title = 409, "Reconnect Salesforce first"


class CredentialsMissing(Problem):
    """An own app was chosen, but its credentials are not saved."""

    status, title = 409, "Complete Step 1 (save credentials) before connecting."


class CampaignIsLocked(Problem):
    """Another campaign is linked already."""

    status, title = 409, "The Campaign Id is locked. Unlink first, then link the new Campaign Id."


class EventIsOver(Problem):
    """Campaigns are created for what is still to come, or on demand."""

    status, title = 409, "The event is over"


class CampaignsNotReadable(Problem):
    """The connected user may not read campaigns."""

    status, title = 409, "The connected Salesforce user cannot read campaigns"


class BackfillRunning(Problem):
    """One backfill at a time."""

    status, title = 409, "A backfill is already running"


class ApprovalNeedsConfirmation(Problem):
    """The fifth approval of one Salesforce user must be confirmed."""

    status, title = 409, "Confirm the fifth approval of this Salesforce user"


class AttemptNotConfirmable(Problem):
    """The code is not the attempt's, or the attempt is not one that waits to be confirmed."""

    status, title = 409, "This sign-in cannot be confirmed"


class KeyReused(Problem):
    """The Idempotency-Key was used for another request."""

    status, title = 409, "The Idempotency-Key was used for another request"


class MappingChanged(Problem):
    """Somebody else saved the mapping since it was read."""

    status, title = 409, "The mapping was changed meanwhile"


class BodyTooLarge(Problem):
    """The body is larger than allowed."""

    status, title = 413, "The body is too large"


class MediaTypeUnsupported(Problem):
    """The body is not plain JSON."""

    status, title = 415, "Send application/json without a content encoding"


class PayloadInvalid(Problem):
    """The payload's shape is wrong; `errors` say where."""

    status, title = 422, "The payload is not valid"


class TooManyRequests(Problem):
    """Slow down."""

    status, title = 429, "Too many requests"


class HeadersTooLarge(Problem):
    """The request line and the headers are larger or more than allowed."""

    status, title = 431, "The headers are too large"


class Unexpected(Problem):
    """A fault of ours; the log has it under the request id."""

    status, title = 500, "Something went wrong on our side"


class SalesforceRefused(Problem):
    """Salesforce answered with an error that has no row of its own."""

    status, title = 502, "Salesforce refused the request"


class SalesforceUnavailable(Problem):
    """Salesforce did not answer, or not usefully."""

    status, title = 503, "Salesforce is not available right now"


class ApiBudgetReached(Problem):
    """The host's share of the org's API calls is used up."""

    status, title = 503, "The API budget of the Salesforce org is used up for now"


class DatabaseUnavailable(Problem):
    """Our database does not answer."""

    status, title = 503, "The service is not available right now"
    own_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}


class KeysUnavailable(Problem):
    """The platform's keys for bearer tokens were never read yet, so no token can be judged."""

    status, title = 503, "Bearer tokens cannot be checked right now"


class ServiceBusy(Problem):
    """This process has as many connections as it may."""

    status, title = 503, "Too many connections are open"


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors as paths and messages, without the values."""
    return [
        FieldError(path=".".join(str(part) for part in error["loc"]), message=str(error["msg"]))
        for error in errors
    ]
