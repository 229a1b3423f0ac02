"""What changes of people who stood before, where the host chose that: planned. Pure but for the rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.salesforce.composite import Record
from app.sync.lookup.lookup import Findings
from app.sync.lookup.requirements import distinct, touches_people
from app.sync.model.batch import PERSON, PROFILE, Batch, SlotKey, Written
from app.sync.model.clock import Clock
from app.sync.model.records import ACCOUNT, PERSON_ACCOUNT
from app.sync.model.work_item import Operation, Row
from app.sync.model.written_digests import asserted_in, asserting
from app.sync.planning.create_guard import is_free
from app.sync.planning.merge_registrations import Together, together
from app.sync.planning.record_builder import Org, dropped_in, mapped_fields, tried_in

KEY = SlotKey(PROFILE)


@dataclass(frozen=True)
class Standing:
    """The record that holds a person's fields; `named` is what the rules call it, `sobject` Salesforce."""

    named: str
    sobject: str
    id: str
    fields: Mapping[str, Any]


def plan_profiles(known: Iterable[Row], found: Findings, *, batch: Batch, clock: Clock) -> list[Operation]:
    """One update per person, with all that several registrations say of it one after another."""
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
    without = dropped_in(*(row.slots.get(KEY) for row in rows))
    org = Org(found.describes)
    told = together(standing.named, rows, org, standing=standing.fields, said=_said, without=without)
    speakers = told.speakers if told.fields else []
    for row in told.rows:
        if not any(row is speaker for speaker in speakers):
            _note_word(row, standing, told.said[row.job.registration_id])
    return [_update(told, standing, found)] if speakers else []


def _note_word(row: Row, standing: Standing, now: Mapping[str, str]) -> None:
    before, said = row.slots.get(KEY), _said(row)
    if now != said or (before is not None and (before.state != "written" or tried_in(before))):
        row.slots[KEY] = Written(
            state="written",
            action="update",
            sobject=standing.sobject,
            sf_id=standing.id,
            details=asserting(said, now),
        )


def _said(row: Row) -> Mapping[str, str]:
    """What we said with the create, and since then."""
    person, profile = row.slots.get(SlotKey(PERSON)), row.slots.get(KEY)
    created: Mapping[str, str] = (person.details.get("asserted") or {}) if person else {}
    ids = (None, person.sf_id, person.details.get("person_account_id")) if person else ()
    is_of_this = profile is not None and profile.sf_id in ids
    since = asserted_in(profile)
    return {**created, **since} if is_of_this else {**since, **created}


def _update(told: Together, standing: Standing, found: Findings) -> Operation:
    describe, rows = found.describes[standing.sobject], told.speakers
    rules = distinct(row.job.rules for row in rows)
    return Operation(
        key=KEY,
        rows=tuple(rows),
        record=Record(standing.sobject, told.fields, standing.id),
        carrier=rows[-1].job.registration_id,
        words={
            id_: asserting(_said(row), told.said[id_]) for row in rows if (id_ := row.job.registration_id)
        },
        mapped=frozenset().union(*(mapped_fields(standing.named, each, describe) for each in rules)),
        describe=describe,
        tried=tried_in(*(row.slots.get(KEY) for row in rows)),
    )
