"""Parses a complete HTTP response of Salesforce: a body, a rejection, or nothing reliable; and what of the
org's daily API allowance it says is used.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from app.salesforce.error_codes import REDIRECTED
from app.salesforce.errors import ApiError, RequestRejected, ResponseLost, parse_failures

# A gateway's word on a request that may be under way behind it.
_UNCERTAIN: Final = frozenset({408, 420, 499})
_PLAIN_TEXT_CODES: Final = frozenset({b"Bad_OAuth_Token", b"Missing_OAuth_Token", b"Wrong_Org"})
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


def parse_response(status: int, content: bytes) -> Any:
    """The JSON body of a success; None for 204.

    Raises `RequestRejected` for a no, and `ResponseLost` for what is not Salesforce's own word: a 5xx or a
    page of HTML without an error array, a body that is not JSON.
    """
    if status == 204:
        return None
    if 200 <= status < 300:
        try:
            return parse_json(content)
        except ValueError as error:
            raise ResponseLost("the answer is not JSON") from error
    if status >= 400 or status == 300:
        _raise_refusal(status, content)
    raise RequestRejected((ApiError(REDIRECTED, f"HTTP {status}", http_status=status),))


def parse_json(content: bytes) -> Any:
    """The JSON value. Raises ValueError for anything else, NaN and depths beyond Python's own included."""
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _raise_refusal(status: int, content: bytes) -> NoReturn:
    failures = _parse_refusal(status, content)
    if failures:
        raise RequestRejected(tuple(replace(each, is_of_call=True) for each in failures))
    if status >= 500 or status in _UNCERTAIN:
        raise ResponseLost(f"HTTP {status} without a Salesforce error")
    raise RequestRejected(
        (ApiError(f"HTTP_{status}", "an answer without an error code", http_status=status),)
    )


def _parse_refusal(status: int, content: bytes) -> tuple[ApiError, ...]:
    if content.strip() in _PLAIN_TEXT_CODES:
        return (ApiError(content.strip().decode(), "", http_status=status),)
    try:
        return parse_failures(status, parse_json(content))
    except ValueError:
        return ()


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
