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


def parse_limit_info(header: str | None) -> ApiUsage | None:
    """Read `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=…`; None when absent or unreadable.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
    """
    match = _API_USAGE.search(header) if header else None
    return ApiUsage(used=int(match[1]), limit=int(match[2])) if match else None
