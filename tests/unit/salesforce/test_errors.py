"""Salesforce's errors: read from every shape they come in, sorted by one table."""

from typing import Any

import pytest

from app.salesforce.error_codes import CLASSIFICATION_BY_CODE, CLASSIFICATION_BY_PREFIX
from app.salesforce.errors import (
    ApiError,
    DuplicateMatch,
    ErrorClass,
    NotSent,
    RequestRejected,
    ResponseLost,
    Scope,
    SendGuardTripped,
    parse_failures,
)

APEX = "npsp.TDTM_Opportunity: execution of AfterInsert\n\ncaused by: System.DmlException: Insert failed."
LOCKED_INSIDE = "first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: []"
CPU = "T: execution of BeforeInsert\n\ncaused by: System.LimitException: Apex CPU time limit exceeded"
PRINTED_ERROR_ID = "An unexpected error occurred. Please include this ErrorId: 1678459733-112656 (-771449107)"

SORTED: list[tuple[str, str, int | None, str, str]] = [
    ("INVALID_SESSION_ID", "Session expired or invalid", 401, "transient", "connection"),
    ("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", 401, "access", "connection"),
    (
        "API_DISABLED_FOR_ORG",
        "The REST API is not enabled for this Organization.",
        403,
        "access",
        "connection",
    ),
    ("API_CURRENTLY_DISABLED", "API is disabled for this user", 403, "access", "connection"),
    ("Bad_OAuth_Token", "", 403, "transient", "connection"),
    ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403, "limit", "org"),
    ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded", 403, "limit", "org"),
    ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", 400, "limit", "org"),
    ("SERVER_UNAVAILABLE", "Server Unavailable", 503, "transient", "org"),
    ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", 400, "transient", "org"),
    ("UNKNOWN_EXCEPTION", PRINTED_ERROR_ID, 500, "transient", "org"),
    ("UNKNOWN_EXCEPTION", PRINTED_ERROR_ID, None, "transient", "record"),
    ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", 400, "transient", "record"),
    ("QUERY_TIMEOUT", "Your query request was running too long.", 400, "transient", "record"),
    (
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
        401,
        "access",
        "connection",
    ),
    ("HTTP_401", "an answer without an error code", 401, "transient", "org"),
    ("HTTP_403", "an answer without an error code", 403, "transient", "org"),
    ("ORG_LOCKED", "", 403, "access", "connection"),
    ("TRIAL_EXPIRED", "", 403, "access", "connection"),
    ("PASSWORD_LOCKOUT", "", 403, "access", "connection"),
    ("ORG_IN_MAINTENANCE", "", 503, "transient", "org"),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back", None, "transient", "record"),
    ("PROCESSING_HALTED", "Invalid reference specified.", 400, "data", "record"),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", 400, "access", "record"),
    ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access", None, "access", "record"),
    ("INSUFFICIENT_ACCESS_SOMETHING_NEW", "", 400, "access", "record"),
    ("TXN_SECURITY_METERING_ERROR", "", 400, "access", "record"),
    ("ENTITY_IS_LOCKED", "the entity is locked for editing", 400, "access", "record"),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "entity type cannot be inserted: Campaign",
        400,
        "access",
        "record",
    ),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "typ entity nelze vložit: Campaign", 400, "access", "record"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", APEX, 400, "data", "record"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"{APEX} {LOCKED_INSIDE}", 400, "transient", "record"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", CPU, None, "transient", "record"),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record", 400, "data", "record"),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", f"the “X” process failed. {LOCKED_INSIDE}", 400, "transient", "record"),
    ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", 400, "configuration", "record"),
    ("INVALID_FIELD", "No such column 'X' on sobject of type Lead", 400, "configuration", "record"),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X", 400, "configuration", "record"),
    ("INVALID_TYPE", "sObject type 'X' is not supported.", 400, "configuration", "record"),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Race: bad value", 400, "configuration", "record"),
    ("UNSUPPORTED_API_VERSION", "", 410, "configuration", "connection"),
    ("REDIRECTED", "HTTP 302", 302, "configuration", "connection"),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "UNABLE_TO_LOCK_ROW says the admin", 400, "data", "record"),
    ("STRING_TOO_LONG", "Last Name: data value too large: x (max length=80)", 400, "data", "record"),
    ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: x", 400, "data", "record"),
    ("FIELD_INTEGRITY_EXCEPTION", "Name ID: id value of incorrect type", 400, "data", "record"),
    ("JSON_PARSER_ERROR", "Cannot deserialize instance of datetime", 400, "data", "record"),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", 400, "data", "record"),
    ("ENTITY_IS_DELETED", "entity is deleted", 404, "data", "record"),
    ("DUPLICATES_DETECTED", "Use one of these records?", 400, "duplicate", "record"),
    ("DUPLICATE_VALUE", "Already a campaign member.", 400, "duplicate", "record"),
    ("ANSWER_LOST", "", None, "ambiguous", "record"),
    ("HTTP_502", "", 502, "ambiguous", "record"),
    ("NOT_SENT", "", None, "transient", "org"),
    ("REFRESH_UNAVAILABLE", "", None, "transient", "org"),
    ("CONNECTION_ENDED", "", None, "access", "connection"),
    ("HTTP_414", "", 414, "transient", "record"),
    ("A_CODE_FROM_NEXT_YEAR", "", 400, "other", "record"),
]


