"""The three steps of a batch: look, people, the rest; planned by pure functions, done by one executor."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from app.salesforce.client import SalesforceClient
from app.salesforce.errors import Refused
from app.settings import Settings
from app.sync.access import (
    LOOKING,
    NO_CAMPAIGNS,
    KnownToBeRefused,
    LookupRefused,
    is_lasting,
    problem_of,
    read_sight,
)
from app.sync.around import Around, look_around
from app.sync.caps import LOOK_UP
from app.sync.clock import Clock
from app.sync.describes import AGE_ON_RETRY, MAX_AGE, forget_describes, load_describes
from app.sync.duplicates import settle_duplicate_accounts, settle_duplicates
from app.sync.execute import Executor
from app.sync.finish import note_usage
from app.sync.linked import plan_linked, run_linked
from app.sync.look import Findings, look, look_at_persons
from app.sync.lost_leads import hold_back, note_lost, settle_lost
from app.sync.plan.accounts import plan_accounts, settle_accounts
from app.sync.plan.drafts import Org
from app.sync.plan.people import by_person, create_people, is_missing, know_contacts
from app.sync.plan.rest import plan_rest, settle_idle
from app.sync.plan.together import carrier_of
from app.sync.rows import Operation, Row, open_rows
from app.sync.rules.people import ACCOUNT, CONTACT, LEAD, People
from app.sync.sees_all import ask_sees_all, lacks_somebody
from app.sync.store import Store
from app.sync.turns import in_turns
from app.sync.unasked import halves, is_too_large, is_unaskable, tell_unaskable
from app.sync.wanted import Wanted, objects_of


class BudgetReached(Exception):
    """The host's share of the org's API calls is used up; nothing more is sent."""


Looked = tuple[Wanted, Findings]
"""What a batch's rules need to be read, and what was found of it."""


class Means(Protocol):
    """What the steps need of the engine."""

    @property
    def settings(self) -> Settings: ...

    @property
    def pepper(self) -> bytes: ...


async def take_steps(
    means: Means,
    client: SalesforceClient,
    store: Store,
    rows: Sequence[Row],
    *,
    clock: Clock,
    asked: Awaitable[Looked | None] | None = None,
) -> None:
    """Bring the rows as far as they can go now; `asked` is a look that began since anything was written.

    Raises what the client raises when it concerns more than single rows; the rows then say how far they got.
    What the connected user may not look for lets the rows wait until somebody gives that user access.
    """
    try:
        await _take_steps(means, client, store, rows, clock=clock, asked=asked)
    except Refused as refused:
        if is_too_large(refused) and len(rows) == 1:
            tell_unaskable(rows[0], refused)
            return
        if not is_lasting(refused):
            raise
        if not isinstance(refused, KnownToBeRefused):
            await store.note_problems([problem_of(refused)], about=())
        for row in rows:
            row.is_without_access = row.is_through = True


async def _take_steps(
    means: Means,
    client: SalesforceClient,
    store: Store,
    rows: Sequence[Row],
    *,
    clock: Clock,
    asked: Awaitable[Looked | None] | None,
) -> None:
    batch = store.batch
    try:
        looked = await asked if asked is not None else None
        wanted, found = looked or await look_up(client, store)
    except Refused as refused:
        if not is_unaskable(refused):
            raise
        if is_too_large(refused):
            store.lease.caps.halve(LOOK_UP, len(batch.jobs))
        await _take_halves(means, client, store, rows, clock=clock, refused=refused)
        return
    store.lease.caps.note_clean(LOOK_UP, len(batch.jobs))
    if await is_used_up(client, store):
        raise BudgetReached
    executor = Executor(client, store, rows, clock, means.settings.salesforce_packs_duplicates)
    people = await _people(executor, found, wanted, pepper=means.pepper)
    persons = await look_at_persons(client, people, wanted)
    found = replace(found, people=people, persons=persons)
    rest = plan_rest(rows, found, batch=batch, clock=clock)
    await executor.run([operation async for piece in in_turns(rest) for operation in piece])
    await executor.pass_alerts()
    settle_idle(rows, found, clock=clock)
    await _note_campaigns(store, rows, wanted)
    settle_lost(rows)
    await note_lost(store, rows, wanted.sight)
    for row in rows:
        row.is_through = True


