"""Everything the API refuses, as one tree of exceptions; `error_handlers` answers them as RFC 9457 problems.

The class name is the machine-readable `code`. A title never carries personal data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from app.salesforce.errors import ApiError
from app.user_messages.catalog import say
from app.user_messages.rows import Advice


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
        super().__init__(detail or self.title())
        self.detail = detail
        self.reason = reason
        self.advice = advice
        self.salesforce = salesforce
        self.errors = errors
        self.headers = {**self.own_headers, **(headers or {})}

    @classmethod
    def title(cls) -> str:
        """What happened, in the language of the request."""
        return say(f"problem.{cls.__name__}")


class CampaignIdInvalid(Problem):
    """The Campaign Id cannot be used; `reason` is `format`, `checksum` or `not_found`."""

    status = 400


class StatusUnknown(Problem):
    status = 400


class StatusesIncomplete(Problem):
    status = 400


class FilterEmpty(Problem):
    """A filter needs exactly one member."""

    status = 400


class ReturnToInvalid(Problem):
    status = 400


class CursorInvalid(Problem):
    status = 400


class PayloadUnusable(Problem):
    """A signed webhook that cannot be used; it is kept apart, and sending it again does not help."""

    status = 400


class TokenInvalid(Problem):
    status = 401


class SignatureInvalid(Problem):
    """A webhook that no live secret signed; never says which part is wrong."""

    status = 401


class SignatureStale(Problem):
    """A webhook that a live secret signed, but for another time: a clock is wrong, or it was held up."""

    status = 401


class RoleInsufficient(Problem):
    """The caller may read here, but not change."""

    status = 403


class HostNotFound(Problem):
    """No such host for this caller, whether or not it exists."""

    status = 404


class EventNotFound(Problem):
    status = 404


class RegistrationNotFound(Problem):
    status = 404


class CampaignNotLinked(Problem):
    status = 404


class AttemptNotFound(Problem):
    """The host has no such attempt to connect."""

    status = 404


class NotFound(Problem):
    status = 404


class NeverVerified(Problem):
    status = 404


class ObjectNotVisible(Problem):
    status = 404


class MethodNotAllowed(Problem):
    status = 405


class BodyIncomplete(Problem):
    status = 408


class NotConfigured(Problem):
    status = 409


class NotConnected(Problem):
    status = 409


class ConnectionNeedsReconnect(Problem):
    status = 409


class CredentialsMissing(Problem):
    status = 409


class CampaignIsLocked(Problem):
    status = 409


class EventUrlMissing(Problem):
    """The platform sent no address of the event's page, so no link can lead there."""

    status = 409


class CampaignTooLarge(Problem):
    status = 409


class EventIsOver(Problem):
    """Campaigns are created for what is still to come, or on demand."""

    status = 409


class CampaignsNotReadable(Problem):
    status = 409


class BackfillRunning(Problem):
    status = 409


class VerifyRunning(Problem):
    status = 409


class ApprovalNeedsConfirmation(Problem):
    status = 409


class AttemptNotConfirmable(Problem):
    """The code is not the attempt's, or the attempt is not one that waits to be confirmed."""

    status = 409


class UserOfAnotherOrg(Problem):
    status = 409


class KeyReused(Problem):
    status = 409


class MappingChanged(Problem):
    status = 409


class BodyTooLarge(Problem):
    status = 413


class MediaTypeUnsupported(Problem):
    status = 415


class PayloadInvalid(Problem):
    """The payload's shape is wrong; `errors` say where."""

    status = 422


class TooManyRequests(Problem):
    status = 429


class HeadersTooLarge(Problem):
    status = 431


class Unexpected(Problem):
    """A fault of ours; the log has it under the request id."""

    status = 500


class SalesforceRefused(Problem):
    """Salesforce answered with an error that has no row of its own."""

    status = 502


class SalesforceUnavailable(Problem):
    status = 503


class ApiBudgetReached(Problem):
    status = 503


class DatabaseUnavailable(Problem):
    """Our database does not answer."""

    status = 503
    own_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}


class KeysUnavailable(Problem):
    """The platform's keys for bearer tokens were never read yet, so no token can be judged."""

    status = 503


class ServiceBusy(Problem):
    status = 503


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors as paths and messages, without the values."""
    return [
        FieldError(path=".".join(str(part) for part in error["loc"]), message=str(error["msg"]))
        for error in errors
    ]
