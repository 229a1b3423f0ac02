"""Queries answered: rows found, ordered, cut, and rendered as the REST API shows them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from salesforce_simulator import transaction_security
from salesforce_simulator.errors import SalesforceError, refusal
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rights import Render
from salesforce_simulator.soql import access, ast, errors
from salesforce_simulator.soql.aggregates import aggregate, is_aggregate
from salesforce_simulator.soql.alike import parse_alike
from salesforce_simulator.soql.archive import archived
from salesforce_simulator.soql.fields import BoundField, bind, follow, read, reader
from salesforce_simulator.soql.parse import parse
from salesforce_simulator.soql.predicates import Compiler
from salesforce_simulator.store import Row

MAX_OFFSET = 2000
MAX_RENDERERS = 256


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query and how to render one; COUNT() has only a size."""

    rows: Sequence[Any]
    render: Callable[[Any], dict[str, Any]]
    count: int | None = None


def execute(org: Org, text: str, *, version: str, with_deleted: bool = False) -> QueryResult:
    """Answer a query; `with_deleted` is queryAll. Raises SalesforceError."""
    alike = parse_alike(text)
    if alike is not None:
        with suppress(SalesforceError):
            return _execute(org, alike, version=version, with_deleted=with_deleted)
    return _execute(org, parse(text), version=version, with_deleted=with_deleted)


def _execute(org: Org, query: ast.Query, *, version: str, with_deleted: bool) -> QueryResult:
    sobject = org.sobject(query.source.text)
    if sobject is None:
        raise errors.no_such_object(query.text, query.source.position, query.source.text)
    transaction_security.check(org, sobject.name)
    return QueryExecution(org, version, with_deleted or query.has_all_rows).answer(query, sobject)


def renderer(org: Org, sobject: SObject, names: Sequence[str], *, version: str) -> Render:
    """How to show a row with these fields, paths of relationships too; raises INVALID_FIELD."""
    text = ", ".join(names)
    columns = tuple(ast.Selected(ast.Name(name, max(text.find(name), 0))) for name in names)
    query = ast.Query(text, columns, ast.Name(sobject.name, 0))
    return QueryExecution(org, version, False)._renderer(query, sobject)


