"""What each Salesforce error code means for us: its class, and how far it reaches."""

import re
from enum import StrEnum
from typing import Final, NamedTuple


class ErrorClass(StrEnum):
    """Who can cure it. TRANSIENT: time. LIMIT: the rolling allowance. ACCESS: an admin's permission.
    CONFIGURATION: our mapping or the org's fields. DATA: this record's content. DUPLICATE: a person who
    merges. AMBIGUOUS: nobody yet, since it may have been applied. OTHER: unknown."""

    TRANSIENT = "transient"
    LIMIT = "limit"
    ACCESS = "access"
    CONFIGURATION = "configuration"
    DATA = "data"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    OTHER = "other"


class Scope(StrEnum):
    """What else would fail the same way now: only this record, the whole connection, or the whole org."""

    RECORD = "record"
    CONNECTION = "connection"
    ORG = "org"


class Classification(NamedTuple):
    """A class and a scope."""

    error_class: ErrorClass
    scope: Scope


# Codes that are ours, for ends without a Salesforce code.
RESPONSE_LOST: Final = "ANSWER_LOST"
NOT_SENT: Final = "NOT_SENT"
REDIRECTED: Final = "REDIRECTED"
MULTIPLE_CHOICES: Final = "MULTIPLE_CHOICES"
RECORD_LOCKED: Final = "UNABLE_TO_LOCK_ROW"
CONNECTION_ENDED: Final = "CONNECTION_ENDED"
CONNECTION_UNUSABLE: Final = "CONNECTION_UNUSABLE"
REFRESH_UNAVAILABLE: Final = "REFRESH_UNAVAILABLE"

DOOR: Final = frozenset({401, 403})
NOBODY_THERE: Final = "HTTP_404"
"""A page instead of Salesforce's own NOT_FOUND: the address itself is gone."""
MOVED_CODES: Final = frozenset({REDIRECTED, "ORG_NOT_OWNED_BY_INSTANCE", NOBODY_THERE})
HALF_DONE: Final = frozenset({"REQUEST_RUNNING_TOO_LONG"})
"""What ends a call in the middle, whatever its status."""

NOTHING_KEPT: Final = frozenset(
    {
        "SERVER_UNAVAILABLE",
        "REQUEST_LIMIT_EXCEEDED",
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        "ORG_IN_MAINTENANCE",
    }
)
"""What Salesforce says at its door, before it does anything of a call."""

_WAIT_RECORD: Final = Classification(ErrorClass.TRANSIENT, Scope.RECORD)
_WAIT_CONNECTION: Final = Classification(ErrorClass.TRANSIENT, Scope.CONNECTION)
_WAIT_ORG: Final = Classification(ErrorClass.TRANSIENT, Scope.ORG)
_LIMIT_ORG: Final = Classification(ErrorClass.LIMIT, Scope.ORG)
_ACCESS_RECORD: Final = Classification(ErrorClass.ACCESS, Scope.RECORD)
_ACCESS_CONNECTION: Final = Classification(ErrorClass.ACCESS, Scope.CONNECTION)
_CONFIGURATION_RECORD: Final = Classification(ErrorClass.CONFIGURATION, Scope.RECORD)
_CONFIGURATION_CONNECTION: Final = Classification(ErrorClass.CONFIGURATION, Scope.CONNECTION)
_DATA_RECORD: Final = Classification(ErrorClass.DATA, Scope.RECORD)
_DUPLICATE_RECORD: Final = Classification(ErrorClass.DUPLICATE, Scope.RECORD)
_AMBIGUOUS_RECORD: Final = Classification(ErrorClass.AMBIGUOUS, Scope.RECORD)
_UNKNOWN: Final = Classification(ErrorClass.OTHER, Scope.RECORD)

