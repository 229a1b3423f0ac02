"""Query text to tree, by the grammar."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from salesforce_simulator.errors import SalesforceError, refusal
from salesforce_simulator.soql import ast, errors

MAX_QUERY = 100_000
MAX_LITERAL = 4_000

# A bare condition is parsed as the filter of this query.
_HOST = "SELECT Id FROM Row WHERE {}"

_Clause = dict[str, Any]

_RESERVED = frozenset(
    {"NOT", "AND", "OR", "SELECT", "FROM", "WHERE", "LIKE", "IN", "LIMIT", "ORDER", "GROUP"}
)
# No name or alias may be one of these (SOQL and SOSL Reference, "Reserved Keywords"); an object Group exists.
_KEYWORDS = frozenset(
    {
        *("AND", "ASC", "DESC", "EXCLUDES", "FROM", "HAVING", "IN", "INCLUDES", "LIKE", "LIMIT"),
        *("NOT", "NULL", "NULLS", "OR", "SELECT", "USING", "WHERE", "WITH"),
    }
)
_NO_ALIASES = _KEYWORDS | {"FIRST", "GROUP", "LAST"}
# A text in quotes, whatever is escaped in it.
LITERAL = r"'[^'\\]*(?:\\.[^'\\]*)*'"
_STRING = re.compile(LITERAL, re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_NEXT_TOKEN = re.compile(r"[A-Za-z0-9_.]+|\S")
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "N": "\n",
    "R": "\r",
    "T": "\t",
    "B": "\b",
    "F": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
}
# Inside LIKE these two stay escaped for the pattern.
LIKE_ESCAPES = _ESCAPES | {"_": "\\_", "%": "\\%", "\\": "\\\\"}


class BadLiteral(Exception):
    """A text is too long, or has an escape that is not documented."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        self.message = message


def parse(text: str) -> ast.Query:
    """The tree of a query; raises MALFORMED_QUERY."""
    if len(text) > MAX_QUERY:
        message = f"SOQL statements cannot be longer than {MAX_QUERY} characters."
        raise refusal("MALFORMED_QUERY", message)
    return _parsed(text)


@lru_cache(maxsize=256)
def parse_condition(text: str) -> ast.Condition:
    """The tree of a bare condition, such as a validation rule's; raises MALFORMED_QUERY."""
    condition = parse(_HOST.format(text)).condition
    assert condition is not None
    return condition


def _parsed(text: str) -> ast.Query:
    try:
        parsed: ast.Query = _Build(text).transform(_parser().parse(text))
    except UnexpectedToken as error:
        raise _unexpected(text, error) from error
    except UnexpectedCharacters as error:
        position = cast("int", error.pos_in_stream)
        found = _NEXT_TOKEN.match(text, position)
        raise errors.unexpected_token(text, position, found[0] if found else "<EOF>") from error
    except UnexpectedInput as error:
        raise errors.unexpected_token(text, len(text), "<EOF>") from error
    except VisitError as error:
        raise error.orig_exc from error
    return parsed


def _unexpected(text: str, error: UnexpectedToken) -> SalesforceError:
    """The token that does not fit; a reserved word taken for a name is to blame before what follows it."""
    before = (error.token_history or [None])[-1]
    if before is not None and before.upper() in _RESERVED and before.type == "NAME":
        return errors.unexpected_token(text, before.start_pos or 0, str(before))
    if error.token.type == "$END":
        return errors.unexpected_token(text, len(text), "<EOF>")
    return errors.unexpected_token(text, error.token.start_pos or 0, str(error.token))


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True, propagate_positions=False)


