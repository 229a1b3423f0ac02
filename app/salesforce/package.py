"""What the Salesforce package brings and what it cannot bring: one table. Pure data.

The permission sets in `salesforce/` are made from it (`python -m tools.check --write`), and the preflight is
held to it. Salesforce leaves rights on standard objects out of a package, so they are handed out as a
permission set of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KEY: Final = "Eventship_Key__c"
EVENT_STATUS: Final = "Event_Status__c"
CANCEL_RESCHEDULE_REASON: Final = "Cancel_Reschedule_Reason__c"
REPLAY_STATUS: Final = "Replay_Status__c"
REGISTERED_AT: Final = "Registered_At__c"
CHECKED_IN_AT: Final = "Checked_In_At__c"
TICKET: Final = "Ticket__c"

ACTIVITY: Final = "Activity"
PACKAGE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    ACTIVITY: (KEY, EVENT_STATUS, CANCEL_RESCHEDULE_REASON),
    "Lead": (KEY,),
    "Contact": (KEY,),
    "CampaignMember": (KEY, REPLAY_STATUS, REGISTERED_AT, CHECKED_IN_AT, TICKET),
    "Case": (KEY,),
}
"""The fields by the object that they are defined on, without the package's namespace."""

RECORDS_OF: Final[Mapping[str, tuple[str, ...]]] = {ACTIVITY: ("Task", "Event")}
"""A field of Activity is one of Task and of Event. Source: Metadata API, "bad value for … Task" otherwise."""


@dataclass(frozen=True)
class ObjectAccess:
    """What the connected user needs on a standard object; nobody needs Delete."""

    may_create: bool = False
    may_edit: bool = False
    sees_all: bool = False


STANDARD_ACCESS: Final[Mapping[str, ObjectAccess]] = {
    "Account": ObjectAccess(may_create=True, may_edit=True),
    "Campaign": ObjectAccess(may_create=True, may_edit=True),
    "Case": ObjectAccess(may_create=True, may_edit=True),
    "Contact": ObjectAccess(may_create=True, may_edit=True, sees_all=True),
    "Lead": ObjectAccess(may_create=True, may_edit=True, sees_all=True),
}
STANDARD_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Contact": ("AccountId", "Email", "LeadSource", "Phone", "Title"),
    "Lead": ("Email", "LeadSource", "Phone", "Title"),
}
"""What is written of people by default and can be hidden from a user; names and a Lead's company cannot."""
USER_PERMISSIONS: Final = ("ActivitiesAccess", "ApiEnabled", "EditEvent", "EditTask")


def fields_of(sobject: str) -> tuple[str, ...]:
    """The package's fields of an object as the API names it, without namespace."""
    homes = (home for home in PACKAGE_FIELDS if sobject in RECORDS_OF.get(home, (home,)))
    return next((PACKAGE_FIELDS[home] for home in homes), ())


def without_namespace(name: str) -> str:
    """Return `Event_Status__c` for `evs__Event_Status__c`."""
    return name.split("__", 1)[1] if name.count("__") == 2 else name


def is_key(field: str) -> bool:
    """Whether it is the field for unique keys, under whatever prefix."""
    return without_namespace(field).casefold() == KEY.casefold()


def name_in_org(field: str, namespace: str | None) -> str:
    """The field's name in an org that installed the package: `evs__Ticket__c`."""
    return f"{namespace}__{field}" if namespace else field
