"""Failed rows as groups: one entry per fault, with what to do about it and without personal data. Pure."""

from typing import Final

from app.registrations.queries import FailureGroup
from app.registrations.row_view import MESSAGE_LENGTH, advice_for
from app.registrations.schemas import Group
from app.sync.errors.grouping import attendee_values, message_without_values

# What happened, naming the object, where the advice's own title does not; else that title.
TITLES: Final = {
    "validation_rule": "A validation rule in Salesforce refused the {object}",
    "lookup_filter": "A lookup filter in Salesforce refused the {object}",
    "value_not_accepted": "Salesforce did not accept a value of the {object}",
    "value_too_long": "A value is too long for the {object}",
    "invalid_email": "Salesforce refused the e-mail address of the {object}",
    "required_field_missing": "The {object} lacks a value for a required field",
    "restricted_picklist": "A picklist of the {object} does not have the value",
    "duplicate_named": "A duplicate rule points to another record than the {object}",
    "duplicate_no_match": "A duplicate rule in Salesforce refused the {object}",
    "insufficient_access": "The connected user may not save the {object}",
    "create_not_allowed": "The connected user may not create the {object}",
    "automation_failed": "An automation in Salesforce failed on the {object}",
    "record_busy": "The {object} was in use too often",
    "outcome_unknown": "We could not find out whether the {object} was written",
    "unknown_error": "Salesforce refused the {object}",
}


def assemble_group(found: FailureGroup) -> Group:
    """Build the group; its message is one row's, without the attendee's values."""
    error, sample = found.error, found.sample
    advice = advice_for(error)
    sobject = error.get("object")
    values = attendee_values(sample.attendee, sample.answers)
    return Group(
        group_id=found.group_id,
        error_class=error.get("class") or "other",
        error_code=error.get("error_code") or "OTHER",
        object=sobject,
        fields=list(error.get("fields") or ()),
        title=TITLES.get(advice.code, advice.title).format(object=sobject or "record"),
        message=message_without_values(str(error.get("message") or ""), values)[:MESSAGE_LENGTH],
        advice=advice,
        count=found.count,
        can_retry=True,
        first_at=found.first_at,
        last_at=found.last_at,
    )
