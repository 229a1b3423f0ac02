"""Composite requests: builders for what goes in, readers for what comes out. Nothing here sends."""

import itertools
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import quote

from app.salesforce.errors import (
    ApiError,
    BrokenOff,
    ErrorClass,
    RequestRejected,
    ResponseLost,
    parse_failures,
)
from app.salesforce.ids import MalformedId, to18
from app.salesforce.value_class import value_class

# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
MAX_SUBREQUESTS: Final = 25
MAX_QUERIES_AND_COLLECTIONS: Final = 5
# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
MAX_ROWS: Final = 200
MAX_TYPE_CHUNKS: Final = 10

RECORD_ABSENT: Final = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INSUFFICIENT_ACCESS_OR_READONLY"})
"""What the reading of one record is refused with where it is gone, or hidden."""

# Without it the org's lead assignment rules run on every update and may take the record from its owner:
# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_autoassign.htm
NO_ASSIGNMENT: Final = {"Sforce-Auto-Assign": "FALSE"}
# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_duplicaterules.htm
ALLOW_ALERTS: Final = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}

# https://www.rfc-editor.org/rfc/rfc3986#section-2.3
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")
_quoted: Final = lru_cache(256)(partial(quote, safe=""))
_REFERENCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,99}")
_SOBJECT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_QUERY_OR_COLLECTION: Final = re.compile(
    r"/services/data/v[0-9.]+/(?:query|queryAll|composite/sobjects)(?:[/?]|$)"
)
_NEXT_PAGE: Final = re.compile(r"/services/data/v[0-9.]+/query(?:All)?/[\w-]+", re.ASCII)


@dataclass(frozen=True)
class Subrequest:
    """One request inside a composite; `url` is an absolute path with the API version."""

    method: str
    url: str
    reference_id: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class SubResponse:
    """What one subrequest brought back; `failures` is empty exactly when it succeeded."""

    reference_id: str
    status: int
    body: Any
    failures: tuple[ApiError, ...] = ()


@value_class(frozen=True)
class Record:
    """One row to write: its object, its fields, and its id when it stands already."""

    sobject: str
    fields: Mapping[str, Any]
    id: str | None = None


def has_reference_text(fields: Mapping[str, Any]) -> bool:
    """Whether Salesforce would take a text of these fields for a reference (`@{part0.id}`) in a composite.

    Nothing escapes it there: such a record must travel outside of composites.
    """
    return "@{" in "\n".join([value for value in fields.values() if isinstance(value, str)])


