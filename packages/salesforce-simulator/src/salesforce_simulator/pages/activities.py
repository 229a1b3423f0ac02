"""What happens with people: their timelines, the calendar and the Cases of all."""

from typing import Any, Final

from salesforce_simulator.org import Org
from salesforce_simulator.pages.layout import table
from salesforce_simulator.pages.records import SHOWN, last, name_of, person_link, raw_link, text
from salesforce_simulator.store import Row

PACKAGE_FIELDS: Final = {"Event_Status__c": "Status", "Cancel_Reschedule_Reason__c": "Reason"}
"""Headings of fields that a package may bring, with or without its namespace."""


def timeline(org: Org, person_id: str) -> str:
    """Tasks, Events and Cases of a person."""
    entries = [(_when(row), row["Subject"]) for row in org.store.find("Task", "WhoId", person_id)]
    entries += [(_span(row), row["Subject"]) for row in org.store.find("Event", "WhoId", person_id)]
    opened = org.store.find("Case", "ContactId", person_id)
    entries += [(row["CreatedDate"][:10], f"Case {_title(row)}: {row['Status']}") for row in opened]
    items = (f'<li><span class="dim">{text(when)}</span> {text(subject)}</li>' for when, subject in entries)
    return f"<ul>{''.join(items)}</ul>"


def _when(row: Row) -> Any:
    return row["ActivityDate"] or row["CreatedDate"][:10]


def _span(event: Row) -> str:
    """When an Event is, in UTC: its days when it takes all of them, else its times."""
    first, final = event["ActivityDate"], event["EndDate"]
    if not event["StartDateTime"] or not event["EndDateTime"]:
        return str(_when(event))
    if event["IsAllDayEvent"]:
        return f"{first}" if first == final else f"{first} – {final}"
    start, end = event["StartDateTime"][11:16], event["EndDateTime"][11:16]
    return f"{first} {start}–{end}" if first == final else f"{first} {start} – {final} {end}"


def _title(case: Row) -> str:
    return f"{case['CaseNumber']} {case['Subject'] or ''}".strip()


def cases(org: Org) -> str:
    """The latest Cases."""
    rows = [
        [
            f"{text(_title(case))} {raw_link(org, case['Id'])}",
            text(case["Status"]),
            person_link(org, case["ContactId"]) or text(case["SuppliedEmail"] or case["SuppliedName"]),
            text(name_of(org, case["OwnerId"])),
            text(case["CreatedDate"]),
        ]
        for case in last(org, "Case", SHOWN)
    ]
    note = f'<p class="dim">The latest {SHOWN} are shown.</p>'
    return f"<h1>Cases</h1>{table(['Case', 'Status', 'Of', 'Owner', 'Opened'], rows)}{note}"


def calendar(org: Org) -> str:
    """The latest Events, in the order of their times."""
    events = sorted(last(org, "Event", SHOWN), key=lambda row: row["StartDateTime"] or row["CreatedDate"])
    named = [name for name in PACKAGE_FIELDS if any(_package_value(event, name) for event in events)]
    rows = [
        [
            text(_span(event)),
            f"{text(event['Subject'])} {raw_link(org, event['Id'])}",
            person_link(org, event["WhoId"]),
            text(event["Location"]),
            text(name_of(org, event["OwnerId"])),
            text(event["ShowAs"]),
            *(text(_package_value(event, name)) for name in named),
        ]
        for event in events
    ]
    headings = ["When (UTC)", "Subject", "Person", "Location", "Owner", "Shows as"]
    headings += [PACKAGE_FIELDS[name] for name in named]
    note = f'<p class="dim">The latest {SHOWN} are shown.</p>'
    return f"<h1>Calendar</h1>{table(headings, rows)}{note}"


def _package_value(event: Row, name: str) -> Any:
    return next((value for field, value in event.items() if field.endswith(name)), None)