async def _note_campaigns(store: Store, rows: Sequence[Row], wanted: Wanted) -> None:
    """Whether the connected user may work with campaigns, where this batch tried."""
    is_known = any(each.code == NO_CAMPAIGNS.code for each in wanted.sight.problems)
    if wanted.sight.lacks_campaigns:
        return
    if any(row.lacks_campaigns for row in rows):
        await store.note_problems([NO_CAMPAIGNS], about=())
    elif is_known and any(_has_member(row) for row in rows):
        await store.note_problems([], about={NO_CAMPAIGNS.code})


def _has_member(row: Row) -> bool:
    slot = row.slots.get(row.job.member_key) if row.job.member_key else None
    return slot is not None and slot.state == "written"


async def _take_halves(
    means: Means,
    client: SalesforceClient,
    store: Store,
    rows: Sequence[Row],
    *,
    clock: Clock,
    refused: Refused,
) -> None:
    """Find the row that alone makes a look-up fail; the others are looked up without it."""
    if len(store.batch.jobs) == 1:
        tell_unaskable(rows[0], refused)
        return
    for half in halves(rows):
        batch = replace(store.batch, jobs=tuple(row.job for row in half))
        await take_steps(means, client, replace(store, batch=batch), half, clock=clock)


async def _wanted(client: SalesforceClient, store: Store, *, beside: Collection[str] = ()) -> Wanted:
    """What is to be asked for. `beside` are objects whose describes are needed to see what may be asked."""
    batch, jobs = store.batch, store.batch.jobs
    async with store.database.tenant(batch.host_id) as session:
        sight = await read_sight(session, host_id=batch.host_id, org_id=batch.org_id)
    needed = objects_of(jobs)
    describes = await load_describes(
        store.database,
        client,
        host_id=batch.host_id,
        org_id=batch.org_id,
        sobjects={*needed, *beside},
        max_age=AGE_ON_RETRY if sight.is_due or any(job.why == "retry" for job in jobs) else MAX_AGE,
    )
    sight = sight.compared(describes, {*needed, *beside})
    return Wanted.of(jobs, {name: describes[name] for name in needed if name in describes}, sight)


async def look_up(client: SalesforceClient, store: Store) -> Looked:
    """What stands in Salesforce of the batch's people. Raises what the client raises.

    Where Salesforce refuses what is asked for, the describes are fetched anew, and only what they show is
    asked for again.
    """
    wanted = await _wanted(client, store)
    if wanted.sight.refused is not None:
        raise KnownToBeRefused(wanted.sight.refused)
    try:
        found = await look(client, store.batch, wanted, tasks_since=store.tasks_since)
    except Refused as refused:
        if is_unaskable(refused) or not is_lasting(refused):
            raise
        wanted, found = await _look_narrower(client, store, wanted)
    if wanted.sight.sees_all is None and lacks_somebody(store.batch.jobs, found.people):
        wanted, found = await _look_closer(client, store, wanted, found)
    sight = wanted.sight
    if sight.closed_statuses is None:
        await store.keep_statuses(found.closed_statuses)
    if sight.is_due or set(sight.found) - {each.bare for each in sight.problems}:
        await store.note_problems(sight.found, about=LOOKING)
    return wanted, found


async def _look_narrower(client: SalesforceClient, store: Store, wanted: Wanted) -> Looked:
    batch, people = store.batch, (LEAD, CONTACT)
    async with store.database.tenant(batch.host_id) as session:
        sobjects = {*people, *wanted.describes}
        await forget_describes(session, host_id=batch.host_id, sobjects=sobjects)
    wanted = await _wanted(client, store, beside=people)
    for _ in people:
        try:
            return wanted, await look(client, batch, wanted, tasks_since=store.tasks_since)
        except LookupRefused as refused:
            sight = wanted.sight.without(refused)
            if sight == wanted.sight:
                raise
            wanted = replace(wanted, sight=sight)
    return wanted, await look(client, batch, wanted, tasks_since=store.tasks_since)