@value_class(frozen=True)
class RowResult:
    """What became of one row of a collection; `id` has 18 characters."""

    id: str | None
    failures: tuple[ApiError, ...] = ()

    @property
    def is_success(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class QueryPage:
    """One page of records; `next_url` is a path on the instance, None on the last page.

    `total` counts the records of all pages, where the answer says so.
    """

    records: list[dict[str, Any]]
    next_url: str | None
    total: int | None = field(default=None, compare=False)


@lru_cache
def api_path(api_version: str) -> str:
    """`/services/data/v62.0` for `62.0` or `v62.0`."""
    return f"/services/data/v{api_version.removeprefix('v')}"


def sobject_path(api_version: str, sobject: str) -> str:
    """The path of an object. Raises ValueError when it is not an API name."""
    if not _SOBJECT.fullmatch(sobject):
        raise ValueError(f"not an object's API name: {sobject[:80]!r}")
    return f"{api_path(api_version)}/sobjects/{sobject}"


def query_path(soql: str, *, api_version: str, include_deleted: bool = False) -> str:
    """The path of a SOQL query; `queryAll` also sees the recycle bin and archived activities."""
    resource = "queryAll" if include_deleted else "query"
    return f"{api_path(api_version)}/{resource}?q={_percent_encoded(soql)}"


def query_request(
    reference_id: str, soql: str, *, api_version: str, include_deleted: bool = False
) -> Subrequest:
    """A query; inside a composite it may be as long as SOQL allows (100,000 characters)."""
    url = query_path(soql, api_version=api_version, include_deleted=include_deleted)
    return Subrequest("GET", url, reference_id)


def read_request(
    reference_id: str,
    sobject: str,
    id: str,  # noqa: A002 - Salesforce's own word
    fields: Sequence[str],
    *,
    api_version: str,
) -> Subrequest:
    """These fields of one record, which inside a composite is no query. Raises `MalformedId`."""
    url = f"{sobject_path(api_version, sobject)}/{to18(id)}?fields={_percent_encoded(','.join(fields))}"
    return Subrequest("GET", url, reference_id)


def create_request(
    reference_id: str,
    sobject: str,
    fields: Mapping[str, Any],
    *,
    api_version: str,
    headers: Mapping[str, str] | None = None,
) -> Subrequest:
    """A single create, whose refusal by a duplicate rule names the matching records."""
    return Subrequest("POST", sobject_path(api_version, sobject), reference_id, fields, headers)


def update_request(
    reference_id: str,
    sobject: str,
    id: str,  # noqa: A002 - Salesforce's own word
    fields: Mapping[str, Any],
    *,
    api_version: str,
) -> Subrequest:
    """A single update that runs no assignment rules. Raises `MalformedId`."""
    url = f"{sobject_path(api_version, sobject)}/{to18(id)}"
    return Subrequest("PATCH", url, reference_id, fields, NO_ASSIGNMENT)


def collection_create(
    reference_id: str,
    records: Sequence[Record],
    *,
    api_version: str,
    headers: Mapping[str, str] | None = None,
) -> Subrequest:
    """Up to 200 creates, each row succeeding or failing by itself. Raises ValueError beyond the caps."""
    rows = [{"attributes": {"type": record.sobject}, **record.fields} for record in _checked(records)]
    return _collection("POST", reference_id, rows, api_version=api_version, headers=headers)


def collection_update(
    reference_id: str,
    records: Sequence[Record],
    *,
    api_version: str,
    headers: Mapping[str, str] | None = None,
) -> Subrequest:
    """Up to 200 updates that run no assignment rules. Raises ValueError beyond the caps or without an id."""
    rows = [
        {"attributes": {"type": record.sobject}, "id": to18(record.id or ""), **record.fields}
        for record in _checked(records)
    ]
    all_headers = {**NO_ASSIGNMENT, **(headers or {})}
    return _collection("PATCH", reference_id, rows, api_version=api_version, headers=all_headers)


def group_into_composites(collections: Sequence[Subrequest]) -> list[list[Subrequest]]:
    """The subrequests in as few composites as the caps allow, in order."""
    composites: list[list[Subrequest]] = []
    for subrequest in collections:
        if not composites or not _fits([*composites[-1], subrequest]):
            composites.append([])
        composites[-1].append(subrequest)
    return composites


def composite_body(requests: Sequence[Subrequest]) -> dict[str, Any]:
    """The body of a composite. Raises ValueError beyond the caps or for unusable or repeated reference ids.

    Subrequests are never collated: collation reorders, and collated ones lose their own headers.
    """
    if not requests or not _fits(requests):
        raise ValueError("a composite takes 1 to 25 subrequests, up to 5 of them queries or collections")
    reference_ids = [request.reference_id for request in requests]
    if len(set(reference_ids)) < len(reference_ids) or not all(map(_REFERENCE_ID.fullmatch, reference_ids)):
        raise ValueError("reference ids must be unique and made of letters, digits and underscores")
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [_wire_form(request) for request in requests],
    }


def only_reads(body: Mapping[str, Any] | None) -> bool:
    """Whether this is the body of a composite that changes nothing."""
    requests = (body or {}).get("compositeRequest") or []
    return bool(requests) and all(each["method"] == "GET" for each in requests)


def parse_composite(body: object, requests: Sequence[Subrequest]) -> list[SubResponse]:
    """The answers in the order of the requests. Raises `ResponseLost` when one is missing or unreadable."""
    entries = body.get("compositeResponse") if isinstance(body, dict) else None
    if not isinstance(entries, list) or len(entries) != len(requests):
        raise ResponseLost("the composite answer does not hold one entry per subrequest")
    answers = {answer.reference_id: answer for answer in map(_parse_entry, entries)}
    try:
        return [answers[request.reference_id] for request in requests]
    except KeyError as error:
        raise ResponseLost(f"the composite answer lacks {error}") from error


def parse_query(answer: SubResponse) -> QueryPage:
    """The records of a query. Raises `RequestRejected` or `ResponseLost`, and neither means "not found"."""
    _raise_failures(answer, is_write=False)
    return parse_page(answer.body)


def parse_record(answer: SubResponse) -> QueryPage:
    """The record that was read; none where it is gone or not to be seen. Raises as `parse_query` does."""
    if answer.failures and answer.failures[0].error_code in RECORD_ABSENT:
        return QueryPage([], None)
    _raise_failures(answer, is_write=False)
    if not isinstance(answer.body, dict):
        raise ResponseLost("the answer is not a record")
    return QueryPage([answer.body], None)


def parse_page(body: object) -> QueryPage:
    """One page of a query's answer. Raises `ResponseLost` when it is not one."""
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(records, list) or not all(_is_dict(r) for r in records):
        raise ResponseLost("the answer is not a page of records")
    next_url, total = body.get("nextRecordsUrl"), body.get("totalSize")
    counted = total if isinstance(total, int) else None
    if body.get("done") is True:
        return QueryPage(records, None, counted)
    if not isinstance(next_url, str) or not _NEXT_PAGE.fullmatch(next_url):
        raise ResponseLost("the answer is not the last page, but names no next one")
    return QueryPage(records, next_url, counted)


