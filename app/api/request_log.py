"""Each request has an id, which its answer and its log lines name; the access log is a line for each.

Webhooks come by the thousand a second: of them there is one line a second for each status. Probes and scrapes
that went well have none.
"""

import asyncio
import itertools
import logging
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from starlette.types import Message, Scope, Send

from app.infrastructure.log_context import log_context

log = logging.getLogger(__name__)
_numbers = itertools.count()

HEADER: Final = b"x-request-id"
WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
"""No dots and no `@`: neither a token nor an e-mail address passes for an id."""
OURS: Final = f"req_{os.urandom(6).hex()}"
"""Begins the ids that this process makes; a number follows, since drawing lots for each would cost more."""
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
UNKNOWN_ROUTE: Final = "unknown"
SUM_UP_SECONDS: Final = 1.0


def request_id_from(scope: Scope) -> str:
    """The id that the caller gave, where it is well-formed, or a new one; kept in the request's state."""
    state: dict[str, str] = scope.setdefault("state", {})
    known = state.get("request_id")
    if known is None:
        known = state["request_id"] = _given(scope["headers"]) or f"{OURS}{next(_numbers):08x}"
    return known


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == HEADER:
            return value.decode() if WELL_FORMED.fullmatch(value) else None
    return None


def with_request_id(request_id: str, send: Send) -> Send:
    """A `send` that names the request's id in the answer."""

    async def naming(message: Message) -> None:
        await send(named(message, request_id) if message["type"] == "http.response.start" else message)

    return naming


def named(start: Message, request_id: str) -> Message:
    """The start of an answer with the request's id: a copy, since some answers are made once for all."""
    return {**start, "headers": [*start.get("headers", ()), (HEADER, request_id.encode())]}


class ObservedRequest:
    """One request from its head to its end; within it every log line has its id.

    `is_one_of_many`: the access log sums it up with others.
    """

    __slots__ = (
        "_before",
        "answered_after",
        "is_one_of_many",
        "request_id",
        "scope",
        "started_at",
        "status",
    )

    def __init__(self, scope: Scope, *, is_one_of_many: bool) -> None:
        self.scope, self.is_one_of_many = scope, is_one_of_many
        self.request_id = request_id_from(scope)
        self.status: int | None = None
        self.answered_after: float | None = None
        self.started_at = time.perf_counter()

    def noting(self, send: Send) -> Send:
        """A `send` that notes the status, and names the request's id in the answer."""

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status, self.answered_after = message["status"], self.seconds
                message = named(message, self.request_id)
            await send(message)

        return noted

    @property
    def route(self) -> str:
        """The template of its address, without what was filled in."""
        return str(getattr(self.scope.get("route"), "path", UNKNOWN_ROUTE))

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started_at

    def __enter__(self) -> Self:
        self._before = log_context.set({"request_id": self.request_id})
        return self

    def __exit__(self, *_: object) -> None:
        log_context.reset(self._before)


@dataclass
class Sum:
    """Requests to one route that ended alike within a second, and the id of the first."""

    first: str
    count: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)


class AccessLog:
    """Writes down how requests ended: method, route, status and time; never an address."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, int | None], Sum] = {}

    def note(self, request: ObservedRequest) -> None:
        """The request as a line of its own, or as one of many."""
        path, method = request.scope["path"], request.scope["method"]
        if request.is_one_of_many:
            self._sum_up(request, (method, path, request.status))
        elif request.status != 200 or path not in PROBES:
            about = {"method": method, "route": request.route, "status": request.status}
            log.info("request", extra={**about, "seconds": round(request.seconds, 4)})

    def _sum_up(self, request: ObservedRequest, key: tuple[str, str, int | None]) -> None:
        if not self._sums:
            asyncio.get_running_loop().call_later(SUM_UP_SECONDS, self.flush)
        if (known := self._sums.get(key)) is None:
            known = self._sums[key] = Sum(request.request_id)
        known.add(request.seconds)

    def flush(self) -> None:
        """A line for each of what was summed up."""
        sums, self._sums = self._sums, {}
        for (method, route, status), known in sums.items():
            about = {"method": method, "route": route, "status": status, "count": known.count}
            seconds = {"seconds": round(known.seconds / known.count, 4), "longest": round(known.longest, 4)}
            log.info("requests", extra={**about, **seconds, "request_id": known.first})
