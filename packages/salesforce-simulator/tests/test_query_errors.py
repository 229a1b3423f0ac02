"""What a wrong query is told, and where."""

import pytest

from support.client import OrgClient

NAMES = "Please reference your WSDL or the describe call for the appropriate names."


@pytest.mark.parametrize(
    ("soql", "code", "column", "message"),
    [
        pytest.param(
            "SELECT Foo FROM Lead",
            "INVALID_FIELD",
            8,
            "No such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure "
            f"to append the '__c' after the custom field name. {NAMES}",
            id="unknown column",
        ),
        pytest.param(
            "SELECT COUNT() FROM XYZZY",
            "INVALID_TYPE",
            21,
            "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure "
            f"to append the '__c' after the entity name. {NAMES}",
            id="unknown object",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE Foo.Name = 'x'",
            "INVALID_FIELD",
            27,
            "Didn't understand relationship 'Foo' in field path. If you are attempting to use a custom "
            f"relationship, be sure to append the '__r' after the custom relationship name. {NAMES}",
            id="unknown relationship",
        ),
        pytest.param(
            "SELECT (SELECT Id FROM Foos) FROM Lead",
            "INVALID_TYPE",
            24,
            "Didn't understand relationship 'Foos' in FROM part of query call. If you are attempting to use "
            f"a custom relationship, be sure to append the '__r' after the custom relationship name. {NAMES}",
            id="unknown children",
        ),
        pytest.param(
            "SELECT Id FROM Task WHERE Description = 'x'",
            "INVALID_FIELD",
            27,
            "field 'Description' can not be filtered in a query call",
            id="long text in a filter",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE Email = 5",
            "INVALID_FIELD",
            35,
            "value of filter criterion for field 'Email' must be of type string and should be "
            "enclosed in quotes",
            id="text without quotes",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            41,
            "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be "
            "enclosed in quotes",
            id="datetime in quotes",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE IsConverted = 'true'",
            "INVALID_FIELD",
            41,
            "value of filter criterion for field 'IsConverted' must be of type boolean and should not be "
            "enclosed in quotes",
            id="boolean in quotes",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE Id = 'nonsense'",
            "INVALID_QUERY_FILTER_OPERATOR",
            32,
            "invalid ID field: nonsense",
            id="filter by no id",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE IsConverted LIKE 'x'",
            "INVALID_QUERY_FILTER_OPERATOR",
            27,
            "invalid operator on boolean field",
            id="LIKE on a boolean",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE CreatedDate = SOMEDAY",
            "MALFORMED_QUERY",
            41,
            "unexpected token: 'SOMEDAY'",
            id="unknown date word",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS",
            "MALFORMED_QUERY",
            41,
            "unexpected token: 'LAST_N_DAYS'",
            id="date word without its number",
        ),
        pytest.param(
            "SELECT Id FROM Task WHERE ActivityDate = 2026-02-30",
            "MALFORMED_QUERY",
            42,
            "Invalid date: 2026-02-30",
            id="no such day",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE COUNT(Id) = 1",
            "MALFORMED_QUERY",
            27,
            "function COUNT cannot be used here",
            id="function in WHERE",
        ),
        pytest.param(
            "SELECT Id FROM Lead ORDER BY COUNT(Id)",
            "MALFORMED_QUERY",
            30,
            "Ordered field must be grouped",
            id="function in ORDER BY",
        ),
        pytest.param(
            "SELECT SHOUT(Id) FROM Lead",
            "MALFORMED_QUERY",
            8,
            "unexpected token: 'SHOUT'",
            id="unknown function",
        ),
        pytest.param(
            "SELECT FIELDS(ALL) FROM Lead",
            "MALFORMED_QUERY",
            8,
            "The SOQL FIELDS function must have a LIMIT of at most 200",
            id="FIELDS without a limit",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE Id IN (SELECT Id FROM Unicorn)",
            "INVALID_TYPE",
            49,
            "sObject type 'Unicorn' is not supported. If you are attempting to use a custom object, be sure "
            f"to append the '__c' after the entity name. {NAMES}",
            id="unknown object in a semi-join",
        ),
        pytest.param(
            "SELECT Id FROM Lead WHERE Id IN (SELECT Id, Name FROM Contact)",
            "MALFORMED_QUERY",
            55,
            "Nesting of semi join is not supported",
            id="semi-join of two columns",
        ),
        pytest.param(
            "SELECT COUNT(Id) FROM Lead GROUP BY DAY(CreatedDate)",
            "MALFORMED_QUERY",
            37,
            "unexpected token: 'DAY'",
            id="function in GROUP BY",
        ),
        pytest.param(
            "SELECT SHOUT(Id) FROM Lead GROUP BY Company",
            "MALFORMED_QUERY",
            8,
            "unexpected token: 'SHOUT'",
            id="unknown function in a group",
        ),
    ],
)
async def test_a_wrong_query_says_where(
    org: OrgClient, soql: str, code: str, column: int, message: str
) -> None:
    answer = await org.query(soql)

    place = f"\n{soql}\n{' ' * (column - 1)}^\nERROR at Row:1:Column:{column}\n"
    expected = [{"message": place + message, "errorCode": code}]
    assert (answer.status_code, answer.json()) == (400, expected)