@pytest.mark.parametrize(
    ("code", "message", "status", "error_class", "scope"),
    [pytest.param(*row, id=f"{row[0]}-{row[1][:20]}-{row[2]}") for row in SORTED],
)
def test_each_code_has_its_class_and_scope(
    code: str, message: str, status: int | None, error_class: str, scope: str
) -> None:
    failure = ApiError(code, message, http_status=status)
    assert (failure.error_class, failure.scope) == (ErrorClass(error_class), Scope(scope))


def test_no_prefix_contradicts_a_row_of_the_table() -> None:
    for prefix, sorting in CLASSIFICATION_BY_PREFIX:
        named = {code: row for code, row in CLASSIFICATION_BY_CODE.items() if code.startswith(prefix)}
        assert set(named.values()) <= {sorting}, prefix


@pytest.mark.parametrize(
    ("code", "message", "is_daily"),
    [
        pytest.param("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", True, id="daily"),
        pytest.param(
            "REQUEST_LIMIT_EXCEEDED", "a text of next year", True, id="unknown-text-is-the-safer-one"
        ),
        pytest.param(
            "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded", False, id="long-txn"
        ),
        pytest.param(
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
            False,
            id="concurrent",
        ),
        pytest.param("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", False, id="storage"),
    ],
)
def test_only_the_daily_allowance_is_a_daily_limit(code: str, message: str, is_daily: bool) -> None:
    assert ApiError(code, message).is_daily_limit is is_daily


