"""Pack a few new people with their Tasks and members into one composite."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from app.salesforce.composite import MAX_SUBREQUESTS, Record, has_reference_text
from app.states import WriteState
from app.sync.execution.packing import DependentGroup, person_reference_id
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch
from app.sync.model.batch_items import BatchItems
from app.sync.model.decisions import ItemDecision, joined
from app.sync.model.records import ACCOUNT
from app.sync.model.retry_policy import Clock
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.person_ref import NewPerson
from app.sync.planning.plan_writes import plan_writes

POINTING_FIELDS = frozenset({"WhoId", "LeadId", "ContactId"})
"""Fields of a Task or member that hold the person's id and nothing else."""


@dataclass(frozen=True)
class DependentPlan:
    """New people with what depends on them, and the decisions on their items."""

    groups: tuple[DependentGroup, ...]
    decisions: tuple[ItemDecision, ...]


def plan_dependent_composite(
    people: Sequence[WriteOperation], items: BatchItems, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> DependentPlan | None:
    """Plan what depends on each new person; None where one composite cannot hold them all.

    The Contact of a Person Account has no id that could be referred to, and texts that look like references
    themselves must stay outside of composites.
    """
    if not 0 < len(people) < MAX_SUBREQUESTS or any(each.record.sobject == ACCOUNT for each in people):
        return None
    groups: list[DependentGroup] = []
    decisions: list[ItemDecision] = []
    for number, person in enumerate(people):
        reference = NewPerson(person.record.sobject, person_reference_id(number))
        persons = {job.registration_id: reference for job in person.jobs}
        plan = joined(plan_writes(items.of(person), persons, lookup, batch=batch, clock=clock))
        groups.append(DependentGroup(number, person, plan.operations))
        decisions += plan.decisions
    size = sum(len(group.operations) for group in groups)
    if not len(people) < size <= MAX_SUBREQUESTS or any(map(_has_foreign_reference, groups)):
        return None
    return DependentPlan(tuple(groups), tuple(decisions))


def fully_written(groups: Iterable[DependentGroup], items: BatchItems) -> frozenset[str]:
    """The registrations of which all was written that was planned: nothing is left to plan for them."""
    written = (group.person.jobs for group in groups if _is_written(group, items))
    return frozenset(job.registration_id for jobs in written for job in jobs)


def unfinished(items: Iterable[WorkItem], written: Collection[str]) -> list[WorkItem]:
    """The items to plan: those that are not all written, with every other item of their persons."""
    persons = {item.person.id for item in items if item.person and item.registration_id not in written}
    return [
        item
        for item in items
        if item.registration_id not in written or (item.person and item.person.id in persons)
    ]


def _is_written(group: DependentGroup, items: BatchItems) -> bool:
    slots = (item.slots.get(operation.key) for operation in group.operations for item in items.of(operation))
    return all(slot is not None and slot.state == WriteState.WRITTEN for slot in slots)


def _has_foreign_reference(group: DependentGroup) -> bool:
    """Whether a text looks like a reference, besides those to our new people."""
    return any(has_reference_text(_texts(operation.record)) for operation in group.operations)


def _texts(record: Record) -> dict[str, object]:
    return {name: value for name, value in record.fields.items() if name not in POINTING_FIELDS}