async def _look_closer(client: SalesforceClient, store: Store, wanted: Wanted, found: Findings) -> Looked:
    """Where people whom we wrote are absent: whether that means deleted.

    If so all is looked at once more: the answer must not be newer than what it is held against.
    """
    user_id = await store.user_id()
    sees_all = await ask_sees_all(client, user_id)
    await store.keep_sees_all(sees_all, user_id=user_id)
    wanted = replace(wanted, sight=replace(wanted.sight, sees_all=sees_all or frozenset()))
    if not sees_all:
        return wanted, found
    return wanted, await look(client, store.batch, wanted, tasks_since=store.tasks_since)


async def is_used_up(client: SalesforceClient, store: Store) -> bool:
    """Whether the host's share of the org's API calls is used up, by the org's own latest figure."""
    async with store.database.tenant(store.batch.host_id) as session:
        return await note_usage(session, store.batch.host_id, client, calls=0, has_written=False)


async def _people(executor: Executor, found: Findings, wanted: Wanted, *, pepper: bytes) -> People:
    """Create who is missing; returns the people that are known by then."""
    store, rows, clock = executor.store, executor.rows, executor.clock
    missing_rows = [
        row
        async for row in in_turns(open_rows(rows))
        if is_missing(row, found.people, batch=store.batch, clock=clock)
    ]
    alike = by_person(hold_back(missing_rows, wanted.sight))
    if not alike:
        return found.people
    around = await _around(executor.client, alike, found)
    org = Org(found.describes, around)
    askable = [some for some in alike if carrier_of(some).is_open]
    ready, accounts = await _accounts(executor, askable, org, pepper=pepper)
    creates = create_people(ready, org, batch=store.batch, pepper=pepper, accounts=accounts)
    missing = [operation async for piece in in_turns(creates) for operation in piece]
    families = plan_linked(missing, found, batch=store.batch, executor=executor)
    if families:
        await run_linked(executor, families)
    else:
        await executor.run(missing)
    people = await settle_duplicates(executor, found.people, wanted)
    await _persons(executor, missing)
    return people


async def _around(client: SalesforceClient, alike: Sequence[Sequence[Row]], found: Findings) -> Around:
    """What these people need to know of the org; whoever makes the query fail is told and left out."""
    jobs = [carrier_of(some).job for some in alike]
    try:
        return await look_around(client, jobs, found.describes)
    except Refused as refused:
        if not is_unaskable(refused):
            raise
        if len(alike) == 1:
            for row in alike[0]:
                tell_unaskable(row, refused)
            return Around()
    return Around.of([await _around(client, half, found) for half in halves(alike)])


async def _persons(executor: Executor, created: Sequence[Operation]) -> None:
    """The Contacts of Person Accounts that were just created."""
    of_persons = [
        each
        for each in created
        if each.record.sobject == ACCOUNT and (who := each.rows[0].person) and who.sobject == ACCOUNT
    ]
    ids = {row.person.id for each in of_persons for row in each.rows if row.person}
    if ids:
        know_contacts(of_persons, await executor.client.person_contacts(sorted(ids)))


async def _accounts(
    executor: Executor, alike: Sequence[Sequence[Row]], org: Org, *, pepper: bytes
) -> tuple[Sequence[Sequence[Row]], Mapping[str, str]]:
    """Make the Accounts that are missing; returns who can be created now, and their Accounts by carrier."""
    batch, clock = executor.store.batch, executor.clock
    plan = plan_accounts(alike, org, batch=batch, clock=clock, pepper=pepper)
    if plan.creates:
        await executor.run(plan.creates)
        await settle_duplicate_accounts(executor)
    return settle_accounts(plan, alike), plan.known
