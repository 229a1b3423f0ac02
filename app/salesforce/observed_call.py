"""What is told and counted of each call to Salesforce: its kind, how many records it was about, how it ended.

Neither its address nor its text, nor what was answered.
"""

import asyncio
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from app import tracing
from app.metrics import OTHER, SALESFORCE_CALLS, SALESFORCE_ROWS, SALESFORCE_SECONDS
from app.salesforce.errors import ErrorClass, RequestRejected, SalesforceError, SendGuardTripped

log = logging.getLogger(__name__)

OK, TOKEN = "ok", "token"
_calls = cache(SALESFORCE_CALLS.labels)
_seconds = cache(SALESFORCE_SECONDS.labels)
_rows = cache(SALESFORCE_ROWS.labels)
"""Each kind and outcome is found once."""

ABOUT_ROWS: Final = frozenset({"query", "composite"})
KINDS: Final = re.compile(
    r"/services/data/v[0-9.]+/(?:.+/)?(query|composite|describe|limits)(?:All)?(?:[/?]|$)"
)


class ObservedCall:
    """A call under way; `rows` are the records that it brings or writes."""

    def __init__(self, kind: str, rows: int = 0) -> None:
        self.kind, self.rows = kind, rows
        self.outcome = OK
        self.status: int | None = None
        self.counted_as: str | None = OK
        """`ok` or the class of the error; None where nothing was sent."""

    def refuse(self, outcome: str) -> None:
        """The answer says no, to a request that is not about records."""
        is_passing = self.status is not None and self.status >= 500
        self.outcome = outcome
        self.counted_as = ErrorClass.TRANSIENT if is_passing else ErrorClass.ACCESS


@contextmanager
def observed_call(kind: str, *, rows: int = 0) -> Iterator[ObservedCall]:
    """A span and a line for the call; a line below DEBUG only for one that did not go well."""
    call, started_at = ObservedCall(kind, rows), time.perf_counter()
    with tracing.span("salesforce", kind=tracing.CLIENT, call=kind) as span:
        try:
            yield call
        except SalesforceError as error:
            call.outcome, call.status = type(error).__name__, error.failure.http_status
            call.counted_as = None if isinstance(error, SendGuardTripped) else error.failure.error_class
            if isinstance(error, RequestRejected):
                span.set(error_class=error.failure.error_class)
            raise
        except asyncio.CancelledError:
            call.counted_as = ErrorClass.AMBIGUOUS
            raise
        except Exception:  # of whoever guards the sends
            call.counted_as = None
            raise
        finally:
            seconds = time.perf_counter() - started_at
            _count(call, seconds)
            span.set(rows=call.rows, outcome=call.outcome, **{"http.response.status_code": call.status})
            _log(call, seconds)


def _count(call: ObservedCall, seconds: float) -> None:
    if call.counted_as is None:
        return
    _calls(call.kind, call.counted_as).inc()
    _seconds(call.kind).observe(seconds)
    if call.counted_as == OK and (call.rows or call.kind in ABOUT_ROWS):
        _rows(call.kind).observe(call.rows)


def _log(call: ObservedCall, seconds: float) -> None:
    level = logging.DEBUG if call.outcome == OK else logging.INFO
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
