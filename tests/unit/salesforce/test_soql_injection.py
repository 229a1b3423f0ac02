"""User input stays between the quotes: a strict parser reads the same query, and that value."""

import unicodedata
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.salesforce.soql import in_list, like, quote
from salesforce_simulator.soql import ast
from salesforce_simulator.soql.parse import MAX_LITERAL, parse

HOSTILE: Final = [
    "' OR Id != ''", "') OR (Email != '", "x' UNION SELECT Id FROM User --", "\\' OR Name LIKE '%",
    "\\\\' OR ''='", "'; DELETE FROM Lead", "a\\", "a\\\\\\", "%' AND Name LIKE '", "_", "%", "\n' LIMIT 1",
    "\r\n", "\x00'", "\ud800'", "\u2018 OR \u2019", "\uff07 OR \uff071", "'/**/OR/**/''='", "NULL", "TODAY",
    ":bound", "{0}", "%27 OR %27", "'" * 50, "\\" * 51,
]  # fmt: skip
TYPED = (
    st.text(alphabet="'\\\"%_()\n\t ORAND=é\x00", max_size=24)
    | st.sampled_from(HOSTILE)
    | st.text(max_size=24)
)
MANY = 20


def query(addresses: list[str], name: str) -> ast.Query:
    """One query with typed text in each kind of place, as a strict parser reads it."""
    return parse(
        f"SELECT Id, Email FROM Lead WHERE Email IN {in_list(addresses)} "
        f"AND (LastName = {quote(name)} OR City LIKE {like(name)} OR Site LIKE {like(name, is_prefix=True)}) "
        "ORDER BY CreatedDate LIMIT 7"
    )


def skeleton(part: object) -> object:
    """The shape of a query: everything but the quoted values, and their places."""
    if isinstance(part, ast.Literal):
        return part.kind
    if isinstance(part, tuple):
        return tuple(skeleton(each) for each in part)
    if hasattr(part, "__dataclass_fields__"):
        names = [name for name in part.__dataclass_fields__ if name not in ("position", "text")]
        return type(part).__name__, tuple((name, skeleton(getattr(part, name))) for name in names)
    return part


def literals(part: object) -> list[str]:
    """Every value between quotes, in order."""
    if isinstance(part, ast.Literal) and part.kind in ("string", "strings"):
        return [part.value] if isinstance(part.value, str) else list(part.value)
    if isinstance(part, tuple):
        return [value for each in part for value in literals(each)]
    if hasattr(part, "__dataclass_fields__"):
        return [value for name in part.__dataclass_fields__ for value in literals(getattr(part, name))]
    return []


def kept(text: str) -> str:
    """What of a text a literal can hold: control characters without an escape are left out."""
    return "".join(
        each for each in text if each in "\n\r\t\b\f" or unicodedata.category(each) not in ("Cc", "Cs")
    )


@settings(max_examples=500, deadline=None)
@given(st.lists(TYPED, min_size=MANY, max_size=MANY), TYPED)
def test_typed_text_never_changes_the_shape_of_a_query(addresses: list[str], name: str) -> None:
    """Twenty texts in each of five hundred queries."""
    read = query(addresses, name)
    expected = list(dict.fromkeys(kept(each) for each in addresses))
    assert skeleton(read) == skeleton(query([f"otter{number}" for number in range(len(expected))], "Otter"))
    found = literals(read)
    assert set(expected) <= set(found)
    assert len(found) == len(expected) + 3


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_is_a_value_and_nothing_else(text: str) -> None:
    read = query([text], text)
    assert skeleton(read) == skeleton(query(["mary@otter.example"], "Otter"))
    assert literals(read).count(kept(text)) == 2


def test_text_that_is_pasted_in_does_change_it() -> None:
    """The control: without quoting, the same text writes conditions of its own."""
    pasted = parse(f"SELECT Id FROM Lead WHERE LastName = 'x{HOSTILE[0]}")
    quoted = parse(f"SELECT Id FROM Lead WHERE LastName = {quote(f'x{HOSTILE[0]}')}")
    assert skeleton(pasted) != skeleton(quoted)


def test_longest_value_that_salesforce_takes_is_read_whole() -> None:
    name = "'" * (MAX_LITERAL // 2)
    assert literals(parse(f"SELECT Id FROM Lead WHERE LastName = {quote(name)}")) == [name]