@dataclass(frozen=True)
class QueryExecution:
    org: Org
    version: str
    with_deleted: bool

    def answer(self, query: ast.Query, sobject: SObject) -> QueryResult:
        if _is_bare_count(query):
            return QueryResult((), dict, len(self._cut(query, self._rows(query, sobject))))
        if query.groups or is_aggregate(query):
            found = aggregate(self.org, query, sobject, self._rows(query, sobject))
            return QueryResult(found, dict)
        render = self._kept_renderer(query, sobject)
        rows = self._ordered(query, sobject, self._rows(query, sobject))
        return QueryResult(self._cut(query, rows), render)

    def _rows(self, query: ast.Query, sobject: SObject, within: Iterable[str] | None = None) -> list[Row]:
        compiler = Compiler(self.org, sobject, query, self._semi_join)
        compiled = compiler.compile(query.condition) if query.condition else None
        if sobject.name == access.NAME:
            return [row for row in access.rows(self.org, query) if compiled is None or compiled.accepts(row)]
        table = self.org.store.table(sobject.name).rows
        offered = compiled.candidates if compiled and within is None else within
        rows: Iterable[Row] = table.values() if offered is None else (table[i] for i in offered)
        is_archived = None if self.with_deleted else archived(self.org, sobject.name)
        return [
            row
            for row in rows
            if self._is_shown(row)
            and not (is_archived and is_archived(row))
            and (compiled is None or compiled.accepts(row))
        ]

    def _is_shown(self, row: Row) -> bool:
        return (self.with_deleted or not row["IsDeleted"]) and self.org.is_visible(row)

    def _semi_join(self, query: ast.Query) -> tuple[Any, ...]:
        sobject = self.org.sobject(query.source.text)
        if sobject is None:
            raise errors.no_such_object(query.text, query.source.position, query.source.text)
        what = query.columns[0].what
        if len(query.columns) != 1 or not isinstance(what, ast.Name):
            raise errors.malformed(query.text, query.source.position, "Nesting of semi join is not supported")
        column = reader(self.org, bind(self.org, query, sobject, what))
        return tuple(column(row) for row in self._rows(query, sobject))

    def _ordered(self, query: ast.Query, sobject: SObject, rows: list[Row]) -> list[Row]:
        for ordering in reversed(query.orderings):
            if isinstance(ordering.operand, ast.Call):
                raise errors.malformed(query.text, ordering.operand.position, "Ordered field must be grouped")
            column = reader(self.org, bind(self.org, query, sobject, ordering.operand))
            rows = _sorted(rows, column, ordering)
        return rows

    def _cut(self, query: ast.Query, rows: list[Row]) -> list[Row]:
        if query.offset > MAX_OFFSET:
            raise refusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        end = None if query.limit is None else query.offset + query.limit
        return rows[query.offset : end]

    def _kept_renderer(self, query: ast.Query, sobject: SObject) -> Render:
        """The renderer of queries with the same columns for the same rights."""
        kept = self.org.rights_of(self.org.acting_id).renderers
        key = (query.text, self.version, self.with_deleted)
        if key not in kept:
            if len(kept) >= MAX_RENDERERS:
                kept.clear()
            kept[key] = self._renderer(query, sobject)
        return kept[key]

    def _renderer(self, query: ast.Query, sobject: SObject) -> Render:
        columns: list[Callable[[Row, dict[str, Any]], None]] = []
        for selected in query.columns:
            match selected.what:
                case ast.Name():
                    bound = bind(self.org, query, sobject, selected.what)
                    columns.append(self._field_column(bound))
                case ast.Query():
                    columns.append(self._child_column(selected.what, sobject))
                case ast.Call():
                    columns += self._all_fields(query, selected.what, sobject)
        prefix = f"/services/data/v{self.version}/sobjects/{sobject.name}/"

        def render(row: Row) -> dict[str, Any]:
            record: dict[str, Any] = {"attributes": {"type": sobject.name, "url": prefix + row["Id"]}}
            for column in columns:
                column(row, record)
            return record

        return render

    def _field_column(self, bound: BoundField) -> Callable[[Row, dict[str, Any]], None]:
        if bound.steps:
            return lambda row, record: self._nest(bound, row, record)
        key, column = bound.field.name, reader(self.org, bound)

        def write(row: Row, record: dict[str, Any]) -> None:
            record[key] = column(row)

        return write

    def _nest(self, bound: BoundField, row: Row, record: dict[str, Any]) -> None:
        name = bound.root.name
        for reference in bound.steps:
            key = reference.relationship_name or reference.name
            found = follow(self.org, reference, row)
            if found is None:
                record[key] = None
                return
            name, row = found
            record = record.setdefault(key, {"attributes": self._attributes(reference, name, row)})
        is_type = bound.field.name == "Type" and bound.target.name == "Name"
        record[bound.field.name] = name if is_type else read(self.org, name, bound.field, row)

    def _attributes(self, reference: Field, name: str, row: Row) -> dict[str, str]:
        kind = name if len(reference.reference_to) == 1 else "Name"
        return {"type": kind, "url": f"/services/data/v{self.version}/sobjects/{name}/{row['Id']}"}

    def _all_fields(
        self, query: ast.Query, call: ast.Call, sobject: SObject
    ) -> list[Callable[[Row, dict[str, Any]], None]]:
        scope = call.argument.text.upper() if call.argument else ""
        if call.function != "FIELDS" or scope not in {"ALL", "STANDARD", "CUSTOM"}:
            raise errors.malformed(query.text, call.position, f"unexpected token: '{call.function}'")
        if scope != "STANDARD" and (query.limit is None or query.limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise errors.malformed(query.text, call.position, message)
        chosen = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[scope]
        names = [n for n in sobject.fields if n.endswith("__c") in chosen]
        bounds = (bind(self.org, query, sobject, ast.Name(name, call.position)) for name in names)
        return [self._field_column(bound) for bound in bounds]

    def _child_column(self, child: ast.Query, parent: SObject) -> Callable[[Row, dict[str, Any]], None]:
        found = self._child(child, parent)
        if found is None:
            raise errors.no_such_child(child.text, child.source.position, child.source.text)
        sobject, field = found
        render = self._renderer(child, sobject)
        table = self.org.store.table(sobject.name)

        def write(row: Row, record: dict[str, Any]) -> None:
            rows = self._rows(child, sobject, within=list(table.ids_with(field, row["Id"])))
            rows = self._cut(child, self._ordered(child, sobject, rows))
            records = [render(item) for item in rows]
            body = {"totalSize": len(records), "done": True, "records": records}
            record[field.child_name or ""] = body if records else None

        return write

    def _child(self, child: ast.Query, parent: SObject) -> tuple[SObject, Field] | None:
        for candidate in self.org.schema.children[parent.name]:
            if (candidate.field.child_name or "").lower() == child.source.text.lower():
                return self.org.schema.objects[candidate.sobject], candidate.field
        return None


def _is_bare_count(query: ast.Query) -> bool:
    what = query.columns[0].what
    return isinstance(what, ast.Call) and what.function == "COUNT" and what.argument is None


def _sorted(rows: list[Row], column: Callable[[Row], Any], ordering: ast.Ordering) -> list[Row]:
    nulls = [row for row in rows if column(row) is None]
    known = [row for row in rows if column(row) is not None]
    known.sort(key=lambda row: _sortable(column(row)), reverse=ordering.is_descending)
    return known + nulls if ordering.is_nulls_last else nulls + known


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
