"""Conditions compiled to functions of a row, and the rows that an index says can satisfy them."""

import operator as op
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.org import Org
from salesforce_simulator.soql import ast, errors, literals
from salesforce_simulator.soql.fields import BoundField, Reader, bind, reader
from salesforce_simulator.soql.parse import parse_condition
from salesforce_simulator.store import Row

Predicate = Callable[[Row], bool]
Candidates = Collection[str]
SemiJoin = Callable[[ast.Query], tuple[Any, ...]]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {"<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge}
# With a range [start, end): which end a comparison looks at.
_RANGE_END = {"<": (op.lt, 0), "<=": (op.lt, 1), ">": (op.ge, 1), ">=": (op.ge, 0)}


@dataclass(frozen=True)
class Compiled:
    """`accepts` decides a row; `candidates` are ids that an index offers, or None for every row."""

    accepts: Predicate
    candidates: Candidates | None = None


def holds(org: Org, sobject: str, condition: str, row: Row) -> bool:
    """Whether a condition in SOQL's words is true of a row, saved or not."""
    parsed = parse_condition(condition)
    query = ast.Query(condition, (), ast.Name(sobject, 0))
    with org.acting_as(None):
        return Compiler(org, org.schema.objects[sobject], query).compile(parsed).accepts(row)


@dataclass(frozen=True)
class Compiler:
    """Compiles the conditions of one query over one object."""

    org: Org
    sobject: SObject
    query: ast.Query
    semi_join: SemiJoin | None = None

    def compile(self, condition: ast.Condition) -> Compiled:
        match condition:
            case ast.Junction():
                return self._junction(condition)
            case ast.Negation(inner):
                accepts = self.compile(inner).accepts
                return Compiled(lambda row: not accepts(row))
            case ast.Membership():
                return self._membership(condition)
            case ast.Comparison():
                return self._comparison(condition)

    def _junction(self, junction: ast.Junction) -> Compiled:
        parts = [self.compile(condition) for condition in junction.conditions]
        tests = [part.accepts for part in parts]
        offers = [part.candidates for part in parts if part.candidates is not None]
        if junction.is_all:
            smallest = min(offers, key=len, default=None)
            return Compiled(lambda row: all(test(row) for test in tests), smallest)
        is_covered = len(offers) == len(parts)
        united = dict.fromkeys(i for offer in offers for i in offer) if is_covered else None
        return Compiled(lambda row: any(test(row) for test in tests), united)

    def _bound(self, operand: ast.Name | ast.Call) -> BoundField:
        if isinstance(operand, ast.Call):
            message = f"function {operand.function} cannot be used here"
            raise errors.malformed(self.query.text, operand.position, message)
        bound = bind(self.org, self.query, self.sobject, operand)
        if not bound.field.is_filterable:
            message = f"field '{bound.field.name}' can not be filtered in a query call"
            raise errors.invalid_field(self.query.text, operand.position, message)
        return bound

    def _membership(self, membership: ast.Membership) -> Compiled:
        bound = self._bound(membership.operand)
        wanted = frozenset(self._wanted(bound, membership))
        read = _comparable(bound, reader(self.org, bound))
        if membership.is_negated:
            return Compiled(lambda row: read(row) not in wanted)
        return Compiled(lambda row: read(row) in wanted, self._indexed(bound, wanted))

    def _wanted(self, bound: BoundField, membership: ast.Membership) -> Iterable[Any]:
        if membership.query is not None:
            if self.semi_join is None:
                raise errors.malformed(self.query.text, 0, "semi join sub-selects are not allowed here")
            return self.semi_join(membership.query)
        return (
            value
            for literal in membership.literals
            for value in literals.parse_values(bound.field, literal, self.query.text)
        )

    def _comparison(self, comparison: ast.Comparison) -> Compiled:
        bound = self._bound(comparison.operand)
        read = _comparable(bound, reader(self.org, bound))
        if comparison.literal.kind == "dateword":
            return Compiled(self._in_range(comparison, bound, read))
        if comparison.operator == "like":
            return Compiled(self._like(comparison, bound, read))
        (value,) = literals.parse_values(bound.field, comparison.literal, self.query.text)
        if comparison.operator == "=":
            return Compiled(lambda row: read(row) == value, self._indexed(bound, [value]))
        if comparison.operator == "!=":
            return Compiled(lambda row: read(row) != value)
        return Compiled(_ordered(_ORDER[comparison.operator], read, value))

    def _in_range(self, comparison: ast.Comparison, bound: BoundField, read: Reader) -> Predicate:
        now = self.org.clock()
        span = literals.date_range(bound.field, comparison.literal, self.query.text, now)
        if comparison.operator in _RANGE_END:
            compare, end = _RANGE_END[comparison.operator]
            return _ordered(compare, read, span[end])
        is_wanted_inside = comparison.operator == "="
        return lambda row: _is_within(read(row), span) == is_wanted_inside

    def _like(self, comparison: ast.Comparison, bound: BoundField, read: Reader) -> Predicate:
        if not bound.field.is_text:
            message = f"invalid operator on {bound.field.type} field"
            raise errors.located(
                "INVALID_QUERY_FILTER_OPERATOR", self.query.text, bound.name.position, message
            )
        pattern = like_pattern(comparison.literal.value)
        return lambda row: pattern.fullmatch(read(row) or "") is not None

    def _indexed(self, bound: BoundField, wanted: Collection[Any]) -> Candidates | None:
        """The ids of root rows whose path ends in a wanted value, when every step has an index."""
        if None in wanted:
            return None
        names = {bound.target.name} if bound.target.prefix else set(bound.steps[-1].reference_to)
        if bound.field.name != "Id" and not all(self._has_index(n, bound.field.name) for n in names):
            return None
        found: Candidates = _ids(self.org, names, bound, wanted)
        for depth in reversed(range(len(bound.steps))):
            owners = {self.sobject.name} if depth == 0 else set(bound.steps[depth - 1].reference_to)
            if not all(self._has_index(name, bound.steps[depth].name) for name in owners):
                return None
            found = _united(self.org, owners, bound.steps[depth].name, found)
        return found

    def _has_index(self, name: str, field_name: str) -> bool:
        return name in self.org.schema.objects and self.org.store.table(name).is_indexed(field_name)


def _ids(org: Org, names: set[str], bound: BoundField, wanted: Collection[Any]) -> Candidates:
    if bound.field.name == "Id":
        return [value for value in wanted if any(value in org.store.table(name).rows for name in names)]
    return _united(org, names, bound.field.name, wanted)


def _united(org: Org, names: set[str], field_name: str, wanted: Collection[Any]) -> Candidates:
    buckets: list[Candidates] = []
    for name in names:
        table = org.store.table(name)
        field = table.sobject.fields[field_name]
        buckets += [bucket for value in wanted if (bucket := table.ids_with(field, value))]
    if len(buckets) == 1:
        return buckets[0]
    return dict.fromkeys(i for bucket in buckets for i in bucket)


def _comparable(bound: BoundField, read: Reader) -> Reader:
    """Text is compared without case, unless its encryption keeps it; an empty text is null."""
    if not bound.field.is_text or bound.field.is_case_sensitive:
        return read

    def lowered(row: Row) -> Any:
        value = read(row)
        return value.lower() if isinstance(value, str) else value

    return lowered


def _ordered(compare: Callable[[Any, Any], bool], read: Reader, value: Any) -> Predicate:
    if value is None:
        return lambda row: False

    def accepts(row: Row) -> bool:
        found = read(row)
        return found is not None and compare(found, value)

    return accepts


def _is_within(value: Any, span: tuple[str, str]) -> bool:
    return value is not None and span[0] <= value < span[1]


def like_pattern(text: str) -> re.Pattern[str]:
    """LIKE as a regular expression over lower-cased text; a backslash escapes `%` and `_`."""
    parts: list[str] = []
    characters = iter(text.lower())
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.compile("".join(parts), re.DOTALL)
