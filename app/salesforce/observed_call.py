"""What is told of each call to Salesforce: its kind, how many records it was about, and how it ended.

Neither its address nor its text, nor what was answered.
"""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from app import tracing
from app.salesforce.errors import RequestRejected, SalesforceError

log = logging.getLogger(__name__)

TOKEN, OTHER = "token", "other"
KINDS: Final = re.compile(
    r"/services/data/v[0-9.]+/(?:.+/)?(query|composite|describe|limits)(?:All)?(?:[/?]|$)"
)


class ObservedCall:
    """A call under way; `rows` are the records that it brings or writes."""

    def __init__(self, kind: str, rows: int = 0) -> None:
        self.kind, self.rows = kind, rows
        self.outcome = "ok"
        self.status: int | None = None


@contextmanager
def observed_call(kind: str, *, rows: int = 0) -> Iterator[ObservedCall]:
    """A span and a line for the call; a line below DEBUG only for one that did not go well."""
    call, started_at = ObservedCall(kind, rows), time.perf_counter()
    with tracing.span("salesforce", kind=tracing.CLIENT, call=kind) as span:
        try:
            yield call
        except SalesforceError as error:
            call.outcome, call.status = type(error).__name__, error.failure.http_status
            if isinstance(error, RequestRejected):
                span.set(error_class=error.failure.error_class)
            raise
        finally:
            seconds = time.perf_counter() - started_at
            span.set(rows=call.rows, outcome=call.outcome, **{"http.response.status_code": call.status})
            _log(call, seconds)


def _log(call: ObservedCall, seconds: float) -> None:
    level = logging.DEBUG if call.outcome == "ok" else logging.INFO
    if log.isEnabledFor(level):
        about = {"kind": call.kind, "rows": call.rows, "outcome": call.outcome, "status": call.status}
        log.log(level, "salesforce_call", extra={**about, "seconds": round(seconds, 3)})


def kind_of(path: str) -> str:
    """The kind of call that an address makes."""
    match = KINDS.search(path)
    return match[1] if match else OTHER


def rows_sent(body: Mapping[str, Any] | None) -> int:
    """How many records the body of a call writes; of a composite all of its parts."""
    if not body:
        return 0
    if "compositeRequest" in body:
        return sum(rows_sent(each.get("body")) for each in body["compositeRequest"])
    records = body.get("records")
    return len(records) if isinstance(records, list) else 1


def rows_answered(answer: Any) -> int:
    """How many records a query brought, or the queries of a composite."""
    if not isinstance(answer, Mapping):
        return 0
    if isinstance(parts := answer.get("compositeResponse"), list):
        return sum(rows_answered(part.get("body")) for part in parts if isinstance(part, Mapping))
    records = answer.get("records")
    return len(records) if isinstance(records, list) else 0
