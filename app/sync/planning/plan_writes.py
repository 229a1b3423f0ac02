"""Plan what has to exist for people who are known, minus what exists."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from app.salesforce.composite import Record
from app.states import JobReason, WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, SlotKey, WrittenSlot
from app.sync.model.batch_items import changed_item
from app.sync.model.cases import CASE_KEY, named_case_id
from app.sync.model.decisions import ItemDecision, Plan
from app.sync.model.emails import EMAIL_SLOTS
from app.sync.model.job_outcome import Obstacle
from app.sync.model.record_key import RecordKey, lacks_key
from app.sync.model.records import CASE, CONTACT
from app.sync.model.retry_policy import Clock
from app.sync.model.work_item import WorkItem, WriteOperation, is_optional, undecided_items
from app.sync.model.write_settings import CALENDAR_EVENT_WRITES, CASE_WRITES
from app.sync.planning.calendar_events import plan_calendar_events, plan_previous_holder_events
from app.sync.planning.cases import plan_cases
from app.sync.planning.emails import plan_emails
from app.sync.planning.members import plan_members
from app.sync.planning.person_ref import NewPerson, Persons, existing_persons
from app.sync.planning.person_updates import plan_person_updates
from app.sync.planning.previous_holder import plan_previous_holder_members
from app.sync.planning.tasks import plan_tasks


class Planner(Protocol):
    """Plans one kind for items whose person is known; it heeds the kind's switch itself."""

    def __call__(
        self, items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
    ) -> Iterable[Plan]: ...


PLANNERS: Final[Mapping[str, Planner]] = {
    "task": plan_tasks,
    "member": plan_members,
    "person": plan_person_updates,
    CASE_WRITES: plan_cases,
    CALENDAR_EVENT_WRITES: plan_calendar_events,
}
"""By the switch of the kinds that it plans, in their order. People are created before (`people.py`).

A calendar Event hangs on the Case of its registration, so Cases go before.
"""

OPTIONAL_PLANNERS: Final[Mapping[str, Planner]] = dict.fromkeys(sorted(EMAIL_SLOTS), plan_emails)
"""The same of optional kinds: planned when all else of a batch is written, each planner once."""


