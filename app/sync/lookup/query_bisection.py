"""Look-ups that Salesforce does not take: found by halving whose they are, so that the others go on."""

from collections.abc import Sequence
from typing import Final, TypeVar

from app.salesforce.errors import RequestRejected
from app.states import Milestone
from app.sync.errors.item_error import salesforce_error
from app.sync.model.decisions import Fail, ItemDecision, RetryLater
from app.sync.model.record_kinds import person_object
from app.sync.model.retry_policy import ErrorAction, action_for
from app.sync.model.work_item import WorkItem

TOO_LARGE_CODES: Final = frozenset(
    {"HTTP_414", "OPERATION_TOO_LARGE", "QUERY_TIMEOUT", "QUERY_TOO_COMPLICATED", "REQUEST_RUNNING_TOO_LONG"}
)
"""What Salesforce says of a query that asks for too much at a time: a smaller one may pass."""

REJECTED_QUERY_CODES: Final = frozenset(
    {"INVALID_QUERY_FILTER_OPERATOR", "MALFORMED_QUERY", *TOO_LARGE_CODES}
)
"""What Salesforce says of a query that it does not take, whoever asks and however often.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
"""

Each = TypeVar("Each")


def is_query_rejected(refused: RequestRejected) -> bool:
    """Whether the query itself was refused, and a smaller one may be taken."""
    return refused.failure.error_code in REJECTED_QUERY_CODES


def is_too_large(error: Exception) -> bool:
    """Whether a look-up was refused that asked for too much at a time."""
    return isinstance(error, RequestRejected) and error.failure.error_code in TOO_LARGE_CODES


def split_in_half(some: Sequence[Each]) -> list[Sequence[Each]]:
    """The two halves, or the only one."""
    middle = len(some) // 2
    return [half for half in (some[:middle], some[middle:]) if half]


def query_rejected(item: WorkItem, refused: RequestRejected) -> ItemDecision:
    """Salesforce takes no query about this item: it retries or fails, as the policy says."""
    sobject = person_object(item.job.rules.creates)
    values = item.job.attendee.personal_values()
    error = salesforce_error(refused.failure, milestone=Milestone.REGISTERED, sobject=sobject, values=values)
    is_retried = action_for(refused.failure) is ErrorAction.RETRY
    return ItemDecision(item, RetryLater(error) if is_retried else Fail(error), is_processed=True)
