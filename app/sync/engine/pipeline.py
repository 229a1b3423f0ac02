"""The three steps of a batch: look, people, the rest; planned by pure functions, done by one executor."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from app.api.api_budget import is_share_used_up
from app.config.settings import Settings
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import RequestRejected
from app.states import JobReason, WriteState
from app.sync.engine.dependent_composite import fully_written, plan_dependent_composite
from app.sync.engine.interruptions import BudgetReached
from app.sync.engine.lost_leads import hold_back, note_lost, settle_lost
from app.sync.execution.duplicates import settle_duplicate_accounts, settle_duplicates
from app.sync.execution.executor import Executor
from app.sync.field_values.closed_status import TASK_STATUS
from app.sync.jobs.gates import cap_of
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import (
    NO_CAMPAIGN_ACCESS,
    SEARCH_PROBLEMS,
    LookupRejected,
    RecentlyRejected,
    is_lasting,
    load_access,
    problem_from,
)
from app.sync.lookup.create_context import CreateContext, load_create_context
from app.sync.lookup.describe_cache import MAX_AGE, RETRY_MAX_AGE, expire_describes, load_describes
from app.sync.lookup.lookup import LookupResult, fetch_person_accounts, look_up_batch
from app.sync.lookup.query_bisection import (
    fail_rejected_query,
    is_query_rejected,
    is_too_large,
    split_in_half,
)
from app.sync.lookup.requirements import LookupRequirements, required_objects
from app.sync.lookup.view_all import OBJECT_PERMISSIONS, cache_body, fetch_fully_visible, has_missing_person
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.clock import Clock
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import apply_decisions, apply_plan
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import ACCOUNT, CONTACT, LEAD
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.work_item import WorkItem, WriteOperation, open_items
from app.sync.planning.accounts import people_with_accounts, plan_accounts
from app.sync.planning.merge_registrations import primary_item
from app.sync.planning.people import attach_person_contacts, by_person, create_people, resolve_person
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import plan_writes, settle_unplanned_slots
from app.sync.planning.record_builder import OrgContext

Lookup = tuple[LookupRequirements, LookupResult]
"""What a batch's rules need to be read, and what was found of it."""


class PipelineContext(Protocol):
    """What the steps need of the engine."""

    @property
    def settings(self) -> Settings: ...

    @property
    def pepper(self) -> bytes: ...


async def process_batch(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    *,
    clock: Clock,
    asked: Awaitable[Lookup | None] | None = None,
) -> None:
    """Bring the rows as far as they can go now; `asked` is a look that began since anything was written.

    Raises what the client raises when it concerns more than single rows; the rows then say how far they got.
    What the connected user may not look for lets the rows wait until somebody gives that user access.
    """
    try:
        await _process(context, client, store, items, clock=clock, asked=asked)
    except RequestRejected as refused:
        if is_too_large(refused) and len(items) == 1:
            fail_rejected_query(items[0], refused)
            return
        if not is_lasting(refused):
            raise
        if not isinstance(refused, RecentlyRejected):
            await store.note_problems([problem_from(refused)], about=())
        for row in items:
            row.obstacles.add(Obstacle.ACCESS)
            row.is_processed = True


async def _process(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    *,
    clock: Clock,
    asked: Awaitable[Lookup | None] | None,
) -> None:
    batch = store.batch
    try:
        prefetched = await asked if asked is not None else None
        requirements, found = prefetched or await look_up(client, store)
    except RequestRejected as refused:
        if not is_query_rejected(refused):
            raise
        if is_too_large(refused):
            store.lease.caps.halve(LOOK_UP, len(batch.jobs))
        await _bisect(context, client, store, items, clock=clock, refused=refused)
        return
    store.lease.caps.note_clean(LOOK_UP, len(batch.jobs))
    if await is_api_budget_exhausted(client, store):
        raise BudgetReached
    executor = Executor(client, store, items, clock, context.settings.salesforce_packs_duplicates)
    people, done = await _people(executor, found, requirements, pepper=context.pepper)
    person_accounts = await fetch_person_accounts(client, people, requirements)
    found = replace(found, people=people, person_accounts=person_accounts)
    unfinished = _unfinished(items, done)
    rest = plan_writes(unfinished, existing_persons(unfinished), found, batch=batch, clock=clock)
    await executor.run([operation async for plan in yielding(rest) for operation in apply_plan(plan)])
    await executor.pass_alerts()
    apply_decisions(settle_unplanned_slots(items, found, clock=clock))
    await _note_campaigns(store, items, requirements)
    settle_lost(items)
    await note_lost(store, items, requirements.access)
    for item in items:
        item.is_processed = True


