"""What a registration's state does not depend on: written when all else is, in calls of its own.

What refuses such a record, or loses the answer about it, meets nothing else so.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from app.salesforce.errors import RequestRejected
from app.states import JobReason
from app.sync.execution.executor import Executor
from app.sync.execution.taken_keys import settle_taken_keys
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import is_lasting
from app.sync.lookup.describe_cache import (
    MAX_AGE,
    REFUSED_EMAILS,
    RETRY_MAX_AGE,
    cached_bodies,
    load_describes,
)
from app.sync.lookup.lookup import LookupResult
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import ItemDecision
from app.sync.model.records import EMAIL_MESSAGE, TASK
from app.sync.model.work_item import PartEnding, WorkItem
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import plan_optional_parts

TRIES: Final = 3
"""A record may be planned otherwise twice: without a field, and as another object."""

PLANNED_AGAIN: Final = (PartEnding.AGAIN, PartEnding.REFUSED)


async def write_optional_parts(executor: Executor, lookup: LookupResult) -> None:
    """Write them for whoever is known by now. Raises as `Executor.run` does."""
    due = [item for item in executor.items if is_ready(item)]
    if not due:
        return
    found = await _with_email_objects(executor, lookup, due)
    for _ in range(TRIES):
        if not await _write(executor, found, due):
            break
        due = [item for item in executor.items.current(due) if _is_planned_again(item)]
        if _has_refused(due) and not found.has_refused_emails:
            found = replace(found, has_refused_emails=True)
            await executor.store.cache({REFUSED_EMAILS: {"is_refused": True}})
    executor.items.apply(ItemDecision(item, has_tried_parts=True) for item in executor.items)


def is_ready(item: WorkItem) -> bool:
    """Whether the item has e-mails, its person exists, and nothing else of it is about to be tried again."""
    is_going_on = item.must_replan or item.retry is not None or item.inaccessible_lead is not None
    is_known = item.person is not None and item.skipped_because is None
    return item.job.has_emails and is_known and not is_going_on


async def _write(executor: Executor, lookup: LookupResult, due: Iterable[WorkItem]) -> bool:
    """Whether anything was sent."""
    items, batch, clock = executor.items.current(due), executor.store.batch, executor.clock
    plans = plan_optional_parts(items, existing_persons(items), lookup, batch=batch, clock=clock)
    operations = [
        operation async for plan in yielding(plans) for operation in executor.items.apply_plan(plan)
    ]
    await executor.run(operations)
    if executor.taken_keys:
        await settle_taken_keys(executor)
    return bool(operations)


def _is_planned_again(item: WorkItem) -> bool:
    return any(end.how in PLANNED_AGAIN for end in item.part_ends.values())


def _has_refused(items: Iterable[WorkItem]) -> bool:
    ends = (end for item in items for end in item.part_ends.values())
    return any(end.how is PartEnding.REFUSED for end in ends)


async def _with_email_objects(
    executor: Executor, lookup: LookupResult, due: Iterable[WorkItem]
) -> LookupResult:
    """Add what the org shows of the objects that e-mails become, kept for a day but for a Retry."""
    store, is_retry = executor.store, any(item.job.reason == JobReason.RETRY for item in due)
    max_age = RETRY_MAX_AGE if is_retry else MAX_AGE
    whose: dict[str, Any] = {"host_id": store.batch.host_id, "org_id": store.batch.org_id, "max_age": max_age}
    sobjects = (EMAIL_MESSAGE, TASK)
    try:
        describes = await load_describes(store.database, executor.client, sobjects=sobjects, **whose)
    except RequestRejected as refused:
        if not is_lasting(refused):
            raise
        describes = {}
    has_refused = await _has_refused_lately(store, whose)
    return replace(lookup, describes={**lookup.describes, **describes}, has_refused_emails=has_refused)


async def _has_refused_lately(store: WriteStore, whose: dict[str, Any]) -> bool:
    async with store.database.tenant(store.batch.host_id) as session:
        return bool(await cached_bodies(session, sobjects=[REFUSED_EMAILS], **whose))
