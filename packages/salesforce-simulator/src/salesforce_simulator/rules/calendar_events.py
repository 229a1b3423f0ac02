"""Calendar Events: the times that follow from those given, and what they refuse.

Object Reference, "Event": https://developer.salesforce.com/docs/platform/object-reference
"""

from datetime import date, timedelta

from salesforce_simulator import clock
from salesforce_simulator.errors import SalesforceError, save_refusal
from salesforce_simulator.field_types import required_missing
from salesforce_simulator.org import Org
from salesforce_simulator.rules import activities
from salesforce_simulator.store import Row

_DAY = 24 * 60
_MAX_DAYS = 14
_STARTS = ("StartDateTime", "ActivityDateTime", "ActivityDate")
_ENDS = ("EndDateTime", "DurationInMinutes")
_TIMES = (*_STARTS, *_ENDS, "IsAllDayEvent")


def on_insert(org: Org, row: Row, user_id: str) -> Row:
    activities.check_relations(org, row)
    return _with_times(org, {**row, "EventSubtype": row["EventSubtype"] or "Event"})


def changed(before: Row, changes: Row) -> Row:
    """An Event as a write changes it: of its times stay those that the write leaves alone.

    A start alone moves the Event; an end or a duration alone makes it longer or shorter.
    """
    row = {**before, **changes}
    if not any(name in changes for name in _TIMES):
        return row
    row |= {name: None for name in (*_STARTS, *_ENDS) if name not in changes}
    if not any(row[name] for name in _STARTS):
        row["StartDateTime"] = before["StartDateTime"]
    if row["EndDateTime"] is None and row["DurationInMinutes"] is None and not _becomes_all_day(before, row):
        row["DurationInMinutes"] = before["DurationInMinutes"]
    return row


def _becomes_all_day(before: Row, row: Row) -> bool:
    return bool(row["IsAllDayEvent"] and not before["IsAllDayEvent"])


def on_update(org: Org, before: Row, row: Row) -> Row:
    if row["WhoId"] != before["WhoId"] or row["WhatId"] != before["WhatId"]:
        activities.check_relations(org, row)
    return _with_times(org, row)


def _with_times(org: Org, row: Row) -> Row:
    if row["IsPrivate"] and row["WhoId"]:
        raise save_refusal("FIELD_INTEGRITY_EXCEPTION", org.config.private_event_message, "IsPrivate")
    times = _all_day(org, row) if row["IsAllDayEvent"] else _timed(org, row)
    _check_length(org, row, times["DurationInMinutes"])
    return {**row, **times, "AccountId": activities.account_of(org, row)}


def _timed(org: Org, row: Row) -> Row:
    """Times in UTC, duration in minutes."""
    start = row["StartDateTime"] or row["ActivityDateTime"]
    if start is None:
        raise required_missing(["ActivityDateTime"])
    if row["ActivityDateTime"] not in {None, start} or row["ActivityDate"] not in {None, start[:10]}:
        raise _refused(org, "Event start times do not agree", "ActivityDateTime")
    begins = clock.parse_datetime(start)
    minutes = row["DurationInMinutes"]
    if row["EndDateTime"]:
        spent = int((clock.parse_datetime(row["EndDateTime"]) - begins).total_seconds() // 60)
        minutes = _agreed(org, row, spent)
    elif minutes is None:
        raise required_missing(["DurationInMinutes"])
    ends = begins + timedelta(minutes=minutes)
    return {
        **dict.fromkeys(("StartDateTime", "ActivityDateTime"), start),
        "EndDateTime": clock.whole_second(ends),
        "ActivityDate": start[:10],
        "EndDate": clock.format_date(ends),
        "DurationInMinutes": minutes,
    }


def _all_day(org: Org, row: Row) -> Row:
    """Midnight in UTC of the first day and of the last; a day alone unless a duration or an end is given."""
    days = {row[name][:10] for name in _STARTS if row[name]}
    if not days:
        raise required_missing(["ActivityDate"])
    if len(days) > 1:
        raise _refused(org, "Event start times do not agree", "ActivityDate")
    first = date.fromisoformat(days.pop())
    minutes = max(-(-(row["DurationInMinutes"] or _DAY) // _DAY), 1) * _DAY
    if row["EndDateTime"]:
        ends = date.fromisoformat(row["EndDateTime"][:10])
        minutes = _agreed(org, row, ((ends - first).days + 1) * _DAY)
    last = first + timedelta(minutes=minutes - _DAY)
    return {
        **dict.fromkeys(("StartDateTime", "ActivityDateTime"), f"{first}T00:00:00.000+0000"),
        "EndDateTime": f"{last}T00:00:00.000+0000",
        "ActivityDate": first.isoformat(),
        "EndDate": last.isoformat(),
        "DurationInMinutes": minutes,
    }


def _agreed(org: Org, row: Row, spent: int) -> int:
    """The minutes between start and end; raises when there are none, or when the duration says otherwise."""
    if spent < 0 or row["DurationInMinutes"] not in {None, spent}:
        raise _refused(org, "Event duration, start and end do not agree", _length_field(row))
    return spent


def _check_length(org: Org, row: Row, minutes: int) -> None:
    if minutes < 0:
        raise _refused(org, "Event duration cannot be negative", _length_field(row))
    if minutes > _MAX_DAYS * _DAY:
        raise _refused(org, f"Event duration cannot be more than {_MAX_DAYS} days", _length_field(row))
    if minutes > _DAY and not org.config.has_multiday_events:
        raise _refused(org, "Event duration cannot be more than 24 hours", _length_field(row))


def _length_field(row: Row) -> str:
    return "EndDateTime" if row["DurationInMinutes"] is None else "DurationInMinutes"


def _refused(org: Org, reason: str, field: str) -> SalesforceError:
    return save_refusal(org.config.event_times_code, org.config.event_times_message.format(reason), field)
