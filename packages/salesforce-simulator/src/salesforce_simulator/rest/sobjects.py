"""Rows one at a time: create, read, update, upsert and delete."""

from typing import Any

from salesforce_simulator import ids, transaction_security, writes
from salesforce_simulator.errors import no_such_column, not_found, refusal
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rest import conditional_requests
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.rights import Render
from salesforce_simulator.soql.executor import renderer
from salesforce_simulator.soql.fields import read
from salesforce_simulator.store import Row

_SPELLED_OUT_SINCE = 46.0


def find_object(org: Org, name: str) -> SObject:
    """The object that a URL names, in any case; raises NOT_FOUND."""
    sobject = org.sobject(name)
    if sobject is None:
        raise not_found()
    return sobject


def create(org: Org, call: RestRequest) -> RestResponse:
    sobject = find_object(org, call.segments[1])
    record_id = writes.create(org, sobject, call.object(), call.write_context())
    return _saved(call, sobject, record_id, status=201)


def _saved(call: RestRequest, sobject: SObject, record_id: str, *, status: int, **more: Any) -> RestResponse:
    body = {"id": record_id, "success": True, "errors": [], **more}
    return RestResponse(status, body, {"Location": f"{call.root}/sobjects/{sobject.name}/{record_id}"})


def get(org: Org, call: RestRequest) -> RestResponse:
    sobject = find_object(org, call.segments[1])
    return _shown(org, call, sobject, writes.existing_row(org, sobject, call.segments[2]))


def _shown(org: Org, call: RestRequest, sobject: SObject, row: Row) -> RestResponse:
    transaction_security.check(org, sobject.name)
    stopped = conditional_requests.check_read(call, sobject.name, row)
    if stopped is not None:
        return stopped
    show = field_renderer(org, call, sobject, call.query.get("fields"))
    return RestResponse(200, show(row), conditional_requests.validator_headers(sobject.name, row))


def field_renderer(org: Org, call: RestRequest, sobject: SObject, names: str | None) -> Render:
    """How to show a row with the fields of a `fields=` parameter, all when there is none.

    Paths such as Account.Name nest. Raises INVALID_FIELD.
    """
    wanted = [name.strip() for name in names.split(",")] if names else list(sobject.described)
    for name in wanted:
        if "." not in name and sobject.find(name) is None:
            raise no_such_column(name, sobject.name)
    if any("." in name for name in wanted):
        return renderer(org, sobject, wanted, version=call.version)
    fields = [field for field in map(sobject.find, wanted) if field is not None]
    return lambda row: _flat(org, call, sobject, row, fields)


def _flat(org: Org, call: RestRequest, sobject: SObject, row: Row, fields: list[Field]) -> dict[str, Any]:
    url = f"{call.root}/sobjects/{sobject.name}/{row['Id']}"
    values = {field.name: read(org, sobject.name, field, row) for field in fields}
    return {"attributes": {"type": sobject.name, "url": url}, **values}


def update(org: Org, call: RestRequest) -> RestResponse:
    sobject = find_object(org, call.segments[1])
    stopped = conditional_requests.check_write(
        call, sobject.name, writes.existing_row(org, sobject, call.segments[2])
    )
    if stopped is not None:
        return stopped
    writes.update(org, sobject, call.segments[2], call.object(), call.write_context())
    return RestResponse(204)


def delete(org: Org, call: RestRequest) -> RestResponse:
    writes.delete(org, find_object(org, call.segments[1]), call.segments[2], call.write_context())
    return RestResponse(204)


def get_by_key(org: Org, call: RestRequest) -> RestResponse:
    sobject, _, rows = _keyed(org, call)
    if len(rows) != 1:
        return _several(call, sobject, rows)
    return _shown(org, call, sobject, rows[0])


def delete_by_key(org: Org, call: RestRequest) -> RestResponse:
    sobject, _, rows = _keyed(org, call)
    if len(rows) != 1:
        return _several(call, sobject, rows)
    writes.delete(org, sobject, rows[0]["Id"], call.write_context())
    return RestResponse(204)


def _several(call: RestRequest, sobject: SObject, rows: list[Row]) -> RestResponse:
    if not rows:
        raise not_found()
    return RestResponse(300, [f"{call.root}/sobjects/{sobject.name}/{row['Id']}" for row in rows])


def _keyed(org: Org, call: RestRequest) -> tuple[SObject, Field, list[Row]]:
    sobject = find_object(org, call.segments[1])
    field = key_field(sobject, call.segments[2])
    return sobject, field, matches(org, sobject, field, call.segments[3])


def key_field(sobject: SObject, name: str) -> Field:
    """A field that upsert may match by: an external id or an idLookup; raises NOT_FOUND."""
    field = sobject.find(name)
    if field is None or not (field.has("X") or field.has("L")):
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise refusal("NOT_FOUND", message, status=404)
    return field


def matches(org: Org, sobject: SObject, field: Field, value: str) -> list[Row]:
    """The live, visible rows that a key names."""
    if field.type == "id":
        row = org.store.get(sobject.name, _normal(value))
        rows = [row] if row is not None and not row["IsDeleted"] else []
    else:
        rows = org.store.find(sobject.name, field.name, value)
    return [row for row in rows if org.is_visible(row)]


def _normal(value: str) -> str:
    try:
        return ids.normalise(value)
    except ids.MalformedId:
        return ""


def upsert(org: Org, call: RestRequest) -> RestResponse:
    sobject, field, rows = _keyed(org, call)
    given = call.object()
    repeated = [name for name in given if name.lower() in {field.name.lower(), "id"}]
    if repeated:
        message = f"The {repeated[0]} field should not be specified in the sobject data."
        raise refusal("INVALID_FIELD", message)
    if len(rows) > 1:
        return _several(call, sobject, rows)
    if rows:
        return _updated(org, call, sobject, rows[0], given)
    if call.query.get("updateOnly", "").lower() == "true" or field.type == "id":
        raise not_found()
    key = {field.name: call.segments[3]}
    record_id = writes.create(org, sobject, {**given, **key}, call.write_context())
    return _saved(call, sobject, record_id, status=201, created=True)


def _updated(org: Org, call: RestRequest, sobject: SObject, row: Row, given: dict[str, Any]) -> RestResponse:
    writes.update(org, sobject, row["Id"], given, call.write_context())
    if float(call.version) < _SPELLED_OUT_SINCE:
        return RestResponse(204)
    return _saved(call, sobject, row["Id"], status=200, created=False)
