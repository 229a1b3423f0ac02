"""A parsed query as values; positions are offsets into the query text."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Name:
    """A field or a path of relationships and a field, as written."""

    text: str
    position: int


@dataclass(frozen=True)
class Call:
    """A function of a field, such as COUNT(Id); `argument` is None for COUNT()."""

    function: str
    argument: Name | None
    position: int


@dataclass(frozen=True)
class Literal:
    """One value: string, number, date, datetime, boolean, null or dateword; `strings` is a run of texts."""

    kind: str
    value: Any
    text: str
    position: int


@dataclass(frozen=True)
class Comparison:
    operand: Name | Call
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Membership:
    """`operand IN (...)`: literals, or a query for a semi-join."""

    operand: Name | Call
    literals: tuple[Literal, ...]
    query: "Query | None"
    is_negated: bool = False


@dataclass(frozen=True)
class Negation:
    condition: "Condition"


@dataclass(frozen=True)
class Junction:
    """AND or OR of two and more conditions."""

    is_all: bool
    conditions: "tuple[Condition, ...]"


Condition = Comparison | Membership | Negation | Junction


@dataclass(frozen=True)
class Selected:
    """A column: a field, a function or a child query, and its alias."""

    what: "Name | Call | Query"
    alias: str | None = None


@dataclass(frozen=True)
class Ordering:
    operand: Name | Call
    is_descending: bool
    is_nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A query; `text` is the whole text it stands in, for error messages."""

    text: str
    columns: tuple[Selected, ...]
    source: Name
    alias: str | None = None
    condition: Condition | None = None
    groups: tuple[Name | Call, ...] = ()
    having: Condition | None = None
    orderings: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    has_all_rows: bool = False
