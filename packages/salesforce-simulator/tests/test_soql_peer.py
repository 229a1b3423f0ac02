"""Made-up queries, well-formed and with a slip, held against an independent SOQL parser."""

import re

from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.soql.parse import parse
from support.programs import output_of
from support.soql_writer import Writer

SEED = 7
WELL_FORMED = 500
SLIPPED = 1500

# Why we refuse what the other parser takes, by our own words. It takes nothing less than we do.
STRICTER = {
    "orgs allow aliases of plain fields in grouped queries only": (
        "only aggregate expressions use field aliasing"
    ),
    "AND or OR is missing after a list": r"unexpected token: '(?:[A-Z]\w*\.)*[A-Z]?[a-z]\w*'",
    "the same, before a parenthesis": r"unexpected token: '\('",
    "NOT stands once, and beside AND in parentheses of its own": "unexpected token: '(?:NOT|AND|OR)'",
    "a keyword is no alias": "unexpected token: '(?:GROUP|ORDER)'",
}


def problem(soql: str) -> str | None:
    """Why we refuse a query, the last line of the message; None when we take it."""
    try:
        parse(soql)
    except SalesforceError as error:
        return error.items[0].message.rpartition("\n")[2]
    return None


def reason(ours: str | None) -> str:
    """The name of a known difference."""
    found = [name for name, form in STRICTER.items() if ours and re.fullmatch(form, ours)]
    return found[0] if found else f"unexplained: {ours}"


def test_an_independent_parser_agrees_but_for_what_is_listed() -> None:
    writer = Writer(SEED)
    queries = [writer.query() for _ in range(WELL_FORMED)] + [writer.slipped() for _ in range(SLIPPED)]
    ours = [problem(query) for query in queries]
    theirs = output_of("parse_soql.js", queries)

    assert [
        (q, our, their) for q, our, their in zip(queries, ours, theirs, strict=True) if our is None and their
    ] == []
    refused_by_us_alone = [our for our, their in zip(ours, theirs, strict=True) if our and their is None]
    assert {reason(our) for our in refused_by_us_alone} == set(STRICTER)
    assert ours[:WELL_FORMED] == [None] * WELL_FORMED
    assert ours.count(None) < len(queries) - SLIPPED / 2
