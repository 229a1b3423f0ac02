"""Moments as RFC 3339 writes them, with an offset. Pure."""

import re
from datetime import UTC, datetime
from functools import lru_cache

YEARS = range(1900, 9999)
NO_MOMENT = "must be a date-time with an offset, such as 2026-11-24T08:00:00Z"
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def parse_moment(value: object) -> datetime:
    """The moment in UTC. Raises ValueError."""
    if isinstance(value, str):
        return _moment_of(value)
    raise ValueError(NO_MOMENT)


@lru_cache(maxsize=4096)
def _moment_of(text: str) -> datetime:
    """Kept, since all registrations of an evening tell the same times of their event."""
    if not RFC_3339.fullmatch(text):
        raise ValueError(NO_MOMENT)
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exist") from None
    if moment.year not in YEARS:
        raise ValueError(NO_MOMENT)
    return moment


def moment_in(value: object) -> datetime | None:
    """The moment, where the value is one."""
    try:
        return parse_moment(value)
    except ValueError:
        return None
