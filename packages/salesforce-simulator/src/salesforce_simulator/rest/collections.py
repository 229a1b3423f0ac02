"""Up to 200 rows in one request, each with its own result."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from typing import Any

from salesforce_simulator import writes
from salesforce_simulator.errors import ErrorItem, SalesforceError, refusal, save_refusal
from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.rest.sobjects import field_renderer, find_object, key_field, matches
from salesforce_simulator.translations import translate
from salesforce_simulator.write_context import WriteContext

MAX_ROWS = 200
MAX_RETRIEVED = 2000
MAX_CHUNKS = 10

_ROLLED_BACK = ErrorItem(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    (),
)

Result = dict[str, Any]


class _NotAllValid(Exception):
    """One row failed and none may stay."""


def create(org: Org, call: RestRequest) -> RestResponse:
    write = _write(call)

    def one(given: dict[str, Any]) -> Result:
        return _saved(writes.create(org, _object_of(org, given), _fields(given), write))

    return _each(org, call, one)


def update(org: Org, call: RestRequest) -> RestResponse:
    write = _write(call)

    def one(given: dict[str, Any]) -> Result:
        sobject = _object_of(org, given)
        record_id = _own_id(given)
        if not record_id:
            raise save_refusal("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
        if org.schema.of_id(record_id) not in {sobject.name, None}:
            message = f"{sobject.label} ID: id value of incorrect type: {record_id}"
            raise save_refusal("MALFORMED_ID", message, "Id")
        writes.update(org, sobject, record_id, _fields(given), write)
        return _saved(record_id)

    return _each(org, call, one)


def upsert(org: Org, call: RestRequest) -> RestResponse:
    sobject = find_object(org, call.segments[2])
    field = key_field(sobject, call.segments[3])
    write = _write(call)

    def one(given: dict[str, Any]) -> Result:
        value = next((v for name, v in given.items() if name.lower() == field.name.lower()), None)
        fields = {n: v for n, v in _fields(given).items() if n.lower() != field.name.lower()}
        rows = matches(org, sobject, field, str(value)) if value else []
        if len(rows) > 1:
            message = f"{field.name}: more than one record found for external id field"
            raise save_refusal("DUPLICATE_EXTERNAL_ID", message)
        if rows:
            writes.update(org, sobject, rows[0]["Id"], fields, write)
            return {**_saved(rows[0]["Id"]), "created": False}
        if field.type == "id" and value:
            raise save_refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        key = {} if field.type == "id" else {field.name: value}
        return {**_saved(writes.create(org, sobject, {**fields, **key}, write)), "created": True}

    return _each(org, call, one)


def delete(org: Org, call: RestRequest) -> RestResponse:
    record_ids = [i for i in call.query.get("ids", "").split(",") if i]
    _check_size(org, record_ids, MAX_ROWS)
    write = call.write_context()

    def one(given: dict[str, Any]) -> Result:
        name = org.schema.of_id(given["id"])
        if name is None:
            raise save_refusal("MALFORMED_ID", f"malformed id {given['id']}", "Id")
        writes.delete(org, org.schema.objects[name], given["id"], write)
        return _saved(given["id"])

    all_or_none = call.query.get("allOrNone", "").lower() == "true"
    return RestResponse(200, _results(org, [{"id": i} for i in record_ids], one, all_or_none=all_or_none))


def retrieve(org: Org, call: RestRequest) -> RestResponse:
    """Rows by id in the order asked; null for what is not there."""
    sobject = find_object(org, call.segments[2])
    asked = call.object() if call.method == "POST" else call.query
    record_ids = _names(asked.get("ids"))
    _check_size(org, record_ids, MAX_RETRIEVED)
    names = ",".join(_names(asked.get("fields")))
    if not names:
        raise refusal("MISSING_ARGUMENT", "The fields parameter is required")
    show = field_renderer(org, call, sobject, names)
    found = (_found(org, sobject, record_id) for record_id in record_ids)
    return RestResponse(200, [show(row) if row else None for row in found])


def _found(org: Org, sobject: SObject, record_id: str) -> dict[str, Any] | None:
    try:
        return writes.existing_row(org, sobject, record_id)
    except SalesforceError:
        return None


def _names(value: Any) -> list[str]:
    return [part for part in value.split(",") if part] if isinstance(value, str) else list(value or ())


def _each(org: Org, call: RestRequest, one: Callable[[dict[str, Any]], Result]) -> RestResponse:
    body = call.object()
    rows = body.get("records")
    if not isinstance(rows, list):
        rows = []
    _check_size(org, rows, MAX_ROWS)
    kinds = [_kind(row) for row in rows]
    if len([kind for kind, _ in groupby(kinds)]) > MAX_CHUNKS:
        code = org.config.too_many_parts_code
        raise refusal(code, f"Cannot have more than {MAX_CHUNKS} chunks in a single operation")
    results = _results(org, rows, one, all_or_none=body.get("allOrNone") is True)
    has_success = any(result["success"] for result in results)
    return RestResponse(200 if has_success else org.config.all_rows_failed_status, results)


def _write(call: RestRequest) -> WriteContext:
    """The headers that the rows obey, and how many rows of each object share the call."""
    body = call.json()
    rows = body.get("records") if isinstance(body, dict) else None
    return replace(call.write_context(), rows=Counter(map(_kind, rows if isinstance(rows, list) else ())))


def _kind(given: dict[str, Any]) -> str:
    return str((given.get("attributes") or {}).get("type"))


def _check_size(org: Org, rows: list[Any], limit: int) -> None:
    if not rows:
        raise refusal("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(rows) > limit:
        message = f"record limit reached. cannot submit more than {limit} records into this call"
        raise refusal(org.config.too_many_parts_code, message)


def _results(
    org: Org, rows: list[Any], one: Callable[[dict[str, Any]], Result], *, all_or_none: bool
) -> list[Result]:
    results: list[Result] = []
    try:
        with org.store.savepoint():
            results += [_save_row(org, row, one) for row in rows]
            if all_or_none and not all(result["success"] for result in results):
                raise _NotAllValid
    except _NotAllValid:
        return [_rolled_back(org, result) for result in results]
    return results


def _save_row(org: Org, row: dict[str, Any], one: Callable[[dict[str, Any]], Result]) -> Result:
    try:
        return one(row)
    except SalesforceError as error:
        known = _own_id(row)
        failed = _failed(org, *error.items)
        return {"id": known, **failed} if known else failed


def _failed(org: Org, *items: ErrorItem) -> Result:
    errors = [translate(item, org.config.user_language).as_row() for item in items]
    return {"success": False, "errors": errors}


def _rolled_back(org: Org, result: Result) -> Result:
    return _failed(org, _ROLLED_BACK) if result["success"] else result


def _saved(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


def _object_of(org: Org, given: dict[str, Any]) -> SObject:
    name = (given.get("attributes") or {}).get("type")
    sobject = org.sobject(str(name)) if name else None
    if sobject is None:
        raise refusal("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return sobject


def _own_id(given: dict[str, Any]) -> str | None:
    return next((str(value) for name, value in given.items() if name.lower() == "id" and value), None)


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name.lower() not in {"attributes", "id"}}
