"""Time as Salesforce prints it."""

from collections.abc import Callable
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def format_datetime(moment: datetime) -> str:
    """A datetime as the REST API prints it: always UTC, milliseconds, no colon in the offset."""
    return f"{_in_utc(moment).isoformat(timespec='milliseconds')[:23]}+0000"


def whole_second(moment: datetime) -> str:
    """An audit field's value; Salesforce keeps CreatedDate and its like to the second."""
    return f"{_in_utc(moment).isoformat(timespec='seconds')[:19]}.000+0000"


def format_date(moment: datetime) -> str:
    """The UTC calendar day of a moment, as a date field prints it."""
    return _in_utc(moment).date().isoformat()


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def parse_date(text: str) -> date:
    """YYYY-MM-DD and nothing else; ValueError otherwise."""
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


def parse_datetime(text: str) -> datetime:
    """ISO 8601 with an offset or Z; ValueError without one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(text)
    return moment
