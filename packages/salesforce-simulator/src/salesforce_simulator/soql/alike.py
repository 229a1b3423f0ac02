"""Queries that differ in their texts alone, such as look-ups of one person after the other, are parsed once.

The places in such a tree are not those of the query: it leads to an answer, or to an error of which only the
query's own tree tells where it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.soql import ast
from salesforce_simulator.soql.parse import (
    LIKE_ESCAPES,
    LITERAL,
    MAX_LITERAL,
    MAX_QUERY,
    BadLiteral,
    parse,
    unescape,
)

_KEPT = 256
_RUN = re.compile(rf"{LITERAL}(?:\s*,\s*{LITERAL})*", re.DOTALL)
_STRING = re.compile(LITERAL, re.DOTALL)
# What stands for one text and for several with commas between them, which are one token of the grammar.
_ONE, _SEVERAL = "'x'", "'x','x'"


@dataclass(frozen=True)
class _Run:
    """Texts with commas between them, as they are written."""

    texts: list[str]
    has_escapes: bool

    def meant(self, *, is_pattern: bool) -> tuple[str, ...]:
        """The texts without their quotes and escapes; raises BadLiteral."""
        found = [text[1:-1] for text in self.texts]
        if max(map(len, found)) > MAX_LITERAL:
            raise BadLiteral(0, "")
        if not self.has_escapes:
            return tuple(found)
        return tuple(unescape(each, 0, LIKE_ESCAPES) if is_pattern else unescape(each, 0) for each in found)


def parse_alike(text: str) -> ast.Query | None:
    """The tree of a query but for its places; None where only the query's own will do."""
    if len(text) > MAX_QUERY:
        return None
    runs: list[_Run] = []

    def blank(match: re.Match[str]) -> str:
        runs.append(_Run(_STRING.findall(match[0]), "\\" in match[0]))
        return _ONE if len(runs[-1].texts) == 1 else _SEVERAL

    try:
        query = _tree(_RUN.sub(blank, text))
        if any(isinstance(column.what, ast.Query) for column in query.columns):
            return None
        unused = iter(runs)
        filled = _filled(query, unused)
    except (SalesforceError, BadLiteral):
        return None
    return filled if next(unused, None) is None else None


_tree = lru_cache(maxsize=_KEPT)(parse)


def _filled(query: ast.Query, runs: Iterator[_Run]) -> ast.Query:
    """The tree with the texts in the order in which they are written."""
    condition, having = (each and _condition(each, runs) for each in (query.condition, query.having))
    return replace(query, condition=condition, having=having)


def _condition(condition: ast.Condition, runs: Iterator[_Run]) -> ast.Condition:
    match condition:
        case ast.Junction(is_all, parts):
            return ast.Junction(is_all, tuple(_condition(part, runs) for part in parts))
        case ast.Negation(inner):
            return ast.Negation(_condition(inner, runs))
        case ast.Comparison(operand, operator, literal):
            is_pattern = operator == "like"
            return ast.Comparison(operand, operator, _literal(literal, runs, is_pattern=is_pattern))
        case ast.Membership(operand, literals, query, is_negated):
            given = tuple(_literal(each, runs) for each in literals)
            return ast.Membership(operand, given, query and _filled(query, runs), is_negated)


def _literal(literal: ast.Literal, runs: Iterator[_Run], *, is_pattern: bool = False) -> ast.Literal:
    if literal.kind not in {"string", "strings"}:
        return literal
    run = next(runs)
    meant = run.meant(is_pattern=is_pattern)
    if literal.kind == "strings":
        return ast.Literal("strings", meant, meant[0], literal.position)
    return ast.Literal("string", meant[0], run.texts[0], literal.position)
