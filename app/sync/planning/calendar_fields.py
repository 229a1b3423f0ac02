"""What a calendar Event has to show of a registration, field by field. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.package import CANCEL_RESCHEDULE_REASON, EVENT_STATUS, name_in_org
from app.states import ShowAs
from app.sync.field_values.lead_fields import truncate
from app.sync.field_values.system_fields import CALENDAR_STATUS
from app.sync.field_values.text import normalize_text, shortened
from app.sync.model.batch import CALENDAR_EVENT, Job, SlotKey, WrittenSlot
from app.sync.model.calendar_status import CalendarStatus, StatusAndReason
from app.sync.model.record_kinds import CALENDAR_EVENT_KIND
from app.sync.model.records import EVENT
from app.sync.model.work_item import WorkItem
from app.sync.planning.calendar_times import EventTimes

KEY: Final = SlotKey(CALENDAR_EVENT)
PREFIXES: Final[Mapping[CalendarStatus, str]] = {
    CalendarStatus.CANCELED: "Canceled: ",
    CalendarStatus.NO_SHOW: "No-show: ",
}
"""What goes before the Subject where no field shows the status."""

SHOW_AS: Final[Mapping[ShowAs, str]] = {"busy": "Busy", "free": "Free", "out_of_office": "OutOfOffice"}
FREE: Final = "Free"


@dataclass(frozen=True)
class CalendarObject:
    """The org's Event as the connected user sees it, without the fields that Salesforce refused before."""

    describe: SObjectDescribe | None
    dropped: frozenset[str] = frozenset()
    namespace: str | None = None

    def takes(self, name: str, value: object, *, is_new: bool) -> bool:
        """Whether the field takes the value; without a describe every field is as in any other org."""
        field = self.describe.fields.get(name) if self.describe else None
        if name in self.dropped or (self.describe is not None and field is None):
            return False
        if field is None:
            return not CALENDAR_EVENT_KIND.is_of_package(name)
        is_open = field.is_createable if is_new else field.is_updateable
        is_listed = value is None or not field.is_restricted_picklist or value in field.picklist_values
        return is_open and is_listed

    def package_field(self, name: str) -> Field | None:
        """The package's field of this name; where its namespace is not known, that of any namespace."""
        known = self.describe.fields if self.describe else {}
        if self.namespace:
            return known.get(name_in_org(name, self.namespace))
        found = (known[each] for each in sorted(known) if each == name or each.endswith(f"__{name}"))
        return next((field for field in found if CALENDAR_EVENT_KIND.is_of_package(field.name)), None)


@dataclass(frozen=True)
class PlannedEvent:
    """An item's calendar Event as it has to be now; `before` is its slot as it is known, which `job` has.

    `key` is where the slot is kept, which is elsewhere for one of a previous holder.
    """

    item: WorkItem
    job: Job
    before: WrittenSlot | None
    shown: StatusAndReason
    times: EventTimes | None
    show_as: ShowAs
    org: CalendarObject
    key: SlotKey = KEY

    def fields(self, title: str, *, is_new: bool) -> dict[str, Any]:
        """Everything that follows what happens: Subject, times, place, how busy it is, status and reason.

        None where there is nothing to show.
        """
        statuses = self._status_fields(is_new=is_new)
        prefix = "" if self._has_status(statuses, is_new=is_new) else PREFIXES.get(self.shown.status, "")
        place = normalize_text(self.job.event.location)
        is_canceled = self.shown.status is CalendarStatus.CANCELED
        fields = {
            "Subject": truncate(EVENT, "Subject", prefix + title),
            **(self.times.as_fields() if self.times else {}),
            "Location": truncate(EVENT, "Location", place) if place else None,
            "ShowAs": FREE if is_canceled else SHOW_AS[self.show_as],
            **statuses,
        }
        needed = CALENDAR_EVENT_KIND.needed_fields
        return {
            name: value
            for name, value in fields.items()
            if name in needed or self.org.takes(name, value, is_new=is_new)
        }

    def _status_fields(self, *, is_new: bool) -> dict[str, str | None]:
        """Status and reason in the package's fields, as far as the org has them and takes these values."""
        values = {
            EVENT_STATUS: str(self.shown.status),
            CANCEL_RESCHEDULE_REASON: normalize_text(self.shown.reason),
        }
        found: dict[str, str | None] = {}
        for name, value in values.items():
            field = self.org.package_field(name)
            if field is not None and self.org.takes(field.name, value, is_new=is_new):
                found[field.name] = shortened(value, field.length) if value else None
        return found

    def _has_status(self, statuses: Mapping[str, str | None], *, is_new: bool) -> bool:
        """Whether a field shows the status: the package's, or one that the host chose."""
        field = self.org.package_field(EVENT_STATUS)
        chosen = [rule.field for rule in self.job.rules.fields_of(EVENT) if rule.path == CALENDAR_STATUS]
        return (field is not None and field.name in statuses) or any(
            self.org.describe is not None and self.org.takes(name, None, is_new=is_new) for name in chosen
        )


def title_of(job: Job) -> str:
    """The Subject of a new calendar Event, without what its status puts in front."""
    return truncate(EVENT, "Subject", normalize_text(job.event.title) or "event")
