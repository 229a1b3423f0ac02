"""Query text: what parses, what does not, and what stands between the quotes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.soql import ast
from salesforce_simulator.soql.parse import MAX_LITERAL, MAX_QUERY, parse, parse_condition
from salesforce_simulator.soql.predicates import like_pattern


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def literal_of(soql: str) -> object:
    condition = parse(soql).condition
    assert isinstance(condition, ast.Comparison)
    return condition.literal.value


@settings(deadline=None)
@given(st.text(max_size=60))
def test_an_escaped_text_comes_back_as_itself(text: str) -> None:
    query = parse(f"SELECT Id FROM Lead WHERE Email = '{escaped(text)}' LIMIT 7")
    assert isinstance(query.condition, ast.Comparison)
    assert query.condition.literal.value == text
    assert query.limit == 7


@settings(deadline=None)
@given(st.text(alphabet="ab'\\%_nuN\" ()=", max_size=12))
def test_an_unescaped_text_is_refused_or_stays_inside_its_quotes(text: str) -> None:
    try:
        condition = parse_condition(f"Email = '{text}'")
    except SalesforceError as refused:
        outcome = refused.items[0].code
    else:
        outcome = type(condition).__name__
    assert outcome in {"MALFORMED_QUERY", "Comparison"}


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), min_size=2, max_size=30))
def test_a_run_of_literals_is_split_where_it_was_written(texts: list[str]) -> None:
    listed = " ,\n".join(f"'{escaped(text)}'" for text in texts)
    condition = parse_condition(f"Email IN ({listed})")
    assert isinstance(condition, ast.Membership)
    assert [literal.value for literal in condition.literals] == [tuple(texts)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\n\r\t\b\f", "\n\r\t\b\f"),
        (r"\N\R\T\B\F", "\n\r\t\b\f"),
        (r"\"\'\\", "\"'\\"),
        (r"\u00e9", "é"),
    ],
    ids=["lower case", "upper case", "quotes and backslash", "unicode"],
)
def test_a_documented_escape_is_read(written: str, meant: str) -> None:
    assert literal_of(f"SELECT Id FROM Lead WHERE Email = '{written}'") == meant


@pytest.mark.parametrize("written", [r"\d", r"\_", r"\%", r"\u00g9", r"\x41"])
def test_any_other_escape_is_an_error(written: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(f"SELECT Id FROM Lead WHERE Email = 'a{written}'")
    item = caught.value.items[0]
    assert item.code == "MALFORMED_QUERY"
    assert item.message.endswith(
        f"Invalid string literal 'a{written}'. Illegal character sequence '{written[:2]}' in string literal."
    )


def test_like_takes_its_own_two_escapes() -> None:
    pattern = like_pattern(str(literal_of(r"SELECT Id FROM Lead WHERE Name LIKE '10\%\_x\\%_'")))
    assert pattern.fullmatch("10%_x\\anything!")
    assert not pattern.fullmatch("10a_x\\y!")
    assert like_pattern("a\\").fullmatch("a\\")


CARET = (
    "\nSELECT Id FROM Lead WHERE a = 1 AND b = 2 OR c = 3\n{}^\n"
    "ERROR at Row:1:Column:{}\nunexpected token: 'OR'"
)


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        pytest.param("invalid", "unexpected token: 'invalid'", id="no query at all"),
        pytest.param(
            "SELECT Id FROM Lead WHERE a = 1 AND b = 2 OR c = 3",
            CARET.format(" " * 42, 43),
            id="AND and OR without parentheses",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE",
            "\nSELECT Id FROM Lead WHERE\n                         ^\n"
            "ERROR at Row:1:Column:26\nunexpected token: '<EOF>'",
            id="nothing after WHERE",
        ),
        pytest.param(
            "SELECT Id\nFROM Lead\nWHERE a = 'x",
            "\nWHERE a = 'x\n          ^\nERROR at Row:3:Column:11\nunexpected token: '''",
            id="open quote in the third row",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE a = 1 AND NOT b = 2",
            "\nSELECT Id FROM Lead WHERE a = 1 AND NOT b = 2\n"
            "                                    ^\nERROR at Row:1:Column:37\nunexpected token: 'NOT'",
            id="NOT needs its own parentheses",
        ),
        pytest.param(
            "SELECT Id FROM Lead LIMIT 1.5",
            "\nSELECT Id FROM Lead LIMIT 1.5\n                          ^\n"
            "ERROR at Row:1:Column:27\nunexpected token: '1.5'",
            id="limit that is no whole number",
        ),
    ],
)
def test_a_malformed_query_says_where(soql: str, message: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(soql)
    assert [(item.code, item.message) for item in caught.value.items] == [("MALFORMED_QUERY", message)]


def test_a_long_line_is_shown_around_the_error() -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(f"SELECT Id FROM Lead WHERE Email = '{'x' * 500}' nonsense")
    line, caret = caught.value.items[0].message.split("\n")[1:3]
    assert len(line) <= 120
    assert line[len(caret) - 1 :] == "nonsense"


@pytest.mark.parametrize(
    "soql",
    [
        pytest.param(f"SELECT Id FROM Lead WHERE Email = '{'x' * (MAX_LITERAL + 1)}'", id="literal"),
        pytest.param(f"SELECT Id FROM Lead WHERE Email = 'x'{' ' * MAX_QUERY}", id="query"),
    ],
)
def test_lengths_are_limited(soql: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(soql)
    assert caught.value.items[0].code == "MALFORMED_QUERY"


def test_every_clause_finds_its_place() -> None:
    query = parse(
        "select Id, Owner.Name, count(Id) total, (SELECT Id FROM Tasks) FROM Lead AS l USING SCOPE mine "
        "WHERE Name != null WITH SECURITY_ENFORCED GROUP BY Id HAVING COUNT(Id) > 1 "
        "ORDER BY Name DESC NULLS LAST, Id LIMIT 5 OFFSET 2 FOR VIEW ALL ROWS"
    )
    assert [type(column.what).__name__ for column in query.columns] == ["Name", "Name", "Call", "Query"]
    assert (query.alias, query.limit, query.offset, query.has_all_rows) == ("l", 5, 2, True)
    assert query.columns[2].alias == "total"
    assert [(o.is_descending, o.is_nulls_last) for o in query.orderings] == [(True, True), (False, False)]
    assert query.having is not None


@pytest.mark.parametrize(
    ("soql", "word"),
    [
        ("SELECT SELECT Id FROM Lead", "SELECT"),
        ("SELECT Id FROM FROM Lead", "FROM"),
        ("SELECT Id FROM Lead NOT", "NOT"),
        ("SELECT Company, COUNT(Id) last FROM Lead GROUP BY Company", "last"),
        ("SELECT Id FROM Lead WHERE in = 1", "in"),
    ],
    ids=["field", "object", "object's alias", "alias", "operand"],
)
def test_a_reserved_word_is_no_name(soql: str, word: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(soql)
    assert caught.value.items[0].message.endswith(f"unexpected token: '{word}'")


def test_only_grouped_fields_have_aliases() -> None:
    parse("SELECT Company c, COUNT(Id) n FROM Lead GROUP BY Company")
    with pytest.raises(SalesforceError) as caught:
        parse("SELECT Company c FROM Lead")
    assert caught.value.items[0].message.endswith("only aggregate expressions use field aliasing")
