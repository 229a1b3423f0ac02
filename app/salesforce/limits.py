"""How much of an org's daily API allowance is used, as Salesforce reports it."""

import re
from dataclasses import dataclass
from typing import Final

_API_USAGE: Final = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,12})/(\d{1,12})(?!\d)")


@dataclass(frozen=True)
class ApiUsage:
    """API requests of the whole org in the rolling 24 hours; both are counts of requests."""

    used: int
    limit: int


@dataclass(frozen=True)
class OrgLimit:
    """One entry of `/limits`: the maximum and what remains of it, in that entry's own unit."""

    max: int
    remaining: int


def parse_limit_info(header: str | None) -> ApiUsage | None:
    """Read `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=…`; None when absent or unreadable.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
    """
    match = _API_USAGE.search(header) if header else None
    return ApiUsage(used=int(match[1]), limit=int(match[2])) if match else None


def parse_limits(body: object) -> dict[str, OrgLimit]:
    """Read the answer of `/limits`; entries of another shape are left out."""
    if not isinstance(body, dict):
        return {}
    return {str(name): _allowance(entry) for name, entry in body.items() if _is_allowance(entry)}


def _is_allowance(entry: object) -> bool:
    return isinstance(entry, dict) and all(type(entry.get(key)) is int for key in ("Max", "Remaining"))


def _allowance(entry: dict[str, int]) -> OrgLimit:
    return OrgLimit(max=entry["Max"], remaining=entry["Remaining"])
