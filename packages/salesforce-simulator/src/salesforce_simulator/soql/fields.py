"""Names in a query bound to the fields of an org, and read from rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org
from salesforce_simulator.soql import ast, errors
from salesforce_simulator.soql.computed_fields import DERIVED
from salesforce_simulator.store import Row

# What a polymorphic relationship such as Owner or Who shows of whatever it points to.
_NAME_FIELDS = (
    "Id",
    "Name",
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Title",
    "Alias",
    "Username",
    "IsActive",
)
NAME_TYPE = Field("Type", "picklist", 40, "Type")
_MAX_DEPTH = 5

Reader = Callable[[Row], Any]


@dataclass(frozen=True)
class BoundField:
    """A path: the reference fields to follow from `root`, then a field."""

    root: SObject
    steps: tuple[Field, ...]
    field: Field
    target: SObject
    name: ast.Name


def bind(org: Org, query: ast.Query, sobject: SObject, name: ast.Name) -> BoundField:
    """Resolve a path against an object, any case; raises INVALID_FIELD."""
    parts = name.text.split(".")
    if len(parts) > 1 and parts[0].lower() in {(query.alias or "").lower(), sobject.name.lower()}:
        parts = parts[1:]
    steps: list[Field] = []
    target = sobject
    for part in parts[:-1]:
        reference = target.relationship(part) if len(steps) < _MAX_DEPTH else None
        if reference is None or not any(each in org.schema.objects for each in reference.reference_to):
            raise errors.no_such_relationship(query.text, name.position, part)
        steps.append(reference)
        target = _target(org, reference)
    field = target.find(parts[-1])
    if field is None:
        raise errors.no_such_column(query.text, name.position, parts[-1], entity=target.name)
    return BoundField(sobject, tuple(steps), field, target, name)


def _target(org: Org, reference: Field) -> SObject:
    if len(reference.reference_to) == 1:
        return org.schema.objects[reference.reference_to[0]]
    candidates = [org.schema.objects[name] for name in reference.reference_to if name in org.schema.objects]
    fields = {
        f.name: f for candidate in candidates for f in candidate.fields.values() if f.name in _NAME_FIELDS
    }
    return SObject("Name", "", "Name", "Names", fields | {"Type": NAME_TYPE})


def follow(org: Org, reference: Field, row: Row) -> tuple[str, Row] | None:
    """The object and row that a reference field of a row points to."""
    record_id = row.get(reference.name)
    name = org.schema.of_id(record_id) if record_id else None
    found = org.store.get(name, record_id) if name else None
    return (name, found) if name and found else None


def read(org: Org, sobject: str, field: Field, row: Row) -> Any:
    """A field of a row, derived ones too."""
    derived = DERIVED.get((sobject, field.name))
    if derived is not None:
        return derived(org, row)
    value = row.get(field.name)
    return False if value is None and field.type == "boolean" else value


def reader(org: Org, bound: BoundField) -> Reader:
    """A function from a root row to the value at the end of the path; null on a missing parent."""
    if not bound.steps:
        name = bound.root.name
        if (name, bound.field.name) in DERIVED or bound.field.type == "boolean":
            return lambda row: read(org, name, bound.field, row)
        key = bound.field.name
        return lambda row: row.get(key)
    return lambda row: _walk(org, bound, row)


def _walk(org: Org, bound: BoundField, row: Row) -> Any:
    name = bound.root.name
    for reference in bound.steps:
        found = follow(org, reference, row)
        if found is None:
            return False if bound.field.type == "boolean" else None
        name, row = found
    return name if bound.field is NAME_TYPE else read(org, name, bound.field, row)
