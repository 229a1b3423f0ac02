"""Queries that differ in their texts alone share a tree, and nobody can tell."""

import re

import pytest

from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.soql import ast
from salesforce_simulator.soql.alike import parse_alike
from salesforce_simulator.soql.parse import MAX_LITERAL, MAX_QUERY, parse
from support.client import OrgClient
from support.soql_writer import Writer

SEED = 11
QUERIES = 800
_TEXTS = ("'x'", r"'O\'Brien'", "'a' ,\n'b'", "''", "'東京'")
WITH_TEXTS = (
    "SELECT Id FROM Lead WHERE Email IN ({0}, null, {1}) AND (Name = 'n' OR Name LIKE '_\\_50\\%')",
    "SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM Task WHERE Status IN ({1})) AND Name = 'n'",
    "SELECT COUNT(Id) FROM Lead WHERE Email NOT IN ({0}) GROUP BY Email HAVING Email IN ({1}) LIMIT 3",
    "SELECT Id FROM Lead WHERE Rating INCLUDES ({0}, {1}) ORDER BY Name",
    "SELECT Id FROM Lead",
)


def without_places(query: ast.Query, text: str) -> str:
    return re.sub(r"position=\d+", "position", repr(query).replace(repr(query.text), repr(text)))


def well_formed() -> list[str]:
    writer = Writer(SEED)
    mixed = [form.format(one, other) for form in WITH_TEXTS for one in _TEXTS for other in _TEXTS]
    return mixed + [writer.query() for _ in range(QUERIES)]


def test_it_is_the_querys_own_tree_but_for_its_places() -> None:
    found = [(query, parse_alike(query)) for query in well_formed()]

    assert [
        query
        for query, alike in found
        if alike and without_places(alike, query) != without_places(parse(query), query)
    ] == []
    # Children are asked for when a row is shown, too late to go back to the query's own tree.
    assert {query for query, alike in found if alike is None} == {
        q for q in dict(found) if "( SELECT" in q.split(" FROM ")[0]
    }


def test_what_is_refused_has_no_tree() -> None:
    writer = Writer(SEED)
    slipped = [writer.slipped() for _ in range(QUERIES)]
    known = parse_alike("SELECT Id FROM Lead WHERE Name = 'x'")
    too_long = f"SELECT Id FROM Lead WHERE Name = '{'x' * (MAX_LITERAL + 1)}'"

    assert [query for query in slipped if parse_alike(query) and not is_taken(query)] == []
    assert known is not None
    assert parse_alike(too_long) is None
    assert parse_alike("SELECT Id FROM Lead WHERE Name = 'x\\q'") is None
    assert parse_alike(f"SELECT Id FROM Lead WHERE Name = 'x'{' ' * MAX_QUERY}") is None


def is_taken(query: str) -> bool:
    try:
        parse(query)
    except SalesforceError:
        return False
    return True


@pytest.mark.parametrize("name", ["x", "a longer one"])
async def test_an_error_names_the_place_in_the_query_itself(org: OrgClient, name: str) -> None:
    soql = f"SELECT Id FROM Lead WHERE Name = '{name}' AND Nothing = 1"

    answer = await org.query(soql)

    assert answer.status_code == 400
    assert f"ERROR at Row:1:Column:{soql.index('Nothing') + 1}\n" in answer.json()[0]["message"]


async def test_each_is_answered_for_its_own_texts(org: OrgClient) -> None:
    names = {"Müller": "'Müller'", "O'Brien": r"'O\'Brien'"}
    ids = {name: await org.lead(LastName=name) for name in names}

    found = {
        name: await org.rows(f"SELECT Id FROM Lead WHERE LastName IN ({text})")
        for name, text in names.items()
    }

    assert {name: [row["Id"] for row in rows] for name, rows in found.items()} == {
        name: [record_id] for name, record_id in ids.items()
    }
