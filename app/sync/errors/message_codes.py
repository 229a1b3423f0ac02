"""From a failed write to the code of its advice: a table by Salesforce's error code, then by class."""

from typing import Final

from app.salesforce.error_codes import ErrorClass
from app.sync.field_values.rule_evaluation import (
    OPTION_NOT_MAPPED,
    REQUIRED_VALUE_UNFIT,
    VALUE_NOT_IN_PICKLIST,
)
from app.sync.model.record_kinds import MEMBER_KIND
from app.sync.model.records import CASE, EVENT

# Codes of our own, for failures that Salesforce has no code for.
OUTCOME_UNKNOWN: Final = "OUTCOME_UNKNOWN"
NOT_PROCESSED: Final = "NOT_PROCESSED"
RECORD_NOT_VISIBLE: Final = "RECORD_NOT_VISIBLE"
RECORD_NOT_FOLLOWED: Final = "RECORD_NOT_FOLLOWED"
EMAIL_MALFORMED: Final = "EMAIL_MALFORMED"
CAMPAIGN_BROKEN: Final = "CAMPAIGN_BROKEN"
RECORD_TYPE_NOT_AVAILABLE: Final = "RECORD_TYPE_NOT_AVAILABLE"

CAMPAIGN_OBJECTS: Final = frozenset(MEMBER_KIND.described)
CREATE_REFUSED: Final = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"

DUPLICATE_NAMED: Final = "duplicate_named"
"""The advice where a duplicate rule named a record that is not taken for the person."""

BY_CODE: Final[dict[str, str]] = {
    "DUPLICATES_DETECTED": "duplicate_no_match",
    "DUPLICATE_VALUE": "duplicate_no_match",
    "MULTIPLE_CHOICES": "duplicate_no_match",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "validation_rule",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "lookup_filter",
    "FIELD_INTEGRITY_EXCEPTION": "value_not_accepted",
    "REQUIRED_FIELD_MISSING": "required_field_missing",
    "STRING_TOO_LONG": "value_too_long",
    "NUMBER_OUTSIDE_VALID_RANGE": "number_out_of_range",
    "INVALID_EMAIL_ADDRESS": "invalid_email",
    EMAIL_MALFORMED: "invalid_email",
    "JSON_PARSER_ERROR": "value_wrong_type",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "restricted_picklist",
    "INVALID_FIELD": "field_not_available",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "field_not_writeable",
    "INVALID_TYPE": "object_not_available",
    "INVALID_PERSON_ACCOUNT_OPERATION": "person_accounts_on",
    "INACTIVE_OWNER_OR_USER": "owner_inactive",
    "OPERATION_WITH_INACTIVE_USER": "owner_inactive",
    "TRANSFER_REQUIRES_READ": "owner_without_access",
    "INSUFFICIENT_ACCESS": "insufficient_access",
    "INSUFFICIENT_ACCESS_OR_READONLY": "insufficient_access",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "record_not_shared",
    RECORD_NOT_VISIBLE: "record_not_visible",
    CREATE_REFUSED: "create_not_allowed",
    "TXN_SECURITY_NO_ACCESS": "security_policy",
    "FUNCTIONALITY_NOT_ENABLED": "feature_not_enabled",
    "ENTITY_IS_LOCKED": "record_in_approval",
    "ENTITY_IS_DELETED": "record_gone",
    "NOT_FOUND": "record_gone",
    "INVALID_CROSS_REFERENCE_KEY": "record_gone",
    "MALFORMED_ID": "record_gone",
    "CANNOT_UPDATE_CONVERTED_LEAD": "lead_converted",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "automation_failed",
    "APEX_ERROR": "automation_failed",
    "UNABLE_TO_LOCK_ROW": "record_busy",
    "STORAGE_LIMIT_EXCEEDED": "storage_full",
    "REQUEST_LIMIT_EXCEEDED": "api_limit_reached",
    "NOT_SENT": "salesforce_unreachable",
    "ANSWER_LOST": "outcome_unknown",
    OUTCOME_UNKNOWN: "outcome_unknown",
    NOT_PROCESSED: "not_processed",
    CAMPAIGN_BROKEN: "campaign_broken",
    RECORD_TYPE_NOT_AVAILABLE: "record_type_missing",
    OPTION_NOT_MAPPED: "option_not_mapped",
    VALUE_NOT_IN_PICKLIST: "restricted_picklist",
    REQUIRED_VALUE_UNFIT: "required_value_unfit",
}

BY_CLASS: Final[dict[str, str]] = {
    ErrorClass.TRANSIENT: "attempts_used_up",
    ErrorClass.LIMIT: "api_limit_reached",
    ErrorClass.ACCESS: "insufficient_access",
    ErrorClass.CONFIGURATION: "setup_mismatch",
    ErrorClass.DATA: "value_not_accepted",
    ErrorClass.DUPLICATE: "duplicate_no_match",
    ErrorClass.AMBIGUOUS: "outcome_unknown",
    ErrorClass.OTHER: "unknown_error",
}

# One code, several causes: (code, class, whether a campaign object was meant) decides first.
BY_CAUSE: Final[dict[tuple[str, str, bool], str]] = {
    (CREATE_REFUSED, ErrorClass.ACCESS, True): "marketing_user_missing",
    (CREATE_REFUSED, ErrorClass.DATA, True): "automation_failed",
    ("INVALID_CROSS_REFERENCE_KEY", ErrorClass.CONFIGURATION, False): "reference_not_there",
    ("MALFORMED_ID", ErrorClass.CONFIGURATION, False): "reference_not_there",
    (CREATE_REFUSED, ErrorClass.DATA, False): "automation_failed",
    **{
        (code, ErrorClass.TRANSIENT, is_campaign): "record_busy"
        for code in (CREATE_REFUSED, "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR")
        for is_campaign in (True, False)
    },
    ("INSUFFICIENT_ACCESS", ErrorClass.ACCESS, True): "marketing_user_missing",
    ("INSUFFICIENT_ACCESS_OR_READONLY", ErrorClass.ACCESS, True): "marketing_user_missing",
}


# One code, and a field of ours that the message names (empty: whatever it names): Salesforce does not
# translate it.
BY_FIELD: Final[dict[tuple[str, str, str], str]] = {
    ("INSUFFICIENT_ACCESS", EVENT, ""): "calendar_event_not_writeable",
    ("INSUFFICIENT_ACCESS_OR_READONLY", EVENT, ""): "calendar_event_not_writeable",
    ("REQUIRED_FIELD_MISSING", CASE, "SuppliedEmail"): "case_needs_address",
}


def advice_code_for(
    error_class: str, error_code: str, *, message: str = "", sobject: str | None = None
) -> str:
    """Return the advice code of one failure; the catalog in `app.user_messages` has a row for each.

    `sobject` is the object that was written. Without it the object named in the message decides; Salesforce
    does not translate that name ("entity type cannot be inserted: CampaignMember").
    """
    by_field = (
        advice
        for (code, named, field), advice in BY_FIELD.items()
        if (code, named) == (error_code, sobject) and field in message
    )
    is_campaign = sobject in CAMPAIGN_OBJECTS or (sobject is None and _names_campaign(message))
    by_cause = BY_CAUSE.get((error_code, error_class, is_campaign))
    return (
        next(by_field, None)
        or by_cause
        or BY_CODE.get(error_code)
        or BY_CLASS.get(error_class, "unknown_error")
    )


def _names_campaign(message: str) -> bool:
    return any(name in message for name in CAMPAIGN_OBJECTS)
