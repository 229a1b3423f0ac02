"""The package that an org may have installed: its fields, and the button on people.

The fields are those of `salesforce/` in the same repository, whose tests hold the two together.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from salesforce_simulator.config_parts import Package

NAME: Final = "Eventship"
KEY: Final = "Eventship_Key__c"
_KEY = f"{KEY} | string(64) | CUNLX{{unique}} | Eventship Key"
ACTIVITY: Final = "Activity"

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    ACTIVITY: (
        _KEY,
        "Event_Status__c | picklist(255) | CUN | Event Status | "
        "Scheduled; Rescheduled; Completed; Canceled; No-show",
        "Cancel_Reschedule_Reason__c | textarea(255) | CUN | Cancel/Reschedule Reason",
    ),
    "Lead": (_KEY,),
    "Contact": (_KEY,),
    "CampaignMember": (
        _KEY,
        "Replay_Status__c | string(40) | CUN | Replay Status",
        "Registered_At__c | datetime | CUN | Registered At",
        "Checked_In_At__c | datetime | CUN | Checked In At",
        "Ticket__c | string(255) | CUN | Ticket",
    ),
    "Case": (_KEY,),
}
"""Lines of fields by the object that they are defined on, without namespace."""

BUTTONS: Final[Mapping[str, str]] = dict.fromkeys(("Lead", "Contact"), "Schedule with Eventship")


def package_fields(package: Package | None, *, is_activity_unique: bool) -> dict[str, tuple[str, ...]]:
    """The package's field lines as an org has them, by object; those of Activity still under that name."""
    return {} if package is None else dict(_named(package, is_activity_unique=is_activity_unique))


def _named(package: Package, *, is_activity_unique: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    prefix = f"{package.namespace}__" if package.namespace else ""
    for name, lines in FIELDS.items():
        unique = "Q" if name != ACTIVITY or is_activity_unique else ""
        yield name, tuple(prefix + line.replace("{unique}", unique) for line in lines)


def button_link(package: Package, record_id: str) -> str | None:
    """Where the button of a person leads: the link of the package's setting with the id behind it."""
    return package.registration_link + record_id[: package.id_length] if package.registration_link else None
