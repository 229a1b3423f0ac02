"""Compares what became of registrations with calendar Events, Cases and e-mails in Salesforce: one a fact."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.sync.model.reference_tags import reference_tag, references_in
from chaos.checker import Findings, OrgState
from chaos.lives import HOUR, End, Life
from chaos.service_database import Grant

Row = Mapping[str, Any]

CALENDAR_EVENT, CASE = "calendar_event", "case"
STATUS_BY_END = {
    End.NO_SHOW: "No-show",
    End.COMPLETED: "Completed",
    End.CHECKED_IN: "Completed",
    End.LATE: "Completed",
}


def check_lives(
    lives: Iterable[Life],
    acked: frozenset[str],
    *,
    orgs: Sequence[OrgState],
    grants: Sequence[Grant],
    findings: Findings,
) -> None:
    """Of each registration one calendar Event with the right times and status, one Case, its e-mails once."""
    by_reference = [_by_reference(org) for org in orgs]
    for life in lives:
        one, org_id = life.one, grants[life.one.org].org_id
        name = f"{one.host_id}/{one.registration_id}"
        found = {}
        for slot, webhook_ids in _slots(life).items():
            found[slot] = by_reference[one.org][reference_tag(one.host_id, org_id, one.registration_id, slot)]
            findings.count(f"{slot} of {name}", len(found[slot]), least=int(acked.issuperset(webhook_ids)))
        if _is_known(life, acked):
            for event in found[CALENDAR_EVENT]:
                findings.lost += [f"{what} of {name}" for what in _differences(life, event, found[CASE])]


def _slots(life: Life) -> dict[str, list[str]]:
    """What is written of it, and the webhooks that have to be acknowledged for that."""
    confirmed = life.one.confirmed_id
    mails = {f"email_{what}:{life.email_id}": [confirmed, life.webhook_id(what)] for what in life.mails}
    return {CALENDAR_EVENT: [confirmed], CASE: [confirmed], **mails}


def _is_known(life: Life, acked: frozenset[str]) -> bool:
    """Whether the service acknowledged all that decides on status and times."""
    about_event = [
        *([life.event.moved_id] if life.event.is_moved else []),
        *([life.event.cancelled_id] if life.event.is_cancelled else []),
    ]
    return acked.issuperset([*life.webhook_ids, *about_event])


def statuses_of(life: Life) -> tuple[str, ...]:
    """The statuses that a calendar Event may have in the end.

    Of a move of the event itself nothing is seen where the Event was created after it.
    """
    if life.is_cancelled:
        return ("Canceled",)
    if life.end in STATUS_BY_END:
        return (STATUS_BY_END[life.end],)
    if life.moved_to:
        return ("Rescheduled",)
    return ("Scheduled", "Rescheduled") if life.event.is_moved and not life.slot else ("Scheduled",)


def _differences(life: Life, event: Row, cases: Sequence[Row]) -> Iterable[str]:
    if event["Event_Status__c"] not in statuses_of(life):
        yield f"status {event['Event_Status__c']} instead of {' or '.join(statuses_of(life))}"
    times = [datetime.fromisoformat(event[name]) for name in ("StartDateTime", "EndDateTime")]
    if times != [life.starts_at, life.starts_at + HOUR]:
        yield f"times {times[0]:%d %H:%M} to {times[1]:%d %H:%M} instead of {life.starts_at:%d %H:%M}"
    is_of_contact = str(event["WhoId"]).startswith("003")
    if is_of_contact and event["WhatId"] not in [case["Id"] for case in cases]:
        yield "the Case"


def _by_reference(org: OrgState) -> defaultdict[str, list[Row]]:
    """What stands under each reference; an e-mail has it in its key, whichever object it became."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in (*org.events, *org.cases, *org.tasks):
        for reference in references_in(row["Description"]):
            found[reference].append(row)
    for row in org.emails:
        found[(row["MessageIdentifier"] or "").strip("<>").partition("@")[0].upper()].append(row)
    return found
