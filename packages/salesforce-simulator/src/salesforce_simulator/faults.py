"""Faults on demand: which request meets which fault, by count or by seed."""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from salesforce_simulator.errors import SalesforceError, save_refusal
from salesforce_simulator.http import Request

Kind = Literal[
    "latency",
    "error",
    "html",
    "empty",
    "slow_drip",
    "reset_before_write",
    "reset_after_write",
    "truncate",
    "late_apply",
    "hang",
    "row_error",
]

# Kinds that make sense only for a request that writes.
_WRITES_ONLY = frozenset({"reset_before_write", "reset_after_write", "late_apply"})
_READING = re.compile(rb'"method"\s*:\s*"(POST|PATCH|PUT|DELETE)"', re.IGNORECASE)


class Match(BaseModel):
    """Which requests a fault may meet; absent conditions match all, `path` and `body` are searched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str | None = None
    path: str | None = None
    sobject: str | None = None
    body: str | None = None
    is_write: bool | None = None


class Fault(BaseModel):
    """One rule. Fires `count` times (for ever when None) after `skip` matches, each with `probability`.

    Of what `is_applied`, `kept` is the number of a composite's parts, or of a collection's rows, that are;
    absent, all are. Until a late write that `holds_values` lands, other rows with its unique values cannot be
    locked, as while a database waits for whoever wrote them first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    match: Match = Match()
    status: int = Field(default=503, ge=400, le=599)
    error_code: str = "SERVER_UNAVAILABLE"
    message: str = "Server Unavailable"
    fields: tuple[str, ...] = ()
    body: str = "<html><body><h1>503 Service Unavailable</h1></body></html>"
    is_applied: bool = False
    kept: int | None = Field(default=None, ge=0)
    holds_values: bool = False
    seconds: float = Field(default=1.0, ge=0)
    count: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0


@dataclass
class ActiveFault:
    fault: Fault
    chance: random.Random
    seen: int = 0
    fired: int = 0

    def fires(self) -> bool:
        self.seen += 1
        is_spent = self.fault.count is not None and self.fired >= self.fault.count
        if is_spent or self.seen <= self.fault.skip or self.chance.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


@dataclass
class Faults:
    """The armed rules in order; the first that matches and fires wins."""

    _active: list[ActiveFault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        # Reproducible chance, not secrecy.
        self._active.append(ActiveFault(fault, random.Random(fault.seed)))  # noqa: S311

    def clear(self) -> None:
        self._active.clear()

    def shown(self) -> list[dict[str, Any]]:
        """The rules as given, with how often each matched and fired."""
        return [{**a.fault.model_dump(mode="json"), "seen": a.seen, "fired": a.fired} for a in self._active]

    def match(self, request: Request) -> Fault | None:
        """The fault that this request meets, if any."""
        for active in self._active:
            fault = active.fault
            if fault.kind != "row_error" and _matches(fault, request) and active.fires():
                return fault
        return None

    def raise_row_error(self, sobject: str, changes: Mapping[str, Any]) -> None:
        """Raise the error that a write of one row of this object meets, if any."""
        for active in self._active:
            fault = active.fault
            if fault.kind == "row_error" and _matches_row(fault.match, sobject, changes) and active.fires():
                raise row_error(fault)


def row_error(fault: Fault) -> SalesforceError:
    return save_refusal(fault.error_code, fault.message, *fault.fields, status=min(fault.status, 499))


def is_write(request: Request) -> bool:
    """Whether a request can change rows: a composite only when one of its parts does."""
    if request.method in {"GET", "HEAD"}:
        return False
    if request.path.rstrip("/").endswith(("/composite", "/composite/batch")):
        return _READING.search(request.body) is not None
    return True


def beginning_of(request: Request, kept: int) -> Request:
    """The same request with the first parts of its composite, or the first rows of its collection, alone."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return request
    lists = [name for name in ("compositeRequest", "records") if isinstance(body, dict) and name in body]
    return replace(request, body=json.dumps({**body, **{name: body[name][:kept] for name in lists}}).encode())


def _matches(fault: Fault, request: Request) -> bool:
    match = fault.match
    wants_write = True if fault.kind in _WRITES_ONLY and match.is_write is None else match.is_write
    return (
        (match.method is None or match.method.upper() == request.method)
        and (match.path is None or re.search(match.path, request.path) is not None)
        and (match.body is None or re.search(match.body.encode(), request.body) is not None)
        and (match.sobject is None or _names(request, match.sobject))
        and (wants_write is None or wants_write == is_write(request))
    )


def _matches_row(match: Match, sobject: str, changes: Mapping[str, Any]) -> bool:
    """`body` is searched in what is written of the row alone."""
    text = json.dumps(dict(changes), default=str)
    is_named = match.sobject in {None, sobject}
    return is_named and (match.body is None or re.search(match.body, text) is not None)


def _names(request: Request, sobject: str) -> bool:
    """Whether a request is about an object: in its path, a row's type, a packed URL or a query."""
    name = re.escape(sobject)
    text = request.path.encode() + b" " + request.query_text.encode() + b" " + request.body
    pattern = rf'/sobjects/{name}(?![A-Za-z_])|"type"\s*:\s*"{name}"|FROM(?:\s|\+|%20)+{name}(?![A-Za-z_])'
    return re.search(pattern.encode(), text, re.IGNORECASE) is not None
