"""Plan what changes of people who existed before, where the host chose that."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.salesforce.composite import Record
from app.states import WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.requirements import updates_people
from app.sync.model.batch import PERSON, PERSON_UPDATE, Batch, SlotKey, WrittenSlot
from app.sync.model.decisions import ItemDecision, Plan
from app.sync.model.records import ACCOUNT, PERSON_ACCOUNT
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.merge_registrations import MergedUpdate, merge_updates
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import (
    OrgContext,
    create_obstacle,
    dropped_fields,
    mapped_by_items,
    rejection_hints,
)

KEY = SlotKey(PERSON_UPDATE)


@dataclass(frozen=True)
class CurrentRecord:
    """The record that holds a person's fields; the rules call it `mapped_name`, Salesforce `sobject`."""

    mapped_name: str
    sobject: str
    id: str
    fields: Mapping[str, Any]


def plan_person_updates(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One update per person, with the values of all its registrations, one after another."""
    groups: dict[str, tuple[PersonRef, list[WorkItem]]] = {}
    for item in items:
        person = persons.get(item.registration_id)
        if person is not None and item.job.writes.person and updates_people(item.job.rules):
            groups.setdefault(person.id, (person, []))[1].append(item)
    for person, group in groups.values():
        yield _plan_person(group, person, lookup, clock=clock)


def current_record(person: PersonRef, lookup: LookupResult) -> CurrentRecord | None:
    """The person's record as it is in Salesforce; None where it was made just now."""
    row = lookup.people.rows.get(person.id)
    if row is None or row.sobject not in lookup.describes:
        return None
    account_id = row.person_account_id
    if account_id is not None:
        fields = lookup.person_accounts.get(account_id)
        return CurrentRecord(PERSON_ACCOUNT, ACCOUNT, account_id, fields) if fields else None
    return CurrentRecord(row.sobject, row.sobject, row.id, row.current_values)


def _plan_person(items: Sequence[WorkItem], person: PersonRef, lookup: LookupResult, *, clock: Clock) -> Plan:
    current = current_record(person, lookup)
    obstacles = [each for item in items if (each := create_obstacle(item, KEY, clock)) is not None]
    if current is None or obstacles:
        return Plan(decisions=tuple(obstacles))
    merged = merge_updates(
        current.mapped_name,
        items,
        OrgContext(lookup.describes),
        current=current.fields,
        previous_digests=previous_digests,
        without=dropped_fields(*(item.slots.get(KEY) for item in items)),
    )
    contributors = merged.contributors if merged.fields else ()
    stored = [
        decision
        for item in merged.items
        if not any(item is contributor for contributor in contributors)
        for decision in _store_digests(item, current, merged.details[item.registration_id])
    ]
    operations = (_update(merged, current, lookup),) if contributors else ()
    return Plan(operations, (*merged.decisions, *stored))


def _store_digests(item: WorkItem, current: CurrentRecord, details: SlotDetails) -> Iterable[ItemDecision]:
    before = item.slots.get(KEY)
    if details.pending_digests != details.written_digests or (
        before is not None and (before.state != WriteState.WRITTEN or rejection_hints(before) != NO_DETAILS)
    ):
        slot = WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.UPDATE,
            sobject=current.sobject,
            sf_id=current.id,
            details=details,
        )
        yield ItemDecision(item, slots={KEY: slot})


def previous_digests(item: WorkItem) -> Mapping[str, str]:
    """The digests of what the registration has written with the create of its person, and since then."""
    person, profile = item.slots.get(SlotKey(PERSON)), item.slots.get(KEY)
    created = (person.details.written_digests or {}) if person else {}
    ids = (None, person.sf_id, person.details.person_account_id) if person else ()
    if profile is None:
        return created
    since = profile.digests
    return {**created, **since} if profile.sf_id in ids else {**since, **created}


def _update(merged: MergedUpdate, current: CurrentRecord, lookup: LookupResult) -> WriteOperation:
    describe, items = lookup.describes[current.sobject], merged.contributors
    return WriteOperation(
        key=KEY,
        jobs=tuple(item.job for item in items),
        record=Record(current.sobject, merged.fields, current.id),
        primary_registration_id=items[-1].registration_id,
        details_by_item=merged.details,
        mapped=mapped_by_items(current.mapped_name, items, describe),
        describe=describe,
        rejection_hints=rejection_hints(*(item.slots.get(KEY) for item in items)),
    )
