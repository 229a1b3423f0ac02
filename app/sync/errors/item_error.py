"""Build the error of one registration, as it is stored, grouped and returned."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from app.salesforce.describe import SObjectDescribe
from app.salesforce.errors import ApiError, ErrorClass
from app.states import Milestone
from app.sync.errors.grouping import error_fingerprint
from app.sync.errors.message_codes import (
    DUPLICATE_NAMED,
    NOT_PROCESSED,
    OUTCOME_UNKNOWN,
    RECORD_NOT_FOLLOWED,
    advice_code_for,
)
from app.sync.field_values.rule_evaluation import MappingError
from app.sync.model.item_errors import ItemError
from app.sync.model.records import LEAD
from app.user_messages.phrases import Phrase

VALUE_LENGTH = 100


def salesforce_error(
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
    error = ItemError(
        ErrorClass.CONFIGURATION.value if is_configured else failure.error_class.value,
        failure.error_code,
        failure.message,
        milestone,
        sobject,
        fields=failure.fields,
        value=_refused_value(failure, sent or {}),
        http_status=failure.http_status,
        field_label=_label(failure.fields, describe),
        matches=failure.matches,
    )
    return _grouped(error, values)


def internal_error(
    error_class: str, error_code: str, message: str, *, milestone: str, sobject: str
) -> ItemError:
    """A failure that we saw ourselves, before or after asking Salesforce."""
    return _grouped(ItemError(error_class, error_code, message, milestone, sobject))


def mapping_error(error: MappingError, *, milestone: str, describe: SObjectDescribe | None) -> ItemError:
    """A value that the host's rules do not fit into the org, seen before a call was spent on it."""
    found = ItemError(
        error.error_class,
        error.code,
        error.text,
        milestone,
        error.sobject,
        fields=(error.field,),
        value=error.value[:VALUE_LENGTH] or None,
        field_label=_label((error.field,), describe),
    )
    return _grouped(found, [error.value] if error.value else [])


def _grouped(error: ItemError, values: Collection[str] = ()) -> ItemError:
    """Add the error's group, which the attendee's `values` do not change, and the code of its advice."""
    cause = (error.error_class, error.error_code)
    group_id = error_fingerprint(*cause, error.sobject, error.fields, error.message, values=values)
    by_cause = advice_code_for(*cause, message=error.message, sobject=error.sobject)
    return replace(error, group_id=group_id, advice_code=DUPLICATE_NAMED if error.matches else by_cause)


def _label(fields: Sequence[str], describe: SObjectDescribe | None) -> str | None:
    named = [describe.fields[name].label for name in fields if name in describe.fields] if describe else []
    return named[0] if len(named) == 1 else None


def _refused_value(failure: ApiError, sent: dict[str, Any]) -> str | None:
    named = [sent[field] for field in failure.fields if sent.get(field) is not None]
    return str(named[0])[:VALUE_LENGTH] if len(named) == 1 else None


def outcome_unknown_error(sobject: str, *, milestone: str) -> ItemError:
    """A create of this object was lost too often."""
    text = Phrase("unfit.never_said")
    return internal_error(ErrorClass.OTHER, OUTCOME_UNKNOWN, text, milestone=milestone, sobject=sobject)


OUTCOME_UNKNOWN_ERROR = outcome_unknown_error(LEAD, milestone=Milestone.REGISTERED)

NOT_PROCESSED_ERROR = internal_error(
    ErrorClass.OTHER,
    NOT_PROCESSED,
    Phrase("unfit.not_processed"),
    milestone=Milestone.REGISTERED,
    sobject=LEAD,
)

NOT_FOLLOWED_ERROR = internal_error(
    ErrorClass.TRANSIENT,
    RECORD_NOT_FOLLOWED,
    Phrase("unfit.not_followed"),
    milestone=Milestone.REGISTERED,
    sobject=LEAD,
)
