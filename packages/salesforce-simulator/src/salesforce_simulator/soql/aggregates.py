"""COUNT, SUM and their kin, with GROUP BY and HAVING."""

from collections.abc import Callable, Mapping
from typing import Any

from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.org import Org
from salesforce_simulator.soql import ast, errors
from salesforce_simulator.soql.fields import Reader, bind, reader
from salesforce_simulator.store import Row

_FUNCTIONS: Mapping[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len(set(values)),
    "SUM": lambda values: sum(values) if values else None,
    "AVG": lambda values: sum(values) / len(values) if values else None,
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: a is not None and bool(a < b),
    "<=": lambda a, b: a is not None and bool(a <= b),
    ">": lambda a, b: a is not None and bool(a > b),
    ">=": lambda a, b: a is not None and bool(a >= b),
}


def is_aggregate(query: ast.Query) -> bool:
    """Whether a column is an aggregate function."""
    return any(isinstance(c.what, ast.Call) and c.what.function in _FUNCTIONS for c in query.columns)


def aggregate(org: Org, query: ast.Query, sobject: SObject, rows: list[Row]) -> list[dict[str, Any]]:
    """One AggregateResult a group; unnamed functions are expr0, expr1 and so on."""
    keys = [_column(org, query, sobject, group) for group in query.groups]
    groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): rows}
    for row in rows if keys else ():
        groups.setdefault(tuple(key(row) for key in keys), []).append(row)
    columns = _columns(org, query, sobject)
    having = [members for members in groups.values() if _has(org, query, sobject, members)]
    results = [
        {"attributes": {"type": "AggregateResult"}, **{name: value(members) for name, value in columns}}
        for members in having
    ]
    _sort(query, results)
    end = None if query.limit is None else query.offset + query.limit
    return results[query.offset : end]


def _column(org: Org, query: ast.Query, sobject: SObject, operand: ast.Name | ast.Call) -> Reader:
    if isinstance(operand, ast.Call):
        raise errors.malformed(query.text, operand.position, f"unexpected token: '{operand.function}'")
    return reader(org, bind(org, query, sobject, operand))


def _columns(org: Org, query: ast.Query, sobject: SObject) -> list[tuple[str, Callable[[list[Row]], Any]]]:
    grouped = {group.text.lower() for group in query.groups if isinstance(group, ast.Name)}
    columns: list[tuple[str, Callable[[list[Row]], Any]]] = []
    unnamed = 0
    for selected in query.columns:
        what = selected.what
        if isinstance(what, ast.Call):
            columns.append((selected.alias or f"expr{unnamed}", _function(org, query, sobject, what)))
            unnamed += selected.alias is None
        elif isinstance(what, ast.Name) and what.text.lower() in grouped:
            bound = bind(org, query, sobject, what)
            columns.append((selected.alias or bound.field.name, _first(reader(org, bound))))
        else:
            name = what.text if isinstance(what, ast.Name) else what.source.text
            message = f"Field must be grouped or aggregated: {name}"
            raise errors.malformed(query.text, query.source.position, message)
    return columns


def _first(column: Reader) -> Callable[[list[Row]], Any]:
    return lambda members: column(members[0])


def _function(org: Org, query: ast.Query, sobject: SObject, call: ast.Call) -> Callable[[list[Row]], Any]:
    function = _FUNCTIONS.get(call.function)
    if function is None:
        raise errors.malformed(query.text, call.position, f"unexpected token: '{call.function}'")
    if call.argument is None:
        return len
    column = reader(org, bind(org, query, sobject, call.argument))
    return lambda members: function([v for v in map(column, members) if v is not None])


def _has(org: Org, query: ast.Query, sobject: SObject, members: list[Row]) -> bool:
    return query.having is None or _holds(org, query, sobject, query.having, members)


def _holds(
    org: Org, query: ast.Query, sobject: SObject, condition: ast.Condition, members: list[Row]
) -> bool:
    match condition:
        case ast.Junction(is_all, conditions):
            found = (_holds(org, query, sobject, inner, members) for inner in conditions)
            return all(found) if is_all else any(found)
        case ast.Negation(inner):
            return not _holds(org, query, sobject, inner, members)
        case ast.Comparison(operand, symbol, literal) if symbol in _COMPARE:
            if isinstance(operand, ast.Call):
                value = _function(org, query, sobject, operand)(members)
            else:
                value = reader(org, bind(org, query, sobject, operand))(members[0])
            return _COMPARE[symbol](value, literal.value)
        case _:
            raise errors.malformed(query.text, query.source.position, "unexpected token: 'HAVING'")


def _sort(query: ast.Query, results: list[dict[str, Any]]) -> None:
    for ordering in reversed(query.orderings):
        key = _result_key(query, ordering.operand)
        results.sort(key=lambda r: (r.get(key) is not None, r.get(key)), reverse=ordering.is_descending)


def _result_key(query: ast.Query, operand: ast.Name | ast.Call) -> str:
    unnamed = 0
    for selected in query.columns:
        if selected.what == operand or _is_same_call(selected.what, operand):
            return selected.alias or (
                operand.text.split(".")[-1] if isinstance(operand, ast.Name) else f"expr{unnamed}"
            )
        unnamed += isinstance(selected.what, ast.Call) and selected.alias is None
    return operand.text if isinstance(operand, ast.Name) else ""


def _is_same_call(what: Any, operand: ast.Name | ast.Call) -> bool:
    if isinstance(what, ast.Name) and isinstance(operand, ast.Name):
        return what.text.lower() == operand.text.lower()
    if not isinstance(what, ast.Call) or not isinstance(operand, ast.Call):
        return False
    arguments = {call.argument.text.lower() if call.argument else "" for call in (what, operand)}
    return what.function == operand.function and len(arguments) == 1