async def _note_campaigns(
    store: WriteStore, items: Sequence[WorkItem], requirements: LookupRequirements
) -> None:
    """Whether the connected user may work with campaigns, where this batch tried."""
    is_known = any(each.code == NO_CAMPAIGN_ACCESS.code for each in requirements.access.problems)
    if requirements.access.lacks_campaign_access:
        return
    if any(Obstacle.CAMPAIGN_ACCESS in row.obstacles for row in items):
        await store.note_problems([NO_CAMPAIGN_ACCESS], about=())
    elif is_known and any(_has_member(row) for row in items):
        await store.note_problems([], about={NO_CAMPAIGN_ACCESS.code})


def _has_member(item: WorkItem) -> bool:
    slot = item.slots.get(item.job.member_key) if item.job.member_key else None
    return slot is not None and slot.state == WriteState.WRITTEN


async def _bisect(
    context: PipelineContext,
    client: SalesforceClient,
    store: WriteStore,
    items: Sequence[WorkItem],
    *,
    clock: Clock,
    refused: RequestRejected,
) -> None:
    """Find the row that alone makes a look-up fail; the others are looked up without it."""
    if len(store.batch.jobs) == 1:
        fail_rejected_query(items[0], refused)
        return
    for half in split_in_half(items):
        batch = replace(store.batch, jobs=tuple(row.job for row in half))
        await process_batch(context, client, replace(store, batch=batch), half, clock=clock)


async def _requirements(
    client: SalesforceClient, store: WriteStore, *, beside: Collection[str] = ()
) -> LookupRequirements:
    """What is to be asked for. `beside` are objects whose describes are needed to see what may be asked."""
    batch, jobs = store.batch, store.batch.jobs
    async with store.database.tenant(batch.host_id) as session:
        access = await load_access(session, host_id=batch.host_id, org_id=batch.org_id)
    needed = required_objects(jobs)
    describes = await load_describes(
        store.database,
        client,
        host_id=batch.host_id,
        org_id=batch.org_id,
        sobjects={*needed, *beside},
        max_age=RETRY_MAX_AGE
        if access.is_due or any(job.reason == JobReason.RETRY for job in jobs)
        else MAX_AGE,
    )
    access = access.compared(describes, {*needed, *beside})
    return LookupRequirements.of(
        jobs, {name: describes[name] for name in needed if name in describes}, access
    )


async def look_up(client: SalesforceClient, store: WriteStore) -> Lookup:
    """What stands in Salesforce of the batch's people. Raises what the client raises.

    Where Salesforce refuses what is asked for, the describes are fetched anew, and only what they show is
    asked for again.
    """
    requirements = await _requirements(client, store)
    if requirements.access.rejected is not None:
        raise RecentlyRejected(requirements.access.rejected)
    try:
        found = await look_up_batch(client, store.batch, requirements, written_since=store.written_since)
    except RequestRejected as refused:
        if is_query_rejected(refused) or not is_lasting(refused):
            raise
        requirements, found = await _look_narrower(client, store, requirements)
    if requirements.access.fully_visible is None and has_missing_person(store.batch.jobs, found.people):
        requirements, found = await _look_closer(client, store, requirements, found)
    access = requirements.access
    if access.closed_statuses is None:
        await store.cache(TASK_STATUS, {"closed": list(found.closed_statuses)})
    if access.is_due or set(access.found) - {each.bare for each in access.problems}:
        await store.note_problems(access.found, about=SEARCH_PROBLEMS)
    return requirements, found


async def _look_narrower(
    client: SalesforceClient, store: WriteStore, requirements: LookupRequirements
) -> Lookup:
    batch, people = store.batch, (LEAD, CONTACT)
    async with store.database.tenant(batch.host_id) as session:
        sobjects = {*people, *requirements.describes}
        await expire_describes(session, host_id=batch.host_id, sobjects=sobjects)
    requirements = await _requirements(client, store, beside=people)
    for _ in people:
        try:
            return requirements, await look_up_batch(
                client, batch, requirements, written_since=store.written_since
            )
        except LookupRejected as refused:
            access = requirements.access.without(refused)
            if access == requirements.access:
                raise
            requirements = replace(requirements, access=access)
    return requirements, await look_up_batch(client, batch, requirements, written_since=store.written_since)


