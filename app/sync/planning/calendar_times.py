"""When a calendar Event begins and ends, in whole minutes of UTC. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from app.sync.field_values.sources import in_zone, zone_of
from app.sync.model.batch import Job
from app.sync.model.item_errors import NO_TIMES, ItemWarning
from app.sync.model.records import EVENT
from app.user_messages.phrases import Phrase

DAY: Final = timedelta(days=1)
TIMES: Final = ("StartDateTime", "EndDateTime")
WITHOUT_TIMES: Final = ItemWarning(NO_TIMES, EVENT, None, Phrase("note.no_times"))


class EventTimes(NamedTuple):
    """Start and end, and what was changed of them."""

    start: datetime
    end: datetime
    warnings: tuple[ItemWarning, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether it takes more than a day, which not every org allows."""
        return self.end - self.start > DAY

    def as_fields(self) -> dict[str, str]:
        """Both, as they are sent."""
        return {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in zip(TIMES, self[:2], strict=True)}


def event_times(job: Job, *, default_minutes: int, is_first_day: bool) -> EventTimes | None:
    """The times of the job's calendar Event; None where no start is known.

    Without an end, or with one that is not after the start, it takes the default. With `is_first_day` only
    the first day of a longer one counts.
    """
    planned = job.planned_times
    if planned.starts_at is None:
        return None
    start = _minute(planned.starts_at)
    end = _minute(planned.ends_at) if planned.ends_at else None
    if end is None or end <= start:
        text = Phrase("note.no_end", minutes=default_minutes)
        warning = ItemWarning("fallback_used", EVENT, "EndDateTime", text)
        return EventTimes(start, _later(start, timedelta(minutes=default_minutes)), (warning,))
    times = EventTimes(start, end)
    return _first_day(times, job) if is_first_day and times.is_long else times


def _first_day(times: EventTimes, job: Job) -> EventTimes:
    """Until the hour of the end on the first day, where that is after the start; else a whole day."""
    zone = zone_of(job)
    begins, ends = in_zone(times.start, zone), in_zone(times.end, zone)
    same_hour = datetime.combine(begins.date(), ends.time(), tzinfo=begins.tzinfo)
    end = _minute(same_hour) if same_hour > begins else _later(times.start, DAY)
    text = Phrase("note.first_day_only")
    return EventTimes(times.start, end, (ItemWarning("value_cut", EVENT, "EndDateTime", text),))


def _minute(moment: datetime) -> datetime:
    return in_zone(moment, UTC).replace(second=0, microsecond=0)


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment
