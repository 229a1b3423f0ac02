"""Counts requests by the template of their route, never by their address."""

from functools import cache
from typing import Final, Protocol

from app.api.request_log import UNKNOWN_ROUTE, ObservedRequest
from app.metrics import HTTP_REQUESTS, HTTP_SECONDS, OTHER, bounded

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counted(Protocol):
    """A counter of one set of labels."""

    def inc(self) -> None: ...


class Timed(Protocol):
    """A histogram of one set of labels."""

    def observe(self, amount: float) -> None: ...


def count_request(request: ObservedRequest) -> None:
    """The request as it ended; a stream counts by the time until its first line.

    Webhooks are timed by themselves (`webhook_request_duration_seconds`).
    """
    method, status = request.scope["method"], request.status
    if request.is_one_of_many:
        _of(request.scope["path"], method, status)[0].inc()
        return
    counted, timed = _of(request.route, method, status)
    counted.inc()
    timed.observe(request.seconds if request.answered_after is None else request.answered_after)


@cache
def _of(route: str, method: str, status: int | None) -> tuple[Counted, Timed]:
    known = OTHER if route == UNKNOWN_ROUTE else route
    of_class = OTHER if status is None else f"{status // 100}xx"
    return HTTP_REQUESTS.labels(known, bounded(method, METHODS), of_class), HTTP_SECONDS.labels(known)