async def _look_closer(
    client: SalesforceClient, store: WriteStore, requirements: LookupRequirements, found: LookupResult
) -> Lookup:
    """Where people whom we wrote are absent: whether that means deleted.

    If so all is looked at once more: the answer must not be newer than what it is held against.
    """
    user_id = await store.user_id()
    fully_visible = await fetch_fully_visible(client, user_id)
    await store.cache(OBJECT_PERMISSIONS, cache_body(fully_visible, user_id))
    requirements = replace(
        requirements, access=replace(requirements.access, fully_visible=fully_visible or frozenset())
    )
    if not fully_visible:
        return requirements, found
    return requirements, await look_up_batch(
        client, store.batch, requirements, written_since=store.written_since
    )


async def is_api_budget_exhausted(client: SalesforceClient, store: WriteStore) -> bool:
    """Whether the host's share of the org's API calls is used up, by the org's own latest figure."""
    if client.usage is None:
        return False
    async with store.database.tenant(store.batch.host_id) as session:
        return is_share_used_up(client.usage, await cap_of(session, store.batch.host_id))


async def _people(
    executor: Executor, found: LookupResult, requirements: LookupRequirements, *, pepper: bytes
) -> tuple[PersonIndex, list[WorkItem]]:
    """Create who is missing; returns the people known by then, and the items with nothing left to write."""
    store, clock = executor.store, executor.clock
    missing_items = []
    async for item in yielding(open_items(executor.rows)):
        resolution = resolve_person(item, found.people, batch=store.batch, clock=clock)
        apply_decisions(resolution.decisions)
        if resolution.is_missing:
            missing_items.append(item)
    allowed, held_back = hold_back(missing_items, requirements.access)
    apply_decisions(held_back)
    alike = by_person(allowed)
    if not alike:
        return found.people, []
    around = await _create_context(executor.client, alike, found)
    org = OrgContext(found.describes, around)
    askable = [some for some in alike if primary_item(some).is_open]
    ready, accounts = await _accounts(executor, askable, org, pepper=pepper)
    creates = create_people(ready, org, batch=store.batch, pepper=pepper, accounts=accounts)
    missing = [operation async for plan in yielding(creates) for operation in apply_plan(plan)]
    dependent = plan_dependent_composite(missing, found, batch=store.batch, clock=clock)
    done: list[WorkItem] = []
    if dependent is None:
        await executor.run(missing)
    else:
        apply_decisions(dependent.decisions)
        await executor.execute_dependent(dependent.groups)
        done = fully_written(dependent.groups)
    people = await settle_duplicates(executor, found.people, requirements)
    await _resolve_person_contacts(executor, missing)
    return people, done


def _unfinished(items: Sequence[WorkItem], done: Sequence[WorkItem]) -> list[WorkItem]:
    """The items to plan: those that are not done, with every other item of their persons."""
    done_ids = {id(item) for item in done}
    persons = {item.person.id for item in items if item.person and id(item) not in done_ids}
    return [item for item in items if id(item) not in done_ids or (item.person and item.person.id in persons)]


async def _create_context(
    client: SalesforceClient, groups: Sequence[Sequence[WorkItem]], found: LookupResult
) -> CreateContext:
    """What these people need to know of the org; whoever makes the query fail is told and left out."""
    jobs = [primary_item(some).job for some in groups]
    try:
        return await load_create_context(client, jobs, found.describes)
    except RequestRejected as refused:
        if not is_query_rejected(refused):
            raise
        if len(groups) == 1:
            for row in groups[0]:
                fail_rejected_query(row, refused)
            return CreateContext()
    return CreateContext.of([await _create_context(client, half, found) for half in split_in_half(groups)])


async def _resolve_person_contacts(executor: Executor, created: Sequence[WriteOperation]) -> None:
    """The Contacts of Person Accounts that were just created."""
    of_persons = [
        each
        for each in created
        if each.record.sobject == ACCOUNT and (who := each.rows[0].person) and who.sobject == ACCOUNT
    ]
    ids = {row.person.id for each in of_persons for row in each.rows if row.person}
    if ids:
        contacts = await executor.client.person_contacts(sorted(ids))
        apply_decisions(attach_person_contacts(of_persons, contacts))


async def _accounts(
    executor: Executor, groups: Sequence[Sequence[WorkItem]], org: OrgContext, *, pepper: bytes
) -> tuple[Sequence[Sequence[WorkItem]], Mapping[str, str]]:
    """Make the Accounts that are missing; returns who can be created now, and their Accounts by carrier."""
    batch, clock = executor.store.batch, executor.clock
    accounts = plan_accounts(groups, org, batch=batch, clock=clock, pepper=pepper)
    creates = apply_plan(accounts.plan)
    if creates:
        await executor.run(creates)
        await settle_duplicate_accounts(executor)
    return people_with_accounts(accounts, groups)
