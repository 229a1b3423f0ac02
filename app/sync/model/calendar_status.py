"""The status of a registration's calendar Event, as a function of what happened. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from app.states import WriteState
from app.sync.model.batch import CALENDAR_EVENT, PREVIOUS_HOLDER, Job, PlannedTimes, SlotKey, WrittenSlot
from app.sync.model.slot_details import SlotDetails

LONGEST: Final = timedelta(days=14)
"""What no org takes more of: it says nothing about events of several days.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_event.htm
"""


class CalendarStatus(StrEnum):
    """The statuses of a calendar Event, as they are written."""

    SCHEDULED = "Scheduled"
    RESCHEDULED = "Rescheduled"
    COMPLETED = "Completed"
    NO_SHOW = "No-show"
    CANCELED = "Canceled"


class StatusAndReason(NamedTuple):
    """What a calendar Event says of a registration; only a cancellation and a move have a reason."""

    status: CalendarStatus
    reason: str | None = None


def status_of(job: Job) -> StatusAndReason:
    """The status and reason that the job's calendar Event has to show."""
    written = job.slot(CALENDAR_EVENT)
    is_there = written is not None and written.exists_in_org
    return calendar_status(job, first_times(written.details) if written and is_there else None)


def first_times(details: SlotDetails) -> PlannedTimes | None:
    """The times that a calendar Event was created with."""
    if details.created_as is None:
        return None
    starts_at, ends_at = (details.created_as.get(name) for name in PlannedTimes._fields)
    return PlannedTimes(_moment(starts_at), _moment(ends_at))


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def calendar_status(job: Job, first_times: PlannedTimes | None) -> StatusAndReason:
    """The status of the job's calendar Event; `first_times` are those it was created with, None before."""
    for status, applies, reason in RULES:
        if applies(job, first_times):
            return StatusAndReason(status, reason(job))
    return StatusAndReason(CalendarStatus.SCHEDULED)


def _is_canceled(job: Job, first_times: PlannedTimes | None) -> bool:
    return job.facts.is_cancelled or job.event.cancelled_at is not None


def _cancel_reason(job: Job) -> str | None:
    """The registration's own reason, since its cancellation outlives that of the event."""
    own = job.facts.cancel_reason if job.facts.is_cancelled else None
    return own or (job.event.cancel_reason if job.event.cancelled_at else None)


def _is_no_show(job: Job, first_times: PlannedTimes | None) -> bool:
    no_show_at, checked_in_at = job.facts.no_show_at, job.facts.last_checked_in_at
    return no_show_at is not None and (checked_in_at is None or no_show_at > checked_in_at)


def _is_completed(job: Job, first_times: PlannedTimes | None) -> bool:
    return job.facts.completed_at is not None or job.facts.last_checked_in_at is not None


def _is_rescheduled(job: Job, first_times: PlannedTimes | None) -> bool:
    is_moved = first_times is not None and job.planned_times != first_times
    return is_moved or job.facts.rescheduled_at is not None


Rule = tuple[CalendarStatus, Callable[[Job, PlannedTimes | None], bool], Callable[[Job], str | None]]

RULES: Final[tuple[Rule, ...]] = (
    (CalendarStatus.CANCELED, _is_canceled, _cancel_reason),
    (CalendarStatus.NO_SHOW, _is_no_show, lambda job: None),
    (CalendarStatus.COMPLETED, _is_completed, lambda job: None),
    (CalendarStatus.RESCHEDULED, _is_rescheduled, lambda job: job.facts.reschedule_reason),
)
"""The first that applies decides; an Event to which none does is scheduled."""


def is_open_for_previous_holder(key: SlotKey, slot: WrittenSlot) -> bool:
    """Whether it is the calendar Event of somebody who handed the ticket on, and not known as cancelled."""
    is_ended = slot.label == CalendarStatus.CANCELED and slot.state == WriteState.WRITTEN
    return key.slot == PREVIOUS_HOLDER + CALENDAR_EVENT and slot.exists_in_org and not is_ended


def is_too_long_for_org(job: Job) -> bool:
    """Whether the org refused all days of the calendar Event, though others would take them."""
    slot = job.slot(CALENDAR_EVENT)
    if slot is None or not slot.details.is_first_day:
        return False
    starts_at, ends_at = job.planned_times
    return starts_at is not None and ends_at is not None and ends_at - starts_at <= LONGEST
