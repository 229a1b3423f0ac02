"""Conditional requests on rows: dates on every object, entity tags on Account alone.

REST API Developer Guide, "Conditional Request Headers"; DELETE takes none of them.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from salesforce_simulator.clock import parse_datetime
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.store import Row


def check_read(call: RestRequest, sobject: str, row: Row) -> RestResponse | None:
    """304 for a row that the client has already, 412 for one that is not as it expects; else None."""
    since = _moment(call.headers.get("if-modified-since"))
    is_known = since is not None and _changed_at(row) <= since
    tags = call.headers.get("if-none-match", "")
    if is_known or _has_tag(tags, sobject, row):
        return RestResponse(304, None, validator_headers(sobject, row))
    return check_write(call, sobject, row)


def check_write(call: RestRequest, sobject: str, row: Row) -> RestResponse | None:
    """412 for a row that changed since, or that has another tag; else None."""
    since = _moment(call.headers.get("if-unmodified-since"))
    is_changed = since is not None and _changed_at(row) > since
    tags = call.headers.get("if-match", "")
    is_other = bool(tags) and sobject == "Account" and not _has_tag(tags, sobject, row)
    return RestResponse(412) if is_changed or is_other else None


def validator_headers(sobject: str, row: Row) -> Mapping[str, str]:
    """The headers that let a client ask conditionally later."""
    dated = {"Last-Modified": format_datetime(_changed_at(row), usegmt=True)}
    return {**dated, "ETag": _tag(row)} if sobject == "Account" else dated


def _changed_at(row: Row) -> datetime:
    return parse_datetime(row["SystemModstamp"]).replace(microsecond=0)


def _tag(row: Row) -> str:
    return f'"{zlib.crc32(repr(sorted(row.items(), key=str)).encode()):08x}"'


def _has_tag(tags: str, sobject: str, row: Row) -> bool:
    return sobject == "Account" and _tag(row) in [tag.strip() for tag in tags.split(",")]


def _moment(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
