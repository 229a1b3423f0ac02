"""Build the error of one registration, as it is stored, grouped and returned."""

from collections.abc import Collection, Sequence
from typing import Any

from app.salesforce.describe import SObjectDescribe
from app.salesforce.errors import ApiError, ErrorClass
from app.states import Milestone
from app.sync.errors.grouping import error_fingerprint
from app.sync.errors.message_codes import DUPLICATE_NAMED, advice_code_for
from app.sync.errors.message_codes import NOT_PROCESSED as NOT_PROCESSED_CODE
from app.sync.errors.message_codes import OUTCOME_UNKNOWN as UNKNOWN_CODE
from app.sync.field_values.rule_evaluation import MappingError
from app.sync.model.records import LEAD
from app.sync.model.row_error import ItemError

VALUE_LENGTH = 100


def row_error(
    failure: ApiError,
    *,
    milestone: str,
    sobject: str | None,
    sent: dict[str, Any] | None = None,
    values: Collection[str] = (),
    describe: SObjectDescribe | None = None,
    is_configured: bool = False,
) -> ItemError:
    """Build the error from Salesforce's failure; `sent` are the fields of the rejected record, `values` the
    attendee's own.

    `describe` is the object's, if known: it has the labels that people see. `is_configured`: the host chose
    the rejected value.
    """
    error_class = ErrorClass.CONFIGURATION.value if is_configured else failure.error_class.value
    return ItemError(
        error_class=error_class,
        error_code=failure.error_code,
        message=failure.message,
        milestone=milestone,
        sobject=sobject,
        fields=failure.fields,
        value=_refused_value(failure, sent or {}),
        http_status=failure.http_status,
        group_id=error_fingerprint(
            error_class, failure.error_code, sobject, failure.fields, failure.message, values=values
        ),
        advice_code=DUPLICATE_NAMED
        if failure.matches
        else advice_code_for(error_class, failure.error_code, message=failure.message, sobject=sobject),
        field_label=_label(failure.fields, describe),
        matches=failure.matches,
    )


def internal_error(
    error_class: str, error_code: str, message: str, *, milestone: str, sobject: str
) -> ItemError:
    """A failure that we saw ourselves, before or after asking Salesforce."""
    group = error_fingerprint(error_class, error_code, sobject, (), message)
    advice_code = advice_code_for(error_class, error_code, message=message, sobject=sobject)
    return ItemError(error_class, error_code, message, milestone, sobject, (), None, None, group, advice_code)


def mapping_error(error: MappingError, *, milestone: str, describe: SObjectDescribe | None) -> ItemError:
    """A value that the host's rules do not fit into the org, seen before a call was spent on it."""
    fields = (error.field,)
    values = [error.value] if error.value else []
    group = error_fingerprint(error.error_class, error.code, error.sobject, fields, error.text, values=values)
    return ItemError(
        error_class=error.error_class,
        error_code=error.code,
        message=error.text,
        milestone=milestone,
        sobject=error.sobject,
        fields=fields,
        value=error.value[:VALUE_LENGTH] or None,
        http_status=None,
        group_id=group,
        advice_code=advice_code_for(error.error_class, error.code, message=error.text, sobject=error.sobject),
        field_label=_label(fields, describe),
    )


def _label(fields: Sequence[str], describe: SObjectDescribe | None) -> str | None:
    named = [describe.fields[name].label for name in fields if name in describe.fields] if describe else []
    return named[0] if len(named) == 1 else None


def _refused_value(failure: ApiError, sent: dict[str, Any]) -> str | None:
    named = [sent[field] for field in failure.fields if sent.get(field) is not None]
    return str(named[0])[:VALUE_LENGTH] if len(named) == 1 else None


OUTCOME_UNKNOWN = internal_error(
    ErrorClass.OTHER,
    UNKNOWN_CODE,
    "Salesforce never said whether the record was saved.",
    milestone=Milestone.REGISTERED,
    sobject=LEAD,
)

NOT_PROCESSED = internal_error(
    ErrorClass.OTHER,
    NOT_PROCESSED_CODE,
    "A fault in our software stopped this registration each time it was tried.",
    milestone=Milestone.REGISTERED,
    sobject=LEAD,
)
