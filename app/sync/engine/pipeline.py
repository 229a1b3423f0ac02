"""The three steps of a batch: look, people, the rest; planned by pure functions, done by one executor."""

from collections.abc import Awaitable, Collection, Sequence
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
    create_missing_people,
    plan_people,
    unfinished,
)
from app.sync.engine.inaccessible_leads import (
    decide_accessible_leads,
    store_campaign_access,
    store_lead_visibility,
)
from app.sync.engine.interruptions import BudgetReached, is_api_budget_exhausted
from app.sync.engine.optional_parts import write_optional_parts
from app.sync.execution.executor import Executor
from app.sync.execution.stages import BatchUnderWay, Halted, alone
from app.sync.execution.taken_keys import settle_taken_keys
from app.sync.jobs.leases import Lease
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import (
    SEARCH_PROBLEMS,
    LookupRejected,
    RecentlyRejected,
    is_lasting,
    problem_from,
)
from app.sync.lookup.describe_cache import expire_describes, load_describes
from app.sync.lookup.lookup import (
    KnownOfOrg,
    LookupResult,
    bodies_to_cache,
    fetch_person_accounts,
    load_known,
    look_up_batch,
)
from app.sync.lookup.query_bisection import (
    is_query_rejected,
    is_too_large,
    query_rejected,
    split_in_half,
)
from app.sync.lookup.requirements import LookupRequirements, keyed_objects, required_objects
from app.sync.lookup.view_all import OBJECT_PERMISSIONS, cache_body, fetch_fully_visible, has_missing_person
from app.sync.model.batch import Batch
from app.sync.model.batch_items import BatchItems
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import Blocked, ItemDecision
from app.sync.model.job_outcome import Obstacle
from app.sync.model.record_key import KeyRules
from app.sync.model.records import CONTACT, LEAD
from app.sync.model.retry_policy import Clock
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.ticket_transfer import for_current_holder
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import (
    plan_cases_of_new_leads,
    plan_missing_keys,
    plan_writes,
    reconcile_unplanned_slots,
    settle_reported_slots,
)
from app.sync.planning.suspected import settle_suspected, suspected_jobs

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


async def process_batch(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    *,
    clock: Clock,
    prefetched: Awaitable[Lookup | None] | None = None,
    known: KnownOfOrg | None = None,
    under_way: BatchUnderWay | None = None,
) -> BatchResult:
    """Bring the items as far as they can go now; `prefetched` is a look-up that began before anything of this
    batch was written, `known` what was read with it.

    The items stay as they are where another batch that is `under_way` turns out to be about the same people.

    What the connected user may not look for lets the items wait until somebody gives that user access.
    """
    current, under_way = BatchItems(items), under_way or alone()
    interruption: SalesforceError | BudgetReached | None = None
    try:
        lookup = await _look_up_or_reject(context, client, store, prefetched, known)
        if isinstance(lookup, RequestRejected):
            return await _bisect(
                context, client, store, items, clock=clock, refused=lookup, under_way=under_way
            )
        if under_way.has_alone(lookup[1].people.rows.keys()):
            interruption = await _write(
                context, client, store, current, lookup, clock=clock, under_way=under_way
            )
    except ConnectionUnusable:
        raise
    except RequestRejected as refused:
        interruption = await _apply_rejected_request(store, current, refused)
    except SalesforceError as error:
        interruption = error
    except Halted:
        pass
    return BatchResult(tuple(current), interruption)


async def _look_up_or_reject(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    prefetched: Awaitable[Lookup | None] | None,
    known: KnownOfOrg | None,
) -> Lookup | RequestRejected:
    """What was found; the rejection where Salesforce takes no such query, but may take a smaller one."""
    caps, size = store.lease.caps, len(store.batch.jobs)
    try:
        found = await prefetched if prefetched is not None else None
        found = found or await look_up(context, client, store, known)
    except RequestRejected as refused:
        if not is_query_rejected(refused):
            raise
        if is_too_large(refused):
            caps.halve(LOOK_UP, size)
        return refused
    caps.note_clean(LOOK_UP, size)
    return found


