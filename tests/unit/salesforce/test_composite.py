"""Composite builders and readers."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.salesforce.composite import (
    QueryPage,
    Record,
    RowResult,
    Subrequest,
    SubResponse,
    collection_create,
    collection_update,
    composite_body,
    create_request,
    group_into_composites,
    parse_collection,
    parse_composite,
    parse_query,
    parse_written,
    query_path,
    query_request,
    update_request,
)
from app.salesforce.errors import ApiError, DuplicateMatch, RequestRejected, ResponseLost
from app.salesforce.ids import MalformedId

LEAD = "00Q5g00000AbCdEEAV"
CONTACT = "003RM0000068xVCYAY"


def query(reference_id: str) -> Subrequest:
    return query_request(reference_id, "SELECT Id FROM Lead", api_version="62.0")


def collection(reference_id: str) -> Subrequest:
    return collection_create(reference_id, [Record("Task", {"Subject": "x"})], api_version="62.0")


def single(reference_id: str) -> Subrequest:
    return create_request(reference_id, "Lead", {"LastName": "x"}, api_version="62.0")


def entry(reference_id: str, status: int, body: Any) -> dict[str, Any]:
    return {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": reference_id}


def test_a_query_goes_into_the_url_of_its_subrequest() -> None:
    request = query_request("q", "SELECT Id FROM Lead WHERE Email = 'a+b@x.de'", api_version="v62.0")
    assert request.method == "GET"
    assert request.url == (
        "/services/data/v62.0/query?q=SELECT%20Id%20FROM%20Lead%20WHERE%20Email%20%3D%20%27a%2Bb%40x.de%27"
    )


def test_deleted_records_are_asked_for_by_query_all() -> None:
    request = query_request("q", "SELECT Id FROM Lead", api_version="62.0", include_deleted=True)
    assert request.url.startswith("/services/data/v62.0/queryAll?q=")


def test_a_create_is_a_post_to_its_object() -> None:
    request = create_request("c", "Lead", {"LastName": "x"}, api_version="62.0", headers={"X": "1"})
    assert request == Subrequest(
        "POST", "/services/data/v62.0/sobjects/Lead", "c", {"LastName": "x"}, {"X": "1"}
    )


@pytest.mark.parametrize("sobject", ["", "Lead/../Contact", "Lead?x", "1Lead", "Le ad", "Lead\n", "Lëad"])
def test_only_api_names_come_into_a_path(sobject: str) -> None:
    with pytest.raises(ValueError, match="API name"):
        create_request("c", sobject, {}, api_version="62.0")


def test_an_update_addresses_the_long_id_and_runs_no_assignment_rules() -> None:
    request = update_request("u", "Lead", LEAD[:15], {"Title": "x"}, api_version="62.0")
    assert request.method == "PATCH"
    assert request.url.startswith("/services/data/v62.0/sobjects/Lead/00Q5g00000AbCdE")
    assert len(request.url.rpartition("/")[2]) == 18
    assert request.headers == {"Sforce-Auto-Assign": "FALSE"}


def test_a_collection_carries_the_type_of_each_row() -> None:
    records = [Record("Task", {"Subject": "a"}), Record("CampaignMember", {"Status": "Registered"})]
    request = collection_create("c", records, api_version="62.0")
    assert (request.method, request.url) == ("POST", "/services/data/v62.0/composite/sobjects")
    assert request.headers is None
    assert request.body == {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Task"}, "Subject": "a"},
            {"attributes": {"type": "CampaignMember"}, "Status": "Registered"},
        ],
    }


def test_an_updating_collection_carries_ids_and_runs_no_assignment_rules() -> None:
    records = [Record("Contact", {"Title": "a"}, id=CONTACT)]
    request = collection_update("u", records, api_version="62.0", headers={"X": "1"})
    assert request.method == "PATCH"
    assert request.headers == {"Sforce-Auto-Assign": "FALSE", "X": "1"}
    assert request.body is not None
    assert request.body["records"] == [{"attributes": {"type": "Contact"}, "id": CONTACT, "Title": "a"}]


def test_an_update_without_id_is_refused() -> None:
    with pytest.raises(MalformedId):
        collection_update("u", [Record("Contact", {})], api_version="62.0")


@pytest.mark.parametrize(
    "sobjects",
    [
        pytest.param([], id="none"),
        pytest.param(["Task"] * 201, id="201-rows"),
        pytest.param(["Task", "Lead"] * 6, id="12-runs-of-one-type"),
    ],
)
def test_a_collection_beyond_the_caps_is_refused(sobjects: list[str]) -> None:
    with pytest.raises(ValueError, match="a collection takes"):
        collection_create("c", [Record(sobject, {}) for sobject in sobjects], api_version="62.0")


def test_five_collections_share_a_composite() -> None:
    packed = group_into_composites([collection(f"c{n}") for n in range(11)])
    assert [len(composite) for composite in packed] == [5, 5, 1]
    assert [each.reference_id for each in packed[2]] == ["c10"]


def test_single_creates_share_a_composite_by_twenty_five() -> None:
    assert [len(composite) for composite in group_into_composites([single(f"s{n}") for n in range(51)])] == [
        25,
        25,
        1,
    ]


def test_nothing_packs_into_nothing() -> None:
    assert group_into_composites([]) == []


def test_a_composite_keeps_order_and_is_never_collated() -> None:
    body = composite_body([query("a"), update_request("b", "Lead", LEAD, {"T": 1}, api_version="62.0")])
    assert body["allOrNone"] is False
    assert body["collateSubrequests"] is False
    first, second = body["compositeRequest"]
    assert set(first) == {"method", "url", "referenceId"}
    assert second["httpHeaders"] == {"Sforce-Auto-Assign": "FALSE"}
    assert second["body"] == {"T": 1}


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param([], id="empty"),
        pytest.param([single(f"s{n}") for n in range(26)], id="26"),
        pytest.param([query(f"q{n}") for n in range(6)], id="6-queries"),
        pytest.param(
            [query(f"q{n}") for n in range(3)] + [collection(f"c{n}") for n in range(3)], id="3-and-3"
        ),
        pytest.param([single("a"), single("a")], id="repeated-reference"),
        pytest.param([single("_a")], id="leading-underscore"),
        pytest.param([single("a-b")], id="hyphen"),
        pytest.param([single("")], id="no-reference"),
    ],
)
def test_a_composite_beyond_the_rules_is_refused_before_sending(requests: list[Subrequest]) -> None:
    with pytest.raises(ValueError, match=r"composite takes|reference ids"):
        composite_body(requests)


def test_twenty_singles_and_five_queries_fit() -> None:
    requests = [single(f"s{n}") for n in range(20)] + [query(f"q{n}") for n in range(5)]
    assert len(composite_body(requests)["compositeRequest"]) == 25


def test_answers_come_in_the_order_of_the_requests() -> None:
    body = {"compositeResponse": [entry("b", 204, None), entry("a", 200, {"done": True, "records": []})]}
    answers = parse_composite(body, [query("a"), single("b")])
    assert [answer.reference_id for answer in answers] == ["a", "b"]
    assert all(answer.failures == () for answer in answers)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(404, [{"errorCode": "NOT_FOUND", "message": "x"}], "NOT_FOUND", id="named"),
        pytest.param(
            400, [{"errorCode": "PROCESSING_HALTED", "message": "x"}], "PROCESSING_HALTED", id="halted"
        ),
        pytest.param(500, None, "HTTP_500", id="unnamed"),
        pytest.param(300, ["/services/data/v62.0/sobjects/Lead/x"], "MULTIPLE_CHOICES", id="several"),
    ],
)
def test_a_failed_subrequest_carries_its_failures(status: int, body: Any, code: str) -> None:
    [answer] = parse_composite({"compositeResponse": [entry("a", status, body)]}, [query("a")])
    assert [failure.error_code for failure in answer.failures] == [code]
    assert answer.failures[0].http_status == status


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="array"),
        pytest.param({}, id="no-response"),
        pytest.param({"compositeResponse": []}, id="too-few"),
        pytest.param({"compositeResponse": [entry("a", 200, {})] * 2}, id="too-many"),
        pytest.param({"compositeResponse": [entry("b", 200, {})]}, id="another-reference"),
        pytest.param({"compositeResponse": ["text"]}, id="text-entry"),
        pytest.param({"compositeResponse": [{"referenceId": "a"}]}, id="no-status"),
        pytest.param(
            {"compositeResponse": [entry("a", 200, {}) | {"referenceId": 1}]}, id="numeric-reference"
        ),
    ],
)
def test_an_incomplete_composite_answer_is_lost(body: Any) -> None:
    with pytest.raises(ResponseLost):
        parse_composite(body, [query("a")])


def answered(body: Any, status: int = 200, failures: tuple[ApiError, ...] = ()) -> SubResponse:
    return SubResponse("a", status, body, failures)


def test_a_query_gives_its_page() -> None:
    records = [{"attributes": {"type": "Lead"}, "Id": LEAD}]
    last = answered({"totalSize": 1, "done": True, "records": records})
    assert parse_query(last) == QueryPage(records, None)
    next_url = "/services/data/v60.0/query/01g3A00007lZwLKQA0-2000"
    first = answered({"totalSize": 2001, "done": False, "nextRecordsUrl": next_url, "records": records})
    assert parse_query(first) == QueryPage(records, next_url)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"done": True}, id="no-records"),
        pytest.param({"done": True, "records": [None]}, id="odd-record"),
        pytest.param({"records": []}, id="not-done"),
        pytest.param(
            {"done": False, "records": [], "nextRecordsUrl": "https://evil.example/x"}, id="another-host"
        ),
        pytest.param({"done": False, "records": [], "nextRecordsUrl": "//evil.example/x"}, id="no-scheme"),
        pytest.param(
            {"done": False, "records": [], "nextRecordsUrl": "/services/data/v60.0/query/../../x"},
            id="climbing",
        ),
    ],
)
def test_a_look_up_that_cannot_be_read_is_never_not_found(body: Any) -> None:
    with pytest.raises(ResponseLost):
        parse_query(answered(body))


def test_a_refused_query_is_refused() -> None:
    with pytest.raises(RequestRejected):
        parse_query(answered([], 400, (ApiError("MALFORMED_QUERY", "x", http_status=400),)))


def test_a_create_gives_its_id() -> None:
    assert parse_written(answered({"id": CONTACT, "success": True, "errors": []}, 201), None) == CONTACT


def test_a_create_that_was_refused_names_the_match() -> None:
    failure = ApiError(
        "DUPLICATES_DETECTED", "x", http_status=400, matches=(DuplicateMatch("Contact", CONTACT),)
    )
    with pytest.raises(RequestRejected) as refused:
        parse_written(answered([], 400, (failure,)), None)
    assert refused.value.failure.matches == (DuplicateMatch("Contact", CONTACT),)


def test_a_create_that_says_no_in_its_body_is_refused() -> None:
    with pytest.raises(RequestRejected):
        parse_written(answered({"success": False, "errors": [{"statusCode": "X", "message": ""}]}), None)


def test_rows_are_read_by_position() -> None:
    rows = [
        {"success": False, "errors": [{"statusCode": "DUPLICATES_DETECTED", "message": "m", "fields": []}]},
        {"id": CONTACT, "success": True, "errors": []},
        {"id": LEAD[:15], "success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "m"}]},
    ]
    results = parse_collection(answered(rows), 3)
    assert results[0] == RowResult(None, (ApiError("DUPLICATES_DETECTED", "m"),))
    assert results[1] == RowResult(CONTACT)
    assert [result.is_success for result in results] == [False, True, False]
    assert results[2].id is not None
    assert results[2].id.startswith(LEAD[:15])


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="object"),
        pytest.param([], id="too-few"),
        pytest.param([{"id": CONTACT, "success": True, "errors": []}] * 2, id="too-many"),
        pytest.param([None], id="odd-row"),
        pytest.param([{"id": CONTACT}], id="no-success"),
        pytest.param([{"id": CONTACT, "success": 1}], id="success-is-a-number"),
        pytest.param([{"success": True, "errors": []}], id="no-id"),
        pytest.param([{"id": CONTACT[:15] + "AAA", "success": True}], id="bad-checksum"),
        pytest.param([{"success": False, "errors": []}], id="no-error"),
    ],
)
def test_rows_that_do_not_say_what_became_of_them_are_lost(rows: Any) -> None:
    with pytest.raises(ResponseLost):
        parse_collection(answered(rows), 1)


def test_a_collection_that_failed_as_a_whole_is_refused() -> None:
    with pytest.raises(RequestRejected):
        parse_collection(answered([], 400, (ApiError("JSON_PARSER_ERROR", "x", http_status=400),)), 1)


def test_a_collection_without_salesforces_word_is_lost() -> None:
    with pytest.raises(ResponseLost):
        parse_collection(answered(None, 502, (ApiError("HTTP_502", "x", http_status=502),)), 1)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_queries_are_encoded_to_the_last_character(soql: str) -> None:
    assert query_path(soql, api_version="62.0") == f"/services/data/v62.0/query?q={quote(soql, safe='')}"