# https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
CLASSIFICATION_BY_CODE: Final[dict[str, Classification]] = {
    # The token, or the user's right to the API at all.
    "INVALID_SESSION_ID": _ACCESS_CONNECTION,
    "INVALID_AUTH_HEADER": _ACCESS_CONNECTION,
    "API_DISABLED_FOR_ORG": _ACCESS_CONNECTION,
    "API_CURRENTLY_DISABLED": _ACCESS_CONNECTION,
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": _ACCESS_CONNECTION,
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": _ACCESS_CONNECTION,
    "LOGIN_DURING_RESTRICTED_DOMAIN": _ACCESS_CONNECTION,
    "LOGIN_DURING_RESTRICTED_TIME": _ACCESS_CONNECTION,
    "Bad_OAuth_Token": _ACCESS_CONNECTION,
    "Missing_OAuth_Token": _ACCESS_CONNECTION,
    "Wrong_Org": _ACCESS_CONNECTION,
    "ORG_LOCKED": _ACCESS_CONNECTION,
    "TRIAL_EXPIRED": _ACCESS_CONNECTION,
    "PASSWORD_LOCKOUT": _ACCESS_CONNECTION,
    CONNECTION_ENDED: _ACCESS_CONNECTION,
    CONNECTION_UNUSABLE: _ACCESS_CONNECTION,
    # Allowances of the org.
    "REQUEST_LIMIT_EXCEEDED": _LIMIT_ORG,
    "STORAGE_LIMIT_EXCEEDED": _LIMIT_ORG,
    # The service is unwell; nothing was applied.
    "SERVER_UNAVAILABLE": _WAIT_ORG,
    "UNKNOWN_EXCEPTION": _WAIT_ORG,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": _WAIT_ORG,
    "ORG_IN_MAINTENANCE": _WAIT_ORG,
    # A page of something before Salesforce, which has not said a word about the connection.
    "HTTP_401": _WAIT_ORG,
    "HTTP_403": _WAIT_ORG,
    "HTTP_429": _WAIT_ORG,
    NOT_SENT: _WAIT_ORG,
    REFRESH_UNAVAILABLE: _WAIT_ORG,
    # Somebody else was in the way.
    RECORD_LOCKED: _WAIT_RECORD,
    "HTTP_414": _WAIT_RECORD,
    "OPERATION_TOO_LARGE": _WAIT_RECORD,
    "QUERY_TIMEOUT": _WAIT_RECORD,
    "QUERY_TOO_COMPLICATED": _WAIT_RECORD,
    "REQUEST_RUNNING_TOO_LONG": _WAIT_RECORD,
    "INVALID_QUERY_LOCATOR": _WAIT_RECORD,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": _WAIT_RECORD,
    # The user may not touch this one. A locked entity waits in an approval: a person must release it.
    "INSUFFICIENT_ACCESS": _ACCESS_RECORD,
    "INSUFFICIENT_ACCESS_OR_READONLY": _ACCESS_RECORD,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _ACCESS_RECORD,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _ACCESS_RECORD,
    "ENTITY_IS_LOCKED": _ACCESS_RECORD,
    "TXN_SECURITY_NO_ACCESS": _ACCESS_RECORD,
    "FUNCTIONALITY_NOT_ENABLED": _ACCESS_RECORD,
    # The mapping does not fit the org's fields, objects or picklists.
    "REQUIRED_FIELD_MISSING": _CONFIGURATION_RECORD,
    "INVALID_FIELD": _CONFIGURATION_RECORD,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _CONFIGURATION_RECORD,
    "INVALID_TYPE": _CONFIGURATION_RECORD,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _CONFIGURATION_RECORD,
    "INVALID_PERSON_ACCOUNT_OPERATION": _CONFIGURATION_RECORD,
    "INACTIVE_OWNER_OR_USER": _CONFIGURATION_RECORD,
    "OPERATION_WITH_INACTIVE_USER": _CONFIGURATION_RECORD,
    "TRANSFER_REQUIRES_READ": _CONFIGURATION_RECORD,
    "MALFORMED_QUERY": _CONFIGURATION_RECORD,
    "UNSUPPORTED_API_VERSION": _CONFIGURATION_CONNECTION,
    "GONE": _CONFIGURATION_CONNECTION,
    REDIRECTED: _CONFIGURATION_CONNECTION,
    "ORG_NOT_OWNED_BY_INSTANCE": _CONFIGURATION_CONNECTION,
    # This record's content. The parser's refusals are ill-typed values, so they belong to a row, too.
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _DATA_RECORD,
    "FIELD_FILTER_VALIDATION_EXCEPTION": _DATA_RECORD,
    "FIELD_INTEGRITY_EXCEPTION": _DATA_RECORD,
    "STRING_TOO_LONG": _DATA_RECORD,
    "NUMBER_OUTSIDE_VALID_RANGE": _DATA_RECORD,
    "INVALID_EMAIL_ADDRESS": _DATA_RECORD,
    "JSON_PARSER_ERROR": _DATA_RECORD,
    # A part of a composite that refers to nothing: we halt nothing else, as allOrNone is false.
    "PROCESSING_HALTED": _DATA_RECORD,
    "MALFORMED_ID": _DATA_RECORD,
    "INVALID_CROSS_REFERENCE_KEY": _DATA_RECORD,
    "NOT_FOUND": _DATA_RECORD,
    "ENTITY_IS_DELETED": _DATA_RECORD,
    "CANNOT_UPDATE_CONVERTED_LEAD": _DATA_RECORD,
    # The org's own automation refused this record, which its admin must cure, as with a validation rule.
    "CANNOT_EXECUTE_FLOW_TRIGGER": _DATA_RECORD,
    "APEX_ERROR": _DATA_RECORD,
    # Already there.
    "DUPLICATES_DETECTED": _DUPLICATE_RECORD,
    "DUPLICATE_VALUE": _DUPLICATE_RECORD,
    MULTIPLE_CHOICES: _DUPLICATE_RECORD,
    # It may have been applied.
    RESPONSE_LOST: _AMBIGUOUS_RECORD,
}