def plan_writes(
    items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """What each kind of record lacks or has to change, piece by piece."""
    known = {item.registration_id: item for item in undecided_items(items) if item.registration_id in persons}
    for toggle, planner in PLANNERS.items():
        ready = [item for item in known.values() if _is_planned(item, toggle, persons)]
        for plan in planner(ready, persons, lookup, batch=batch, clock=clock) if ready else ():
            yield plan
            if toggle == CASE_WRITES:
                known.update(_with_cases(known, plan))
    yield plan_previous_holder_members(items, persons, lookup, batch=batch, clock=clock)
    in_calendar = [item for item in known.values() if item.job.writes.calendar_event]
    if in_calendar:
        yield from plan_previous_holder_events(in_calendar, lookup, batch=batch, clock=clock)


def settle_reported_slots(items: Iterable[WorkItem], lookup: LookupResult) -> list[ItemDecision]:
    """Forget the records that a verification missed and that are gone, so that they are made again."""
    reported = (
        (item, key, slot, lookup.reported.get(slot.sf_id or ""))
        for item in items
        for key, slot in item.slots.items()
        if slot.details.reported_missing
    )
    return [
        ItemDecision(item, slots={key: _standing(slot) if stands else None})
        for item, key, slot, stands in reported
        if stands is not None
    ]


def _standing(slot: WrittenSlot) -> WrittenSlot:
    return slot._replace(details=slot.details._replace(reported_missing=None))


def plan_cases_of_new_leads(
    items: Iterable[WorkItem], written: Collection[str], lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """The Cases of registrations of which all else is `written`, in one composite with their new people."""
    left = [
        item
        for item in undecided_items(items)
        if item.registration_id in written and item.job.writes.case and not _has_case(item)
    ]
    persons = existing_persons(left)
    ready = [item for item in left if item.registration_id in persons]
    if ready:
        yield from PLANNERS[CASE_WRITES](ready, persons, lookup, batch=batch, clock=clock)


def _has_case(item: WorkItem) -> bool:
    case = item.slots.get(CASE_KEY)
    return case is not None and not case.details.is_suspected


def plan_after_cases(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """The calendar Events that waited until the Cases were written that they hang on."""
    ready = [item for item in items if item.registration_id in persons and _has_waited(item, persons)]
    if ready:
        yield from PLANNERS[CALENDAR_EVENT_WRITES](ready, persons, lookup, batch=batch, clock=clock)


def _is_planned(item: WorkItem, toggle: str, persons: Persons) -> bool:
    """Whether the planner may have something to do for the item now."""
    person = persons[item.registration_id]
    if toggle == CASE_WRITES:
        # A Case names no Lead, so that nothing would keep it from being made where the Lead is refused.
        is_on = item.job.writes.case or named_case_id(item.job) is not None
        return is_on and not (isinstance(person, NewPerson) and person.sobject != CONTACT)
    if toggle == CALENDAR_EVENT_WRITES:
        return item.job.writes.calendar_event and not _awaits_case(item, persons)
    return True


def _awaits_case(item: WorkItem, persons: Persons) -> bool:
    """Whether the item's Case is on its way, and its calendar Event will hang on it: a Lead's never does."""
    case = item.slots.get(CASE_KEY)
    if case is None or case.exists_in_org or not _is_contact(item, persons):
        return False
    return case.state in (WriteState.INTENDED, WriteState.AMBIGUOUS)


def _has_waited(item: WorkItem, persons: Persons) -> bool:
    """Whether the item's Case was tried in this run, and its calendar Event was not."""
    before, case = item.job.written, item.slots.get(CASE_KEY)
    writes, calendar_key = item.job.writes, SlotKey(CALENDAR_EVENT_WRITES)
    return (
        writes.case
        and writes.calendar_event
        and case is not None
        and case.state in (WriteState.WRITTEN, WriteState.FAILED)
        and case != before.get(CASE_KEY)
        and item.slots.get(calendar_key) == before.get(calendar_key)
        and not (item.must_replan or item.skipped_because or item.has_no_access)
        and _is_contact(item, persons)
    )


def _is_contact(item: WorkItem, persons: Persons) -> bool:
    return persons[item.registration_id].sobject == CONTACT


def _with_cases(known: Mapping[str, WorkItem], plan: Plan) -> Iterator[tuple[str, WorkItem]]:
    """The items as they are once their Cases are planned: on its way is what will be created."""
    for decision in plan.decisions:
        id_ = decision.item.registration_id
        yield id_, changed_item(known[id_], decision)
    for operation in plan.operations:
        if operation.is_create:
            on_its_way = WrittenSlot(WriteState.INTENDED, WriteAction.CREATE, CASE)
            for job in operation.jobs:
                item = known[job.registration_id]
                yield job.registration_id, item._replace(slots={**item.slots, CASE_KEY: on_its_way})


def plan_optional_parts(
    items: Sequence[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """What optional kinds of records lack, for items whose person is known."""
    for plan in dict.fromkeys(OPTIONAL_PLANNERS.values()):
        yield from plan(items, persons, lookup, batch=batch, clock=clock)


def plan_missing_keys(items: Iterable[WorkItem], lookup: LookupResult) -> Iterator[WriteOperation]:
    """Give what stands the unique key that it was made without, where a repair or a person asks for it."""
    for item in items:
        if item.job.reason != JobReason.RETRY or not item.is_undecided:
            continue
        for key, slot in item.slots.items():
            record_key = lookup.key_of(slot.sobject, slot.reference or "")
            is_at_rest = slot.state == WriteState.WRITTEN and slot.sf_id is not None
            is_without = lacks_key(key.slot, slot.reference, slot.details) and not key.is_of_previous_holder
            if record_key is not None and is_at_rest and is_without:
                yield _key_update(item, key, slot, record_key)


def _key_update(item: WorkItem, key: SlotKey, slot: WrittenSlot, record_key: RecordKey) -> WriteOperation:
    return WriteOperation(
        key=key,
        jobs=(item.job,),
        record=Record(slot.sobject, {record_key.field: record_key.value}, slot.sf_id),
        primary_registration_id=item.registration_id,
        meaning=slot.meaning,
        label=slot.label,
        reference_tag=slot.reference,
        details=slot.details,
        record_key=record_key,
    )


def reconcile_unplanned_slots(
    items: Iterable[WorkItem], lookup: LookupResult, *, clock: Clock
) -> list[ItemDecision]:
    """Lost writes that no planner asked for: checked while they may land, then taken as they are.

    A check-in that was undone, a campaign that was unlinked and a kind of write that was switched off leave
    such slots; without this nothing would ever settle them, nor set when to check again.
    """
    uncertain = (
        (item, key, slot)
        for item in items
        for key, slot in item.slots.items()
        if slot.state == WriteState.AMBIGUOUS
        and not is_optional(key)
        and not (key.slot == MEMBER and Obstacle.CAMPAIGN_ACCESS in item.obstacles)
    )
    decisions = (_reconcile(*each, lookup, clock=clock) for each in uncertain)
    return [decision for decision in decisions if decision is not None]


def _reconcile(
    item: WorkItem, key: SlotKey, slot: WrittenSlot, lookup: LookupResult, *, clock: Clock
) -> ItemDecision | None:
    if slot.attempt_started_at is not None and slot.attempt_started_at >= clock.now:
        return None  # It was sent again in this run, and refused.
    if lookup.is_sent_again(slot):
        # Nobody sent it again: it is looked for from the next run on, like one that carried no key.
        return ItemDecision(item, slots={key: slot.without_key}, recheck_at=clock.next_recheck(slot))
    if not clock.is_settled(slot):
        return ItemDecision(item, recheck_at=clock.next_recheck(slot))
    if item.person is None:
        return None
    return ItemDecision(item, slots={key: _reconciled(slot, lookup)})


def _reconciled(slot: WrittenSlot, lookup: LookupResult) -> WrittenSlot | None:
    if found := lookup.recovered_slot(slot):
        return found
    if slot.details.is_suspected:
        return None
    return slot._replace(state=WriteState.WRITTEN if slot.exists_in_org else WriteState.FAILED)