def parse_written(answer: SubResponse, known_id: str | None) -> str:
    """The id of a single create, or `known_id` of a single update. Raises `RequestRejected` or
    `ResponseLost`.
    """
    _raise_failures(answer, is_write=True)
    return parse_id(answer.body) if known_id is None else known_id


def parse_id(body: object) -> str:
    """The id in the answer to a single create. Raises `ResponseLost` when there is none."""
    row = _parse_row(body)
    if row.failures:
        raise RequestRejected(row.failures)
    return row.id or ""


def parse_collection(answer: SubResponse, expected: int) -> list[RowResult]:
    """What became of each row, in the order they were sent.

    Raises `RequestRejected` when the collection failed as a whole, and `ResponseLost` when the answer does
    not say what became of each of the `expected` rows: then every row may be applied.
    """
    _raise_failures(answer, is_write=True)
    if not isinstance(answer.body, list) or len(answer.body) != expected:
        raise ResponseLost(f"the answer does not hold {expected} rows")
    return [_parse_row(row) for row in answer.body]


def _parse_row(row: object) -> RowResult:
    if not isinstance(row, dict) or not isinstance(row.get("success"), bool):
        raise ResponseLost("a row does not say whether it succeeded")
    id_ = _id_in(row.get("id"))
    if row["success"]:
        if id_ is None:
            raise ResponseLost("a written row carries no id")
        return RowResult(id_)
    failures = parse_failures(None, row)
    if not failures:
        raise ResponseLost("a refused row carries no error")
    return RowResult(id_, failures)


def _id_in(value: object) -> str | None:
    try:
        return to18(value) if isinstance(value, str) else None
    except MalformedId:
        return None


def _parse_entry(entry: object) -> SubResponse:
    if not isinstance(entry, dict):
        raise ResponseLost("an entry of the composite answer is not an object")
    status, reference_id, body = entry.get("httpStatusCode"), entry.get("referenceId"), entry.get("body")
    if type(status) is not int or not isinstance(reference_id, str):
        raise ResponseLost("an entry of the composite answer has no status or no reference id")
    if status < 300 or status == 304:
        return SubResponse(reference_id, status, body)
    unnamed = (ApiError(f"HTTP_{status}", "an answer without an error code", http_status=status),)
    return SubResponse(reference_id, status, body, parse_failures(status, body) or unnamed)


def _raise_failures(answer: SubResponse, *, is_write: bool) -> None:
    if not answer.failures:
        return
    if answer.failures[0].error_class is ErrorClass.AMBIGUOUS:
        raise ResponseLost(f"{answer.failures[0].error_code} inside a composite, without a Salesforce error")
    if is_write and answer.failures[0].may_be_kept:
        raise BrokenOff(answer.failures)
    raise RequestRejected(answer.failures)


def _checked(records: Sequence[Record]) -> Sequence[Record]:
    if not 1 <= len(records) <= MAX_ROWS or _type_chunks(records) > MAX_TYPE_CHUNKS:
        raise ValueError(
            f"a collection takes 1 to {MAX_ROWS} rows in at most {MAX_TYPE_CHUNKS} runs of one type"
        )
    return records


def _type_chunks(records: Sequence[Record]) -> int:
    return sum(1 for _ in itertools.groupby(records, key=lambda each: each.sobject))


def _fits(requests: Sequence[Subrequest]) -> bool:
    capped = sum(1 for request in requests if _QUERY_OR_COLLECTION.match(request.url))
    return len(requests) <= MAX_SUBREQUESTS and capped <= MAX_QUERIES_AND_COLLECTIONS


def _collection(
    method: str,
    reference_id: str,
    rows: list[dict[str, Any]],
    *,
    api_version: str,
    headers: Mapping[str, str] | None,
) -> Subrequest:
    body = {"allOrNone": False, "records": rows}
    return Subrequest(method, f"{api_path(api_version)}/composite/sobjects", reference_id, body, headers)


def _wire_form(request: Subrequest) -> dict[str, Any]:
    form: dict[str, Any] = {"method": request.method, "url": request.url, "referenceId": request.reference_id}
    if request.body is not None:
        form["body"] = dict(request.body)
    if request.headers:
        form["httpHeaders"] = dict(request.headers)
    return form


def _percent_encoded(text: str) -> str:
    """As `quote` has it with nothing safe, which looks at each character: a query may have 100,000."""
    for char in sorted(set(text) - _UNRESERVED, key=lambda char: char != "%"):
        text = text.replace(char, _quoted(char))
    return text


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)
