"""What one user and one host may ask of one API process: so often a minute, and so many at once.

Each process counts for itself and in memory, so N processes allow N times as much: what is protected is the
memory and the loop of a process. What an org may be asked in a day is counted in the database
(`app.api.api_budget`).
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.auth import Principal, current_principal
from app.api.error_handlers import send_problem
from app.api.errors import Problem, TooManyRequests

BEHIND_TOKENS: Final = ("/v1/", "/ops/", "/platform/")
OF_HOST: Final = re.compile(r"/v1/hosts/([^/]+)(/.+)")
OF_EVENT: Final = r"/events/[^/]+/salesforce"
UNCOUNTED: Final = re.compile(r"/v1/imports/.*|.*/stream")
"""They last, and have bounds of their own."""
UNDER_WAY_MAX: Final = 32
"""Requests of one user at once, each with a body of up to 1 MiB that is being read."""
AT_ONCE_SECONDS: Final = 2
"""When to come back if as many are under way as may be."""
BUCKETS_MAX: Final = 20_000

Key = tuple[str, ...]


@dataclass(frozen=True)
class RateAllowance:
    """Requests a minute for one user and for one host, and at once for one host and for all together."""

    kind: str
    requests: re.Pattern[str]
    of_user: int
    of_host: int
    at_once: int
    in_all: int


ALLOWANCES: Final = (
    RateAllowance("export", re.compile(rf"GET {OF_EVENT}/registrations\.csv"), 6, 12, 1, 32),
    RateAllowance("links", re.compile(rf"GET {OF_EVENT}/links\.csv"), 6, 12, 1, 8),
    RateAllowance("rows", re.compile(rf"GET {OF_EVENT}/registrations"), 240, 600, 4, 8),
    RateAllowance("stats", re.compile(rf"GET {OF_EVENT}/(stats|check-ins)"), 240, 600, 4, 12),
    RateAllowance(
        "search", re.compile(rf"GET {OF_EVENT}/campaigns|POST {OF_EVENT}/campaign/validate"), 30, 60, 4, 32
    ),
    RateAllowance(
        "preview",
        re.compile(
            rf"GET {OF_EVENT}/registrations/[^/]+/(preview|dry-run)"
            rf"|POST ({OF_EVENT}|/salesforce)/mapping/(validate|preview)"
            rf"|GET ({OF_EVENT}|/salesforce)/mapping/registrants"
            r"|POST /salesforce/diagnosis"
            r"|GET /salesforce/mapping/(objects/[^/]+/fields|owners)"
        ),
        60,
        120,
        4,
        32,
    ),
    RateAllowance("attempt", re.compile(r"POST /salesforce/connect"), 20, 40, 4, 32),
    RateAllowance("own_user", re.compile(r"POST /salesforce/me/connect"), 10, 120, 4, 32),
    RateAllowance("preflight", re.compile(r"POST /salesforce/preflight"), 6, 12, 2, 16),
    RateAllowance("change", re.compile(r"(POST|PUT|PATCH|DELETE) .+"), 300, 600, 16, 64),
)
"""The first that fits a request."""


class Buckets:
    """What is left of so many a minute, by key; a bucket nobody used for a minute is full."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: dict[Key, tuple[float, float]] = {}

    def seconds_until(self, key: Key, a_minute: int) -> float:
        """Until one may be taken; 0 when it may now."""
        return max(0.0, (1 - self._now(key, a_minute)) * 60 / a_minute)

    def take(self, key: Key, a_minute: int) -> None:
        left = self._now(key, a_minute) - 1
        self._left.pop(key, None)
        self._left[key] = left, self._clock()
        if len(self._left) > BUCKETS_MAX:
            del self._left[next(iter(self._left))]

    def _now(self, key: Key, a_minute: int) -> float:
        left, at = self._left.get(key, (a_minute, self._clock()))
        return min(a_minute, left + (self._clock() - at) * a_minute / 60)


class Allowances:
    """ASGI middleware around the guard, which reads bodies.

    Whoever has no right to a host uses nothing of its allowance.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._buckets = Buckets(clock)
        self._under_way: Counter[Key] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = await _caller(scope)
        if principal is None:
            await self._app(scope, receive, send)
            return
        try:
            bounds = self._taken(scope, principal)
        except TooManyRequests as problem:
            await send_problem(problem, scope, receive, send)
            return
        with self._counted(bounds):
            await self._app(scope, receive, send)

    def _taken(self, scope: Scope, principal: Principal) -> list[Key]:
        """Take one of the user's and of the host's; the answer is what the request counts as under way.

        Raises TooManyRequests.
        """
        bounds: dict[Key, int] = {("user", principal.user_id): UNDER_WAY_MAX}
        found = _allowance_of(scope, principal)
        if found is not None:
            allowance, host_id = found
            bounds |= {(allowance.kind, host_id): allowance.at_once, (allowance.kind,): allowance.in_all}
        for key, most in bounds.items():
            if self._under_way[key] >= most:
                raise _too_many(key[0], AT_ONCE_SECONDS)
        if found is not None:
            self._take(*found, principal.user_id)
        return list(bounds)

    def _take(self, allowance: RateAllowance, host_id: str, user_id: str) -> None:
        a_minute = {
            (allowance.kind, "user", user_id): allowance.of_user,
            (allowance.kind, "host", host_id): allowance.of_host,
        }
        wait = max(self._buckets.seconds_until(key, most) for key, most in a_minute.items())
        if wait > 0:
            raise _too_many(allowance.kind, wait)
        for key, most in a_minute.items():
            self._buckets.take(key, most)

    @contextmanager
    def _counted(self, keys: list[Key]) -> Iterator[None]:
        self._under_way.update(keys)
        try:
            yield
        finally:
            for key in keys:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]


def _too_many(kind: str, seconds: float) -> TooManyRequests:
    return TooManyRequests(reason=kind, headers={"Retry-After": str(ceil(seconds))})


async def _caller(scope: Scope) -> Principal | None:
    """Whose request counts; anybody else gets the route's own answer."""
    if scope["type"] != "http" or not is_counted(scope["path"]):
        return None
    try:
        return await current_principal(Request(scope))
    except Problem:
        return None


def _allowance_of(scope: Scope, principal: Principal) -> tuple[RateAllowance, str] | None:
    match = OF_HOST.fullmatch(scope["path"])
    if match is None or match[1] not in principal.roles:
        return None
    request = f"{scope['method']} {match[2]}"
    found = next((each for each in ALLOWANCES if each.requests.fullmatch(request)), None)
    return (found, match[1]) if found else None


def is_counted(path: str) -> bool:
    """Whether a request to the path may be told that there are too many."""
    return path.startswith(BEHIND_TOKENS) and not UNCOUNTED.fullmatch(path)
