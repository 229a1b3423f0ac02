"""Members of a payload that the service reads: whatever else one holds may name anybody. A test compares them
with the shapes of webhooks.
"""

from typing import Final

DATA_READ: Final = frozenset(
    ["attendee", "email", "event", "host", "previous", "reason", "registration", "registration_ids", "replay"]
)
OF_OTHERS_READ: Final = frozenset(
    [
        "answers",
        "attendee",
        "cancelled_at",
        "checked_in_at",
        "id",
        "registered_at",
        "salesforce_id",
        "status",
        "ticket",
        "utm",
        "version",
    ]
)
"""Of a registration, all but its buyer."""