def unescape(inner: str, position: int, escapes: dict[str, str] = _ESCAPES) -> str:
    """The text between the quotes as it is meant; any escape that is not documented is an error."""
    if "\\" not in inner:
        return inner

    def replaced(match: re.Match[str]) -> str:
        mark = match[1]
        if len(mark) == 5:
            return chr(int(mark[1:], 16))
        if mark not in escapes:
            text = (
                f"Invalid string literal '{inner}'. Illegal character sequence '\\{mark}' in string literal."
            )
            raise BadLiteral(position, text)
        return escapes[mark]

    return _ESCAPE.sub(replaced, inner)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Turns each rule of the grammar into its value."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, query: ast.Query) -> ast.Query:
        return query

    def query(self, *parts: Any) -> ast.Query:
        columns = tuple(part for part in parts if isinstance(part, ast.Selected))
        source, *rest = parts[len(columns) :]
        clauses: dict[str, Any] = {}
        for clause in rest:
            clauses |= clause
        self._check_aliases(columns, is_aggregate="groups" in clauses)
        return ast.Query(text=self._text, columns=columns, source=self._name(source), **clauses)

    def _check_aliases(self, columns: tuple[ast.Selected, ...], *, is_aggregate: bool) -> None:
        for column in columns:
            if column.alias and isinstance(column.what, ast.Name) and not is_aggregate:
                message = "only aggregate expressions use field aliasing"
                raise errors.malformed(self._text, column.what.position, message)

    def plain_field(self, name: Token, alias: str | None) -> ast.Selected:
        return ast.Selected(self._name(name), alias)

    def called_field(self, call: ast.Call, alias: str | None) -> ast.Selected:
        return ast.Selected(call, alias)

    def subquery(self, query: ast.Query) -> ast.Selected:
        return ast.Selected(query)

    def alias(self, name: Token) -> str:
        return self._name(name, _NO_ALIASES).text

    def source_alias(self, name: Token) -> _Clause:
        return {"alias": self._name(name, _NO_ALIASES).text}

    def function(self, name: Token, argument: Token | None) -> ast.Call:
        called = self._name(name)
        return ast.Call(called.text.upper(), self._name(argument) if argument else None, called.position)

    def operand(self, what: Token | ast.Call) -> ast.Name | ast.Call:
        return what if isinstance(what, ast.Call) else self._name(what)

    def _name(self, token: Token, reserved: frozenset[str] = _KEYWORDS) -> ast.Name:
        position = token.start_pos or 0
        if token.upper() in reserved:
            raise errors.unexpected_token(self._text, position, str(token))
        return ast.Name(str(token), position)

    def scope(self, name: Token) -> _Clause:
        return {}

    def with_clause(self, name: Token) -> _Clause:
        return {}

    def tail(self, name: Token | None = None) -> _Clause:
        return {} if name else {"has_all_rows": True}

    def where(self, condition: ast.Condition) -> _Clause:
        return {"condition": condition}

    def group(self, *parts: Any) -> _Clause:
        groups = tuple(part for part in parts if isinstance(part, ast.Name | ast.Call))
        having = next((part for part in parts if isinstance(part, dict)), {})
        return {"groups": groups, **having}

    def having(self, condition: ast.Condition) -> _Clause:
        return {"having": condition}

    def limit(self, number: Token) -> _Clause:
        return {"limit": self._whole(number)}

    def offset(self, number: Token) -> _Clause:
        return {"offset": self._whole(number)}

    def _whole(self, number: Token) -> int:
        if not number.isdigit():
            raise errors.unexpected_token(self._text, number.start_pos or 0, str(number))
        return int(number)

    def order(self, *orderings: ast.Ordering) -> _Clause:
        return {"orderings": orderings}

    def order_item(
        self, operand: ast.Name | ast.Call, direction: Token | None, nulls: Token | None
    ) -> ast.Ordering:
        is_descending = direction is not None and direction.lower() == "desc"
        return ast.Ordering(operand, is_descending, nulls is not None and nulls.lower() == "last")

    def negation(self, condition: ast.Condition) -> ast.Condition:
        return ast.Negation(condition)

    def conjunction(self, *conditions: ast.Condition) -> ast.Condition:
        return ast.Junction(True, conditions)

    def disjunction(self, *conditions: ast.Condition) -> ast.Condition:
        return ast.Junction(False, conditions)

    def comparison(self, operand: ast.Name | ast.Call, operator: Token, literal: Token) -> ast.Condition:
        symbol = "!=" if operator == "<>" else str(operator)
        return ast.Comparison(operand, symbol, self._literal(literal))

    def like(self, operand: ast.Name | ast.Call, pattern: Token) -> ast.Condition:
        position = pattern.start_pos or 0
        meant = self._string(pattern[1:-1], position, LIKE_ESCAPES)
        literal = ast.Literal("string", meant, str(pattern), position)
        return ast.Comparison(operand, "like", literal)

    def membership(self, operand: ast.Name | ast.Call, *items: Token | ast.Query) -> ast.Condition:
        return self._membership(operand, items, is_negated=False)

    def non_membership(self, operand: ast.Name | ast.Call, *items: Token | ast.Query) -> ast.Condition:
        return self._membership(operand, items, is_negated=True)

    def includes(self, operand: ast.Name | ast.Call, *items: Token | ast.Query) -> ast.Condition:
        return self._membership(operand, items, is_negated=False)

    def excludes(self, operand: ast.Name | ast.Call, *items: Token | ast.Query) -> ast.Condition:
        return self._membership(operand, items, is_negated=True)

    def _membership(
        self, operand: ast.Name | ast.Call, items: tuple[Token | ast.Query, ...], *, is_negated: bool
    ) -> ast.Membership:
        if isinstance(items[0], ast.Query):
            return ast.Membership(operand, (), items[0], is_negated)
        literals = [literal for item in items if isinstance(item, Token) for literal in self._literals(item)]
        return ast.Membership(operand, tuple(literals), None, is_negated)

    def _literals(self, token: Token) -> list[ast.Literal]:
        if token.type != "STRINGS":
            return [self._literal(token)]
        position = token.start_pos or 0
        found = tuple(self._string(each[1:-1], position, _ESCAPES) for each in _STRING.findall(token))
        return [ast.Literal("strings", found, found[0], position)]

    def _literal(self, token: Token) -> ast.Literal:
        position = token.start_pos or 0
        value: Any = str(token)
        if token.type == "STRING":
            value = self._string(token[1:-1], position, _ESCAPES)
        elif token.type == "BOOLEAN":
            value = token.lower() == "true"
        elif token.type == "NUMBER":
            value = float(token)
        elif token.type == "NULL":
            value = None
        return ast.Literal(token.type.lower(), value, str(token), position)

    def _string(self, inner: str, position: int, escapes: dict[str, str]) -> str:
        if len(inner) > MAX_LITERAL:
            message = f"string literals cannot be longer than {MAX_LITERAL} characters"
            raise errors.malformed(self._text, position, message)
        try:
            return unescape(inner, position, escapes)
        except BadLiteral as error:
            raise errors.malformed(self._text, error.position, error.message) from error
