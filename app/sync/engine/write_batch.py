"""What follows the look: people, then the rest; planned by pure functions, done by one executor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from app.config.settings import Settings
from app.salesforce.auth import ConnectionUnusable
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import RequestRejected, SalesforceError
from app.sync.engine.after_cases import write_after_cases
from app.sync.engine.dependent_composite import (
    NOTHING_WRITTEN,
    create_context_of,
    resolve_person_contacts,
    unfinished,
    write_accounts,
    write_people,
)
from app.sync.engine.inaccessible_leads import (
    decide_accessible_leads,
    limit_lead_creates,
    store_campaign_access,
    store_lead_visibility,
)
from app.sync.engine.interruptions import BudgetReached, is_api_budget_exhausted
from app.sync.engine.optional_parts import write_optional_parts
from app.sync.execution.duplicates import resolve_duplicates
from app.sync.execution.executor import Executor
from app.sync.execution.stages import BatchUnderWay, Halted
from app.sync.execution.taken_keys import settle_taken_keys, settle_taken_person_keys
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import RecentlyRejected, is_lasting, problem_from
from app.sync.lookup.lookup import LookupResult, fetch_person_accounts
from app.sync.lookup.query_bisection import is_too_large, query_rejected
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch_items import BatchItems
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import Blocked, ItemDecision
from app.sync.model.job_outcome import Obstacle
from app.sync.model.retry_policy import Clock
from app.sync.model.work_item import WorkItem, WriteOperation, undecided_items
from app.sync.planning.merge_registrations import primary_item
from app.sync.planning.people import PersonKeys, by_person, create_people, resolve_person
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import (
    plan_cases_of_new_leads,
    plan_missing_keys,
    plan_writes,
    reconcile_unplanned_slots,
    settle_reported_slots,
)
from app.sync.planning.record_builder import OrgContext
from app.sync.planning.suspected import settle_suspected

Lookup = tuple[LookupRequirements, LookupResult]
"""What a batch's rules need to be read, and what was found of it."""


class PipelineContext(Protocol):
    """What the steps need of the engine."""

    @property
    def settings(self) -> Settings: ...

    @property
    def pepper(self) -> bytes: ...


@dataclass(frozen=True)
class BatchResult:
    """The items as far as they came; `interruption` concerns more than single items and kept the rest of them
    from going on.
    """

    items: tuple[WorkItem, ...]
    interruption: SalesforceError | BudgetReached | None = None


async def write_batch(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    lookup: Lookup,
    *,
    clock: Clock,
    under_way: BatchUnderWay,
) -> BatchResult:
    """Bring the items as far as they can go, by what was found before anything of their batch was written."""
    current = BatchItems(items)
    interruption: SalesforceError | BudgetReached | None = None
    try:
        interruption = await _write(context, client, store, current, lookup, clock=clock, under_way=under_way)
    except ConnectionUnusable:
        raise
    except RequestRejected as refused:
        interruption = await apply_rejected_request(store, current, refused)
    except SalesforceError as error:
        interruption = error
    except Halted:
        pass
    return BatchResult(tuple(current), interruption)


async def apply_rejected_request(
    store: WriteStore, items: BatchItems, refused: RequestRejected
) -> RequestRejected | None:
    """Let the items wait for access, or fail the only one; returns what neither explains."""
    if is_too_large(refused) and len(items) == 1:
        items.apply(query_rejected(item, refused) for item in items)
        return None
    if not is_lasting(refused):
        return refused
    if not isinstance(refused, RecentlyRejected):
        await store.note_problems([problem_from(refused)], about=())
    blocked = Blocked(Obstacle.ACCESS)
    items.apply(ItemDecision(item, blocked, is_processed=True) for item in items)
    return None


async def _write(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: BatchItems,
    lookup: Lookup,
    *,
    clock: Clock,
    under_way: BatchUnderWay,
) -> BudgetReached | None:
    batch, (requirements, found) = store.batch, lookup
    if is_api_budget_exhausted(client, batch.api_cap_percent):
        return BudgetReached()
    found = replace(found, package_namespace=context.settings.salesforce_package_namespace)
    items.apply(settle_reported_slots(items, found))
    if store.lease.restored is not None:
        items.apply(settle_suspected(items, found, batch))
    packs_duplicates = context.settings.salesforce_packs_duplicates
    executor = Executor(client, store, items, clock, under_way, packs_duplicates)
    missing = await _plan_people(executor, found, requirements, pepper=context.pepper)
    if missing is None:
        people, written = found.people, NOTHING_WRITTEN
    else:
        async with under_way.creating_people():
            people, written = await _write_people(executor, missing, found, requirements)
    person_accounts = await fetch_person_accounts(client, people, requirements)
    found = replace(found, people=people, person_accounts=person_accounts)
    rest = unfinished(items, written)
    plans = chain(
        plan_writes(rest, existing_persons(rest), found, batch=batch, clock=clock),
        plan_cases_of_new_leads(items, written, found, batch=batch, clock=clock),
    )
    planned = [operation async for plan in yielding(plans) for operation in items.apply_plan(plan)]
    async with under_way.writing_rest():
        await _write_rest(executor, planned, lookup=found, requirements=requirements)
    return None


async def _plan_people(
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


async def _write_people(
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


async def _write_rest(
    executor: Executor,
    planned: Sequence[WriteOperation],
    *,
    lookup: LookupResult,
    requirements: LookupRequirements,
) -> None:
    """Write what depends on people, and what follows from how that ended."""
    store, items, access = executor.store, executor.items, requirements.access
    await executor.run(planned)
    if executor.taken_keys:
        await settle_taken_keys(executor)
    await executor.run(list(plan_missing_keys(items, lookup)) if lookup.key_fields else [])
    await executor.resend_allowing_duplicates()
    if any(item.job.writes.case for item in items):
        await write_after_cases(executor, lookup, access)
    items.apply(reconcile_unplanned_slots(items, lookup, clock=executor.clock))
    await store_campaign_access(store, list(items), access)
    items.apply(decide_accessible_leads(items))
    await store_lead_visibility(store, list(items), access)
    items.apply(ItemDecision(item, is_processed=True) for item in items)
    if any(job.has_emails for job in store.batch.jobs):
        await write_optional_parts(executor, lookup)
