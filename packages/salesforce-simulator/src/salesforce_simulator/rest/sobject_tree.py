"""Trees of rows with their children, created all or none."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from salesforce_simulator import writes
from salesforce_simulator.errors import SalesforceError, json_parser_error, refusal
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.rest.sobjects import find_object
from salesforce_simulator.translations import translate
from salesforce_simulator.write_context import WriteContext

MAX_ROWS = 200
MAX_DEPTH = 5


class _HasErrors(Exception):
    """At least one row of the tree was refused."""


@dataclass(frozen=True)
class _Node:
    sobject: SObject
    reference: str
    values: dict[str, Any]
    children: tuple[tuple[Field, "_Node"], ...]

    def walk(self) -> Iterator["_Node"]:
        yield self
        for _, child in self.children:
            yield from child.walk()


def create(org: Org, call: RestRequest) -> RestResponse:
    records = call.object().get("records")
    if not isinstance(records, list) or not records:
        raise json_parser_error("Required field missing: records")
    sobject = find_object(org, call.segments[2])
    nodes = [_node(org, sobject, given, depth=1) for given in records]
    counted = Counter(each.sobject.name for node in nodes for each in node.walk())
    if counted.total() > MAX_ROWS:
        raise refusal(org.config.too_many_parts_code, f"A tree holds at most {MAX_ROWS} records.")
    results: list[dict[str, Any]] = []
    write = replace(call.write_context(), rows=counted)
    try:
        with org.store.savepoint():
            for node in nodes:
                _insert(org, write, node, {}, results)
            if any("errors" in result for result in results):
                raise _HasErrors
    except _HasErrors:
        return RestResponse(400, {"hasErrors": True, "results": [r for r in results if "errors" in r]})
    return RestResponse(201, {"hasErrors": False, "results": results})


def _node(org: Org, sobject: SObject, given: dict[str, Any], *, depth: int) -> _Node:
    if depth > MAX_DEPTH:
        raise refusal(org.config.too_many_parts_code, f"A tree is at most {MAX_DEPTH} levels deep.")
    reference = str((given.get("attributes") or {}).get("referenceId", ""))
    links = {c.field.child_name: c for c in org.schema.children[sobject.name] if c.field.child_name}
    children: list[tuple[Field, _Node]] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        link = links.get(name)
        if link is not None and isinstance(value, dict):
            target = org.schema.objects[link.sobject]
            inner = value.get("records") or []
            children += [(link.field, _node(org, target, child, depth=depth + 1)) for child in inner]
        else:
            values[name] = value
    return _Node(sobject, reference, values, tuple(children))


def _insert(
    org: Org, write: WriteContext, node: _Node, parent: dict[str, str], results: list[dict[str, Any]]
) -> None:
    try:
        record_id = writes.create(org, node.sobject, {**node.values, **parent}, write)
    except SalesforceError as error:
        errors = [translate(item, org.config.user_language).as_row() for item in error.items]
        results.append({"referenceId": node.reference, "errors": errors})
        return
    results.append({"referenceId": node.reference, "id": record_id})
    for field, child in node.children:
        _insert(org, write, child, {field.name: record_id}, results)