def duplicate(
    *matches: tuple[str, str], key: str = "duplicateResult", allow_save: bool = True
) -> dict[str, Any]:
    """One DUPLICATES_DETECTED error as recorded; each match is (object, id)."""
    records = [
        {
            "entityType": sobject,
            "errors": [],
            "matchEngine": "FuzzyMatchEngine",
            "matchRecords": [
                {
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {"attributes": {"type": sobject, "url": "/services/data/v60.0/…"}, "Id": id_},
                }
            ],
            "rule": f"Standard_{sobject}_Match_Rule_v1_1",
            "size": 1,
            "success": True,
        }
        for sobject, id_ in matches
    ]
    result = {"allowSave": allow_save, "duplicateRule": "R", "matchResults": records}
    return {key: result, "errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}


@pytest.mark.parametrize("key", ["duplicateResult", "duplicateResut"])
@pytest.mark.parametrize("allow_save", [True, False])
def test_a_duplicate_names_its_matches_in_both_spellings(key: str, allow_save: bool) -> None:
    body = [duplicate(("Contact", "003aj000002oTldAAE"), key=key, allow_save=allow_save)]
    [failure] = parse_failures(400, body)
    assert failure.matches == (DuplicateMatch("Contact", "003aj000002oTldAAE"),)
    assert failure.allow_save is allow_save
    assert failure.fields == ()


def test_matches_of_several_objects_keep_their_order_and_appear_once() -> None:
    lead, contact = "00Q5g00000AbCdEEAV", "003aj000002oTldAAE"
    body = [duplicate(("Lead", lead[:15]), ("Contact", contact), ("Lead", lead))]
    [failure] = parse_failures(400, body)
    assert failure.matches == (
        DuplicateMatch("Lead", "00Q5g00000AbCdE" + failure.matches[0].id[15:]),
        DuplicateMatch("Contact", contact),
    )
    assert len(failure.matches) == 2


def test_an_invisible_match_leaves_no_id() -> None:
    body = [duplicate(("Contact", ""))]
    [failure] = parse_failures(400, body)
    assert failure.matches == ()
    assert failure.allow_save is True


@pytest.mark.parametrize(
    "result",
    [
        pytest.param("text", id="text"),
        pytest.param({"matchResults": "text"}, id="no-list"),
        pytest.param({"matchResults": [None, {"matchRecords": [None, {"record": 5}]}]}, id="odd-entries"),
        pytest.param(
            {"matchResults": [{"matchRecords": [{"record": {"Id": "003aj000002oTldAAE"}}]}]}, id="no-type"
        ),
    ],
)
def test_an_odd_duplicate_result_is_a_duplicate_without_matches(result: object) -> None:
    [failure] = parse_failures(400, [{"errorCode": "DUPLICATES_DETECTED", "duplicateResult": result}])
    assert (failure.error_class, failure.matches) == (ErrorClass.DUPLICATE, ())


def test_the_entity_type_stands_in_for_a_missing_type() -> None:
    record = {"record": {"Id": "003aj000002oTldAAE"}}
    result = {"matchResults": [{"entityType": "Contact", "matchRecords": [record]}]}
    [failure] = parse_failures(400, [{"errorCode": "DUPLICATES_DETECTED", "duplicateResult": result}])
    assert failure.matches == (DuplicateMatch("Contact", "003aj000002oTldAAE"),)


@pytest.mark.parametrize(
    ("message", "matches"),
    [
        pytest.param("Already a campaign member.", (), id="member-names-none"),
        pytest.param(
            "duplicate value found: Account_ID__c duplicates value on record with id: 001U000001c83gK",
            (DuplicateMatch("Account", "001U000001c83gKIAQ"),),
            id="15-characters",
        ),
        pytest.param(
            "Doppelter Wert gefunden: Badge__c entspricht dem Wert im Datensatz mit der ID 00QU000001c83gK.",
            (DuplicateMatch("Lead", "00QU000001c83gKMAQ"),),
            id="another language",
        ),
        pytest.param("… duplicates value on record with id: a01xx0000001234", (), id="custom-object"),
        pytest.param("… duplicates value on record with id: <unknown>", (), id="unknown"),
        pytest.param("… duplicates value on record with id: 001U000001c83gKAAA", (), id="bad-checksum"),
    ],
)
def test_a_unique_field_names_the_holder_in_its_text(
    message: str, matches: tuple[DuplicateMatch, ...]
) -> None:
    [failure] = parse_failures(400, [{"message": message, "errorCode": "DUPLICATE_VALUE", "fields": []}])
    assert failure.matches == matches


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(
            400,
            [
                {
                    "message": "Required fields are missing: [Company]",
                    "errorCode": "REQUIRED_FIELD_MISSING",
                    "fields": ["Company"],
                }
            ],
            [ApiError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", ("Company",), 400)],
            id="array",
        ),
        pytest.param(
            400,
            [{"message": "a", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []}] * 2,
            [ApiError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "a", http_status=400)] * 2,
            id="two-errors",
        ),
        pytest.param(
            404,
            {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"},
            [ApiError("NOT_FOUND", "The requested resource does not exist", http_status=404)],
            id="single-object",
        ),
        pytest.param(
            None,
            {
                "success": False,
                "errors": [{"statusCode": "INVALID_FIELD", "message": "No such column", "fields": []}],
            },
            [ApiError("INVALID_FIELD", "No such column")],
            id="collection-row",
        ),
        pytest.param(
            400,
            {"error": "invalid_grant", "error_description": "expired access/refresh token"},
            [ApiError("invalid_grant", "expired access/refresh token", http_status=400)],
            id="oauth",
        ),
        pytest.param(
            300,
            ["/services/data/v60.0/sobjects/Contact/0033h00000Kzv3AAAR", "nonsense", 5],
            [
                ApiError(
                    "MULTIPLE_CHOICES",
                    "several records match",
                    (),
                    300,
                    (DuplicateMatch("Contact", "0033h00000Kzv3AAAR"),),
                )
            ],
            id="multiple-choices",
        ),
        pytest.param(200, {"id": "00Q", "success": True, "errors": []}, [], id="success-row"),
        pytest.param(200, {"statusCode": 200, "result": {}}, [], id="numeric-status-code"),
        pytest.param(400, [], [], id="empty-array"),
        pytest.param(400, [None, "text", 5, {}], [], id="odd-items"),
        pytest.param(400, None, [], id="nothing"),
        pytest.param(400, "text", [], id="text"),
        pytest.param(
            400,
            [{"errorCode": "X", "message": None, "fields": [5, "A"]}],
            [ApiError("X", "", ("A",), 400)],
            id="odd-values",
        ),
    ],
)
def test_every_shape_of_error_is_read(status: int | None, body: object, expected: list[ApiError]) -> None:
    assert list(parse_failures(status, body)) == expected


def test_messages_are_cut_and_can_be_stored_as_text() -> None:
    body = [{"errorCode": "STRING_TOO_LONG", "message": "a\x00b\ud800" + "x" * 600}]
    [failure] = parse_failures(400, body)
    assert len(failure.message) == 500
    assert failure.message.startswith("a�b�x")
    failure.message.encode()


def test_an_answer_of_many_errors_keeps_fifty() -> None:
    assert len(parse_failures(400, [{"errorCode": "X", "message": ""}] * 1000)) == 50


def test_a_refusal_shows_its_first_failure() -> None:
    first, second = ApiError("A", "one"), ApiError("B", "two")
    refused = RequestRejected((first, second))
    assert refused.failure == first
    assert str(refused) == "A: one; B: two"


@pytest.mark.parametrize(
    ("error", "code", "error_class"),
    [
        (ResponseLost("reset"), "ANSWER_LOST", ErrorClass.AMBIGUOUS),
        (NotSent("no address"), "NOT_SENT", ErrorClass.TRANSIENT),
        (SendGuardTripped("late"), "NOT_SENT", ErrorClass.TRANSIENT),
    ],
)
def test_ends_without_an_answer_are_failures_too(
    error: ResponseLost | NotSent, code: str, error_class: ErrorClass
) -> None:
    assert error.failure == ApiError(code, str(error))
    assert error.failure.error_class is error_class