# Families, for members that the table does not name.
CLASSIFICATION_BY_PREFIX: Final[tuple[tuple[str, Classification], ...]] = (
    ("INSUFFICIENT_ACCESS", _ACCESS_RECORD),
    ("TXN_SECURITY", _ACCESS_RECORD),
    ("INVALID_FIELD", _CONFIGURATION_RECORD),
    ("HTTP_5", _AMBIGUOUS_RECORD),
)

# Codes that wrap what another layer said: Apex and Flow pass the inner status code on in their text, which is
# not translated (`caused by: System.DmlException: Insert failed. First exception on row 0; first error:
# UNABLE_TO_LOCK_ROW, …`). Governor limits are shared by a chunk of 200 rows: fewer rows may pass.
WRAPPERS: Final = frozenset(
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"}
)
SHARED_LIMIT: Final = re.compile(
    r"\bSystem\.LimitException\b|\bToo many (?:SOQL|DML|query|future)\b|\bCPU time limit\b"
)
_INNER_TRANSIENT: Final = re.compile(rf"\bUNABLE_TO_LOCK_ROW\b|{SHARED_LIMIT.pattern}")
SESSION_CODES: Final = frozenset({"INVALID_SESSION_ID", "Bad_OAuth_Token"})
"""What Salesforce says of a token that it does not take: one that expired, or one that is not known yet."""

NOT_FIXED_BY_REFRESH: Final = ("not valid for use with the REST API", "not attached to Agent")
"""The same codes with another meaning: the user or app may not use the API, and no newer token helps."""

_APEX: Final = re.compile(
    r"\b(?:Before|After)(?:Insert|Update|Delete|Undelete)\b|\bcaused by:|\b[A-Z]\w*Exception\b"
)


def classify(code: str, message: str, http_status: int | None, *, is_of_call: bool = False) -> Classification:
    """The class and scope of one error. `http_status` is None for an error on one row of a collection.

    The message decides only where one code means two things; it may be in any language. `is_of_call`: the
    whole call was answered so, not one part of it: an unknown code is then nobody's row.
    """
    if code in SESSION_CODES and not any(words in message for words in NOT_FIXED_BY_REFRESH):
        return _WAIT_CONNECTION
    if code in WRAPPERS and _INNER_TRANSIENT.search(message):
        return _WAIT_RECORD
    if code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and _APEX.search(message):
        return _DATA_RECORD
    if code == "UNKNOWN_EXCEPTION" and http_status is None:
        return _WAIT_RECORD
    known = CLASSIFICATION_BY_CODE.get(code) or _classify_by_prefix(code)
    is_refused_at_door = (
        is_of_call and http_status is not None and (http_status in DOOR or http_status >= 500)
    )
    return known or (_WAIT_ORG if is_refused_at_door else _UNKNOWN)


def _classify_by_prefix(code: str) -> Classification | None:
    return next((sorting for prefix, sorting in CLASSIFICATION_BY_PREFIX if code.startswith(prefix)), None)
