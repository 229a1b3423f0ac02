"""Create new people: their Accounts first, and a few people with their Tasks and members in one composite."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.salesforce.composite import MAX_SUBREQUESTS, Record, has_reference_text
from app.salesforce.errors import RequestRejected
from app.states import WriteState
from app.sync.engine.inaccessible_leads import limit_lead_creates
from app.sync.execution.duplicates import resolve_duplicate_accounts, resolve_duplicates
from app.sync.execution.executor import Executor
from app.sync.execution.packing import DependentGroup, person_reference_id
from app.sync.execution.taken_keys import settle_taken_keys, settle_taken_person_keys
from app.sync.lookup.create_context import CreateContext, load_create_context
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.query_bisection import is_query_rejected, query_rejected, split_in_half
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch import Batch
from app.sync.model.batch_items import BatchItems
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import ItemDecision, joined
from app.sync.model.records import ACCOUNT
from app.sync.model.retry_policy import Clock
from app.sync.model.work_item import WorkItem, WriteOperation, undecided_items
from app.sync.planning.accounts import people_with_accounts, plan_accounts
from app.sync.planning.merge_registrations import primary_item
from app.sync.planning.people import (
    PersonKeys,
    attach_person_contacts,
    by_person,
    create_people,
    resolve_person,
)
from app.sync.planning.person_ref import NewPerson
from app.sync.planning.plan_writes import plan_writes
from app.sync.planning.record_builder import OrgContext

POINTING_FIELDS = frozenset({"WhoId", "LeadId", "ContactId"})
"""Fields of a Task or member that hold the person's id and nothing else."""


NOTHING_WRITTEN: Final = frozenset[str]()


@dataclass(frozen=True)
class DependentPlan:
    """New people with what depends on them, and the decisions on their items."""

    groups: tuple[DependentGroup, ...]
    decisions: tuple[ItemDecision, ...]


async def plan_people(
    executor: Executor, lookup: LookupResult, requirements: LookupRequirements, *, pepper: bytes
) -> list[WriteOperation] | None:
    """Find the items' people; returns what creates those who are missing, None where nobody is."""
    store, clock, items = executor.store, executor.clock, executor.items
    without_person, keys = [], PersonKeys(lookup.key_fields, store.batch.org_id, pepper)
    async for item in yielding(undecided_items(items)):
        resolution = resolve_person(item, lookup.people, clock=clock, keys=keys)
        items.apply(resolution.decisions)
        if resolution.is_missing:
            without_person.append(item)
    allowed, held_back = limit_lead_creates(items.current(without_person), requirements.access)
    items.apply(held_back)
    groups = by_person(allowed)
    if not groups:
        return None
    org = OrgContext(lookup.describes, await create_context_of(executor, groups, lookup), lookup.owners)
    groups = [now for group in groups if primary_item(now := items.current(group)).is_undecided]
    ready, accounts = await write_accounts(executor, groups, org, pepper=pepper)
    creates = create_people(ready, org, batch=store.batch, pepper=pepper, accounts=accounts, keys=keys)
    return [operation async for plan in yielding(creates) for operation in items.apply_plan(plan)]


async def create_missing_people(
    executor: Executor,
    missing: Sequence[WriteOperation],
    lookup: LookupResult,
    requirements: LookupRequirements,
) -> tuple[PersonIndex, frozenset[str]]:
    """Create who is missing; returns the people known by then, and the registrations with nothing left to
    write.
    """
    written = await write_people(executor, missing, lookup)
    people = lookup.people
    if executor.taken_keys:
        people = await settle_taken_person_keys(executor, people, requirements)
    people = await resolve_duplicates(executor, people, requirements)
    await resolve_person_contacts(executor, missing)
    return people, written


async def write_accounts(
    executor: Executor, groups: Sequence[Sequence[WorkItem]], org: OrgContext, *, pepper: bytes
) -> tuple[Sequence[Sequence[WorkItem]], Mapping[str, str]]:
    """Make the Accounts that are missing; returns who can be created now, and their Accounts by the
    registration that is created for. Raises as `Executor.run` does.
    """
    batch, clock = executor.store.batch, executor.clock
    accounts = plan_accounts(groups, org, batch=batch, clock=clock, pepper=pepper)
    creates = executor.items.apply_plan(accounts.plan)
    if creates:
        await executor.run(creates)
        await resolve_duplicate_accounts(executor)
    return people_with_accounts(accounts, [executor.items.current(group) for group in groups])


async def write_people(
    executor: Executor, people: Sequence[WriteOperation], lookup: LookupResult
) -> frozenset[str]:
    """Create these people, with what depends on them where they are few; returns the registrations with
    nothing left to write. Raises as `Executor.run` does.
    """
    items, batch = executor.items, executor.store.batch
    dependent = plan_dependent_composite(people, items, lookup, batch=batch, clock=executor.clock)
    if dependent is None:
        await executor.run(people)
        return NOTHING_WRITTEN
    # Members are among them.
    async with executor.under_way.writing_rest():
        items.apply(dependent.decisions)
        await executor.execute_dependent(dependent.groups)
        if executor.taken_keys:
            await settle_taken_keys(executor)
    return fully_written(dependent.groups, items)


async def resolve_person_contacts(executor: Executor, created: Sequence[WriteOperation]) -> None:
    """The Contacts of Person Accounts that were just created. Raises what the client raises."""
    accounts = (operation for operation in created if operation.record.sobject == ACCOUNT)
    of_accounts = [item for operation in accounts for item in executor.items.of(operation)]
    ids = {item.person.id for item in of_accounts if item.person and item.person.sobject == ACCOUNT}
    if ids:
        contacts = await executor.client.person_contacts(sorted(ids))
        executor.items.apply(attach_person_contacts(of_accounts, contacts))


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


async def create_context_of(
    executor: Executor, groups: Sequence[Sequence[WorkItem]], lookup: LookupResult
) -> CreateContext:
    """What these people need to know of the org; whoever makes the query fail is told and left out."""
    jobs = [primary_item(some).job for some in groups]
    try:
        return await load_create_context(executor.client, jobs, lookup.describes)
    except RequestRejected as refused:
        if not is_query_rejected(refused):
            raise
        if len(groups) == 1:
            executor.items.apply(query_rejected(item, refused) for item in groups[0])
            return CreateContext()
    halves = [await create_context_of(executor, half, lookup) for half in split_in_half(groups)]
    return CreateContext.of(halves)
