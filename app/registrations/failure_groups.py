"""Failed rows as groups: one entry per fault, with what to do about it and without personal data. Pure."""

from app.registrations.queries import FailureGroup
from app.registrations.row_view import MESSAGE_LENGTH, advice_for
from app.registrations.schemas import Group
from app.sync.errors.grouping import attendee_values, message_without_values
from app.user_messages.catalog import GROUP_TITLES


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
        title=GROUP_TITLES.get(advice.code, advice.title).format(object=sobject or "record"),
        message=message_without_values(str(error.get("message") or ""), values)[:MESSAGE_LENGTH],
        advice=advice,
        count=found.count,
        can_retry=True,
        first_at=found.first_at,
        last_at=found.last_at,
    )