async def _apply_rejected_request(
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
    if requirements.access.has_inaccessible_leads:
        under_way.may_overlap = False
    found = replace(found, package_namespace=context.settings.salesforce_package_namespace)
    items.apply(settle_reported_slots(items, found))
    if store.lease.restored is not None:
        items.apply(settle_suspected(items, found, batch))
    packs_duplicates = context.settings.salesforce_packs_duplicates
    executor = Executor(client, store, items, clock, under_way, packs_duplicates)
    missing = await plan_people(executor, found, requirements, pepper=context.pepper)
    if missing is None:
        people, written = found.people, NOTHING_WRITTEN
    else:
        async with under_way.creating_people():
            people, written = await create_missing_people(executor, missing, found, requirements)
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


async def _bisect(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    *,
    clock: Clock,
    refused: RequestRejected,
    under_way: BatchUnderWay,
) -> BatchResult:
    """Find the item that alone makes a look-up fail; the others are looked up without it."""
    if len(store.batch.jobs) == 1:
        current = BatchItems(items)
        current.apply(query_rejected(item, refused) for item in items)
        return BatchResult(tuple(current))
    done: tuple[WorkItem, ...] = ()
    for half in split_in_half(items):
        batch = replace(store.batch, jobs=tuple(item.job for item in half))
        part = await process_batch(
            context, client, replace(store, batch=batch), half, clock=clock, under_way=under_way
        )
        done += part.items
        if part.interruption is not None:
            return BatchResult((*done, *items[len(done) :]), part.interruption)
    return BatchResult(done)


async def _requirements(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    *,
    known: KnownOfOrg | None = None,
    extra_objects: Collection[str] = (),
) -> LookupRequirements:
    """What is to be asked for; `known` is what was read with the batch.

    The describes of `extra_objects` say what may be asked.
    """
    batch, jobs = store.batch, store.batch.jobs
    key_rules = key_rules_of(context)
    if known is None:
        async with store.database.tenant(batch.host_id) as session:
            known = await load_known(session, batch, key_rules)
    needed = required_objects(jobs).difference(known.undescribed)
    describes = await load_describes(
        store.database,
        client,
        host_id=batch.host_id,
        org_id=batch.org_id,
        sobjects={*needed, *extra_objects},
        max_age=known.max_age,
    )
    access = known.access.with_describes(describes, {*needed, *extra_objects})
    describes = {name: describes[name] for name in needed if name in describes}
    found = replace(
        LookupRequirements.of(jobs, describes, access, known.owners), undescribed=known.undescribed
    )
    return found.with_keys(key_rules, keyed_objects(jobs, key_rules), known.unique_fields)


def asked_about(lease: Lease, batch: Batch) -> Batch:
    """The batch as Salesforce is asked about it: of events that are switched on, and tickets' holders now."""
    enabled = batch.of_enabled_events()
    of_holders = replace(enabled, jobs=tuple(for_current_holder(job) for job in enabled.jobs))
    if lease.restored is None:
        return of_holders
    return replace(of_holders, jobs=suspected_jobs(of_holders.jobs, of_holders, lease.restored))


def key_rules_of(context: PipelineContext) -> KeyRules:
    settings = context.settings
    return KeyRules(settings.salesforce_package_namespace, settings.pepper is not None)


async def look_up(
    context: PipelineContext, client: SalesforceClient, store: WriteStore, known: KnownOfOrg | None = None
) -> Lookup:
    """What stands in Salesforce of the batch's people. Raises what the client raises.

    Where Salesforce refuses what is asked for, the describes are fetched anew, and only what they show is
    asked for again.
    """
    requirements = await _requirements(context, client, store, known=known)
    if requirements.access.rejected is not None:
        raise RecentlyRejected(requirements.access.rejected)
    try:
        found = await look_up_batch(client, store.batch, requirements, written_since=store.written_since)
    except RequestRejected as refused:
        if is_query_rejected(refused) or not is_lasting(refused):
            raise
        requirements, found = await _look_up_visible_objects(context, client, store, requirements)
    if requirements.access.fully_visible is None and has_missing_person(store.batch.jobs, found.people):
        requirements, found = await _look_up_with_view_all(client, store, requirements, found)
    access = requirements.access
    await store.cache(bodies_to_cache(requirements, found, store.batch.jobs))
    if access.is_due or set(access.search_problems) - {each.bare for each in access.problems}:
        await store.note_problems(access.search_problems, about=SEARCH_PROBLEMS)
    return requirements, found


async def _look_up_visible_objects(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    requirements: LookupRequirements,
) -> Lookup:
    batch, people = store.batch, (LEAD, CONTACT)
    async with store.database.tenant(batch.host_id) as session:
        sobjects = {*people, *requirements.describes}
        await expire_describes(session, host_id=batch.host_id, sobjects=sobjects)
    requirements = await _requirements(context, client, store, extra_objects=people)
    for _ in people:
        try:
            return requirements, await look_up_batch(
                client, batch, requirements, written_since=store.written_since
            )
        except LookupRejected as refused:
            access = requirements.access.after_rejection(refused)
            if access == requirements.access:
                raise
            requirements = replace(requirements, access=access)
    return requirements, await look_up_batch(client, batch, requirements, written_since=store.written_since)


async def _look_up_with_view_all(
    client: SalesforceClient, store: WriteStore, requirements: LookupRequirements, lookup: LookupResult
) -> Lookup:
    """Where people whom we wrote are absent: whether that means deleted.

    If so all is looked at once more: the answer must not be newer than what it is held against.
    """
    user_id = await store.user_id()
    fully_visible = await fetch_fully_visible(client, user_id)
    await store.cache({OBJECT_PERMISSIONS: cache_body(fully_visible, user_id)})
    requirements = replace(
        requirements, access=replace(requirements.access, fully_visible=fully_visible or frozenset())
    )
    if not fully_visible:
        return requirements, lookup
    return requirements, await look_up_batch(
        client, store.batch, requirements, written_since=store.written_since
    )
