"""Salesforce errors as problems of the API."""

from typing import Final

from app.api.errors import (
    ApiBudgetReached,
    ConnectionNeedsReconnect,
    ObjectNotVisible,
    Problem,
    SalesforceRefused,
    SalesforceUnavailable,
)
from app.salesforce.auth import ConnectionEnded, ConnectionUnusable, RefreshUnavailable
from app.salesforce.errors import ApiError, ErrorClass, RequestRejected, SalesforceError
from app.user_messages.catalog import advise, say

# A user without marketing rights does not see the object at all; its describe says NOT_FOUND.
# https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_campaign.htm
SOON, LATER, LIMIT_PROBE = 5, 30, 900
"""Seconds for Retry-After: nothing arrived; Salesforce is unwell; the org's allowance is used up."""

HIDDEN: Final = frozenset(
    {
        "INVALID_TYPE",
        "NOT_FOUND",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "FUNCTIONALITY_NOT_ENABLED",
    }
)


def problem_for(error: SalesforceError, *, hidden: type[Problem] = ObjectNotVisible) -> Problem:
    """The problem that the API answers when Salesforce refused or failed; never "not found".

    `hidden` is the problem of an object that the connected user may not read.
    """
    if isinstance(error, RequestRejected):
        return _refusal(error, hidden)
    if isinstance(error, ConnectionEnded):
        return ConnectionNeedsReconnect(reason=error.reason_code)
    if isinstance(error, ConnectionUnusable):
        advice = advise(error.reason_code)
        return SalesforceUnavailable(reason=error.reason_code, advice=advice, headers=_retry_after(LATER))
    if isinstance(error, RefreshUnavailable):
        return _unavailable(max(1, round(error.retry_after)))
    return _unavailable(SOON)


def _refusal(error: RequestRejected, hidden: type[Problem]) -> Problem:
    failure = error.failure
    if failure.error_code in HIDDEN:
        detail = say("detail.object_hidden", object=error.sobject) if error.sobject else None
        return hidden(detail, salesforce=failure)
    if failure.is_daily_limit:
        return ApiBudgetReached(salesforce=failure, headers=_retry_after(LIMIT_PROBE))
    if failure.error_class in (ErrorClass.TRANSIENT, ErrorClass.LIMIT, ErrorClass.AMBIGUOUS):
        return _unavailable(LATER, failure)
    return SalesforceRefused(salesforce=failure, headers=_retry_after(LATER))


def _unavailable(seconds: int, failure: ApiError | None = None) -> Problem:
    return SalesforceUnavailable(salesforce=failure, headers=_retry_after(seconds))


def _retry_after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
