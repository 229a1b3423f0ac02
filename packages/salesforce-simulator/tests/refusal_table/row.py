"""What one row of the table of refusals says, and short ways to write one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from support.client import OrgClient

UNKNOWN = "00Q5g00000000zzEAA"
LEAD = {"LastName": "Doe", "Company": "Acme"}


@dataclass(frozen=True)
class Row:
    """One row of the table; `seeds` are put in first, in order, then switches and faults are set."""

    cause: Literal["rule", "fault"]
    status: int
    expected: Any
    request: tuple[str, str, Any] = ("POST", "/sobjects/Lead", LEAD)
    seeds: dict[str, dict[str, Any]] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    arrange: Callable[[OrgClient], Awaitable[None]] | None = None


def refused(error_code: str, message: str) -> list[dict[str, Any]]:
    """An error without `fields`."""
    return [{"message": message, "errorCode": error_code}]


def unsaved(error_code: str, message: str, *fields: str) -> list[dict[str, Any]]:
    """An error about saving: `fields` is there, and may be empty."""
    return [{"message": message, "errorCode": error_code, "fields": list(fields)}]


def create(sobject: str, **fields: Any) -> tuple[str, str, Any]:
    return "POST", f"/sobjects/{sobject}", fields


def update(sobject: str, **fields: Any) -> tuple[str, str, Any]:
    return "PATCH", f"/sobjects/{sobject}/<{sobject}>", fields


def query(soql: str) -> tuple[str, str, Any]:
    return "GET", str(httpx.URL("/query", params={"q": soql})), None


def asked(status: int, error_code: str, message: str) -> Row:
    """A fault with a JSON body."""
    rule = {"kind": "error", "status": status, "error_code": error_code, "message": message}
    return Row("fault", status, refused(error_code, message), fault=rule)


def met(error_code: str, message: str) -> Row:
    """A fault that meets the row as it is saved."""
    rule = {"kind": "row_error", "status": 400, "error_code": error_code, "message": message}
    return Row("fault", 400, unsaved(error_code, message), fault=rule)
