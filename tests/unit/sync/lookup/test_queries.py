"""What a refused query means is decided by its kind, whatever its reference id looks like."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from app.salesforce.composite import Subrequest, SubResponse
from app.salesforce.errors import ApiError
from app.salesforce.ids import to18
from app.sync.lookup.access import LookupRejected
from app.sync.lookup.lookup import QueryResult, records_of, run_queries
from app.sync.lookup.parse import records_by_label, records_by_reference
from app.sync.lookup.queries import LookupQuery, QueryKind, lost_create_soql
from app.sync.model.record_kinds import slots_by_lost_create

TASK_QUERY, CASE_QUERY = (
    query for sobject in ("Task", "Case") for query in slots_by_lost_create() if query.sobject == sobject
)
ADA, BEN, EVA = (to18(f"00Q5g000000000{number}") for number in (1, 2, 9))
FIRST, SECOND, THIRD = (to18(f"00T5g000000000{number}") for number in (1, 2, 3))


class Org:
    """Answers every query with one record, or refuses it with the code."""

    api_version = "62.0"

    def __init__(self, code: str | None = None) -> None:
        self.code = code

    async def composite(self, requests: Sequence[Subrequest]) -> list[SubResponse]:
        failures = (ApiError(self.code, "no"),) if self.code else ()
        body = {"records": [{"Id": ADA}], "done": True}
        return [SubResponse(each.reference_id, 200, body, failures) for each in requests]

    async def all_records(self, page: Any) -> list[dict[str, Any]]:
        return list(page.records)


async def outcome(kind: QueryKind, code: str) -> QueryResult | str | None:
    query = LookupQuery(kind, "SELECT Id FROM Lead", "Lead", suffix="members1")
    try:
        [result] = await run_queries(Org(code), [query])  # type: ignore[arg-type]
    except LookupRejected as refused:
        return refused.sobject
    return result


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (QueryKind.MEMBERS, "INVALID_TYPE", QueryResult(QueryKind.MEMBERS, [], is_hidden=True)),
        (QueryKind.STATUSES, "INVALID_TYPE", QueryResult(QueryKind.STATUSES, [], is_hidden=True)),
        (QueryKind.MEMBERS, "INVALID_FIELD", "Lead"),
        (QueryKind.PEOPLE, "INVALID_TYPE", "Lead"),
        (QueryKind.TASK_STATUSES, "INVALID_TYPE", QueryResult(QueryKind.TASK_STATUSES, [])),
        (QueryKind.TASK_STATUSES, "UNABLE_TO_LOCK_ROW", "Lead"),
        (QueryKind.USERS, "INVALID_FIELD", QueryResult(QueryKind.USERS, [])),
        (QueryKind.ACCOUNTS_BY_NAME, "INVALID_TYPE", "Lead"),
    ],
)
async def test_a_refusal_means_what_its_kind_of_query_says(
    kind: QueryKind, code: str, expected: QueryResult | str
) -> None:
    assert await outcome(kind, code) == expected


async def test_records_are_found_by_the_kinds_that_asked_for_them() -> None:
    queries = [
        LookupQuery(QueryKind.PEOPLE, "SELECT Id FROM Lead", suffix="Lead0"),
        LookupQuery(QueryKind.PEOPLE, "SELECT Id FROM Contact", suffix="Contact0"),
        LookupQuery(QueryKind.MEMBERS, "SELECT Id FROM CampaignMember", suffix="Lead0"),
    ]
    results = await run_queries(Org(), queries)  # type: ignore[arg-type]
    assert [len(records_of(results, kind)) for kind in QueryKind] == [2, 1, *[0] * (len(QueryKind) - 2)]
    assert len(records_of(results, QueryKind.PEOPLE, QueryKind.MEMBERS)) == 3


def test_each_task_that_is_found_by_its_subject_is_one_persons() -> None:
    rows: list[dict[str, Any]] = [
        {"Id": FIRST, "WhoId": ADA, "Subject": "Came"},
        {"Id": SECOND, "WhoId": ADA, "Subject": "Came"},
        {"Id": THIRD, "WhoId": BEN, "Subject": None},
    ]
    lost = [
        ("EVS-1", "Came", [EVA, ADA]),
        ("EVS-2", "Came", [ADA]),
        ("EVS-3", "Came", [ADA]),
        ("EVS-4", "", [BEN]),
    ]
    assert records_by_label(TASK_QUERY, rows, lost) == {"EVS-1": FIRST, "EVS-2": SECOND, "EVS-4": THIRD}


def test_tasks_are_found_by_each_reference_in_their_description() -> None:
    references = ["EVS-AAAAAAAAAAAAAAAA", "EVS-BBBBBBBBBBBBBBBB"]
    rows: list[dict[str, Any]] = [
        {"Id": FIRST, "Description": f"Moved. {' '.join(references)}"},
        {"Id": SECOND, "Description": None},
    ]
    assert records_by_reference(TASK_QUERY, rows) == dict.fromkeys(references, FIRST)


def test_tasks_are_asked_for_by_person_since_a_moment() -> None:
    soql = lost_create_soql(
        TASK_QUERY, ["Description"], {"WhoId": [ADA]}, datetime(2026, 5, 4, 8, tzinfo=UTC)
    )
    assert soql == (
        f"SELECT Id, Description FROM Task WHERE WhoId IN ('{ADA}') AND CreatedDate >= 2026-05-04T08:00:00Z"
    )


def test_cases_are_found_by_address_and_label_where_the_reference_is_hidden() -> None:
    rows: list[dict[str, Any]] = [
        {"Id": FIRST, "SuppliedEmail": "Ada@River.example", "Subject": "Meeting: Otters"},
        {"Id": SECOND, "SuppliedEmail": None, "Subject": "Meeting: Otters"},
    ]
    lost = [
        ("EVS-1", "Meeting: Otters", ["ada@river.example"]),
        ("EVS-2", "Meeting: Otters", ["ben@river.example"]),
        ("EVS-3", "Meeting: Otters", [""]),
    ]
    assert records_by_label(CASE_QUERY, rows, lost) == {"EVS-1": FIRST, "EVS-3": SECOND}


def test_cases_are_asked_for_by_whatever_may_hold_since_a_moment() -> None:
    whose = {"ContactId": [ADA], "SuppliedEmail": ["ada@river.example"], "Subject": ["Meeting: O'Tter"]}
    soql = lost_create_soql(CASE_QUERY, ["Description"], whose, datetime(2026, 5, 4, 8, tzinfo=UTC))
    assert soql == (
        f"SELECT Id, Description FROM Case WHERE (ContactId IN ('{ADA}') OR SuppliedEmail IN "
        r"('ada@river.example') OR Subject IN ('Meeting: O\'Tter')) AND CreatedDate >= 2026-05-04T08:00:00Z"
    )
