"""What changes of people who stood before, where the host chose that: planned. Pure but for the rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.salesforce.composite import ALLOW_ALERTS, Record
from app.sync.asserted import asserted_in, asserting
from app.sync.batch import PERSON, PROFILE, Batch, SlotKey, Written
from app.sync.clock import Clock
from app.sync.look import Findings
from app.sync.plan.drafts import CannotBeDrafted, Org, cannot_draft, dropped_in, mapped_fields, tried_in
from app.sync.plan.free import is_free
from app.sync.rows import Operation, Row
from app.sync.rules.people import ACCOUNT
from app.sync.rules.standard import PERSON_ACCOUNT
from app.sync.rules.values import Filled, fill
from app.sync.wanted import touches_people

KEY = SlotKey(PROFILE)


@dataclass(frozen=True)
class Standing:
    """The record that holds a person's fields; `named` is what the rules call it, `sobject` Salesforce."""

    named: str
    sobject: str
    id: str
    fields: Mapping[str, Any]


def plan_profiles(known: Iterable[Row], found: Findings, *, batch: Batch, clock: Clock) -> list[Operation]:
    """One update per person, as the latest of several registrations says; the others only note their word."""
    if not batch.writes.person:
        return []
    people: dict[str, list[Row]] = {}
    for row in known:
        if row.person is not None and touches_people(row.job.rules):
            people.setdefault(row.person.id, []).append(row)
    return [operation for rows in people.values() for operation in _plan_person(rows, found, clock=clock)]


def standing_of(row: Row, found: Findings) -> Standing | None:
    """The person's record as Salesforce shows it; None where it was made just now."""
    assert row.person is not None
    shown = found.people.rows.get(row.person.id)
    if shown is None or shown.sobject not in found.describes:
        return None
    account_id = shown.person_account_id
    if account_id is not None:
        fields = found.persons.get(account_id)
        return Standing(PERSON_ACCOUNT, ACCOUNT, account_id, fields) if fields else None
    return Standing(shown.sobject, shown.sobject, shown.id, shown.standing)


def _plan_person(rows: Sequence[Row], found: Findings, *, clock: Clock) -> list[Operation]:
    standing = standing_of(rows[0], found)
    free = [is_free(row, KEY, clock) for row in rows]
    if standing is None or not all(free):
        return []
    latest = max(rows, key=lambda row: (row.job.facts.registered_at, row.job.registration_id))
    return [
        operation for row in rows for operation in _plan_row(row, standing, found, is_latest=row is latest)
    ]


def _plan_row(row: Row, standing: Standing, found: Findings, *, is_latest: bool) -> list[Operation]:
    before = row.slots.get(KEY)
    said = _said(row)
    filled = _filled(row, standing, found, said)
    if filled.misfit is not None:
        reason = CannotBeDrafted(filled.misfit, filled.notices)
        cannot_draft([row], reason, Org(found.describes), kind="registered")
        return []
    row.notices += filled.notices
    if filled.fields and is_latest:
        return [_update(row, standing, found, filled)]
    if filled.asserted != said or (before is not None and before.state != "written"):
        row.slots[KEY] = Written(
            state="written",
            action="update",
            sobject=standing.sobject,
            sf_id=standing.id,
            details=asserting(said, filled.asserted),
        )
    return []


def _filled(row: Row, standing: Standing, found: Findings, said: Mapping[str, str]) -> Filled:
    return fill(
        standing.named,
        row.job.rules,
        row.job,
        describe=found.describes[standing.sobject],
        standing=standing.fields,
        asserted=said,
        without=dropped_in(row.slots.get(KEY)),
    )


def _said(row: Row) -> Mapping[str, str]:
    """What we said with the create, and since then."""
    person, profile = row.slots.get(SlotKey(PERSON)), row.slots.get(KEY)
    created: Mapping[str, str] = (person.details.get("asserted") or {}) if person else {}
    ids = (None, person.sf_id, person.details.get("person_account_id")) if person else ()
    is_of_this = profile is not None and profile.sf_id in ids
    since = asserted_in(profile)
    return {**created, **since} if is_of_this else {**since, **created}


def _update(row: Row, standing: Standing, found: Findings, filled: Filled) -> Operation:
    describe = found.describes[standing.sobject]
    return Operation(
        key=KEY,
        rows=(row,),
        record=Record(standing.sobject, filled.fields, standing.id),
        carrier=row.job.registration_id,
        details=asserting(_said(row), filled.asserted),
        headers=tuple(ALLOW_ALERTS.items()) if row.job.rules.bypasses_alert_rules else (),
        mapped=mapped_fields(standing.named, row.job.rules, describe),
        describe=describe,
        tried=tried_in(row.slots.get(KEY)),
    )
