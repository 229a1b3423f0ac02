"""The two tables that deliveries add up to, as `kept` keeps them."""

from app.models import Event, Registration
from app.webhooks.merge_upsert import MergeTable
from app.webhooks.row_mapping import merge_into_event_row, merge_into_registration_row
from app.webhooks.state_merge import EventState, RegistrationState

EVENT_COLUMNS = (
    "title",
    "kind",
    "starts_at",
    "ends_at",
    "timezone",
    "location",
    "url",
    "organizer",
    "is_cancelled",
    "version",
    "snapshot_at",
    "merge_state",
)
REGISTRATION_COLUMNS = (
    "event_id",
    "status",
    "attendee",
    "email_key",
    "ticket",
    "buyer",
    "answers",
    "utm",
    "salesforce_id",
    "version",
    "snapshot_at",
    "registered_at",
    "confirmed_at",
    "checked_in_at",
    "check_in_reverted_at",
    "cancelled_at",
    "cancel_reason",
    "no_show_at",
    "completed_at",
    "replay",
    "merge_state",
)

EVENTS: MergeTable[EventState] = MergeTable(
    table=Event.metadata.tables["events"],
    id_column="event_id",
    columns=EVENT_COLUMNS,
    guards=(),
    merged=merge_into_event_row,
)
REGISTRATIONS: MergeTable[RegistrationState] = MergeTable(
    table=Registration.metadata.tables["registrations"],
    id_column="registration_id",
    columns=REGISTRATION_COLUMNS,
    guards=("erased_at",),
    merged=merge_into_registration_row,
)
