"""What changes of people who stood before, where the host chose that: planned. Pure but for the rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.salesforce.composite import Record
from app.states import WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.requirements import distinct_rules, updates_people
from app.sync.model.batch import PERSON, PERSON_UPDATE, Batch, SlotKey, WrittenSlot
from app.sync.model.clock import Clock
from app.sync.model.records import ACCOUNT, PERSON_ACCOUNT
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.model.written_digests import pending_digests, written_digests
from app.sync.planning.create_guard import may_create
from app.sync.planning.merge_registrations import MergedUpdate, merge_updates
from app.sync.planning.record_builder import OrgContext, dropped_fields, mapped_fields, rejection_hints

KEY = SlotKey(PERSON_UPDATE)


@dataclass(frozen=True)
class CurrentRecord:
    """The record that holds a person's fields; `named` is what the rules call it, `sobject` Salesforce."""

    named: str
    sobject: str
    id: str
    fields: Mapping[str, Any]


def plan_person_updates(
    known: Iterable[WorkItem], found: LookupResult, *, batch: Batch, clock: Clock
) -> list[WriteOperation]:
    """One update per person, with all that several registrations say of it one after another."""
    if not batch.writes.person:
        return []
    people: dict[str, list[WorkItem]] = {}
    for row in known:
        if row.person is not None and updates_people(row.job.rules):
            people.setdefault(row.person.id, []).append(row)
    return [operation for rows in people.values() for operation in _plan_person(rows, found, clock=clock)]


def current_record(row: WorkItem, found: LookupResult) -> CurrentRecord | None:
    """The person's record as Salesforce shows it; None where it was made just now."""
    assert row.person is not None
    shown = found.people.rows.get(row.person.id)
    if shown is None or shown.sobject not in found.describes:
        return None
    account_id = shown.person_account_id
    if account_id is not None:
        fields = found.persons.get(account_id)
        return CurrentRecord(PERSON_ACCOUNT, ACCOUNT, account_id, fields) if fields else None
    return CurrentRecord(shown.sobject, shown.sobject, shown.id, shown.standing)


def _plan_person(rows: Sequence[WorkItem], found: LookupResult, *, clock: Clock) -> list[WriteOperation]:
    standing = current_record(rows[0], found)
    free = [may_create(row, KEY, clock) for row in rows]
    if standing is None or not all(free):
        return []
    without = dropped_fields(*(row.slots.get(KEY) for row in rows))
    org = OrgContext(found.describes)
    told = merge_updates(
        standing.named, rows, org, standing=standing.fields, said=_previous_digests, without=without
    )
    speakers = told.speakers if told.fields else []
    for row in told.rows:
        if not any(row is speaker for speaker in speakers):
            _store_digests(row, standing, told.said[row.job.registration_id])
    return [_update(told, standing, found)] if speakers else []


def _store_digests(row: WorkItem, standing: CurrentRecord, now: Mapping[str, str]) -> None:
    before, said = row.slots.get(KEY), _previous_digests(row)
    if now != said or (
        before is not None and (before.state != WriteState.WRITTEN or rejection_hints(before))
    ):
        row.slots[KEY] = WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.UPDATE,
            sobject=standing.sobject,
            sf_id=standing.id,
            details=pending_digests(said, now),
        )


def _previous_digests(row: WorkItem) -> Mapping[str, str]:
    """What we said with the create, and since then."""
    person, profile = row.slots.get(SlotKey(PERSON)), row.slots.get(KEY)
    created: Mapping[str, str] = (person.details.get("written_digests") or {}) if person else {}
    ids = (None, person.sf_id, person.details.get("person_account_id")) if person else ()
    is_of_this = profile is not None and profile.sf_id in ids
    since = written_digests(profile)
    return {**created, **since} if is_of_this else {**since, **created}


def _update(told: MergedUpdate, standing: CurrentRecord, found: LookupResult) -> WriteOperation:
    describe, rows = found.describes[standing.sobject], told.speakers
    rules = distinct_rules(row.job.rules for row in rows)
    return WriteOperation(
        key=KEY,
        rows=tuple(rows),
        record=Record(standing.sobject, told.fields, standing.id),
        carrier=rows[-1].job.registration_id,
        words={
            id_: pending_digests(_previous_digests(row), told.said[id_])
            for row in rows
            if (id_ := row.job.registration_id)
        },
        mapped=frozenset().union(*(mapped_fields(standing.named, each, describe) for each in rules)),
        describe=describe,
        tried=rejection_hints(*(row.slots.get(KEY) for row in rows)),
    )
