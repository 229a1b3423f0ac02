"""What follows Cases: the calendar Events that hang on them, and whether the org lets us create any."""

from app.sync.execution.executor import Executor
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.access import NO_CASE_ACCESS, UserAccess
from app.sync.lookup.lookup import LookupResult
from app.sync.model.cooperative import yielding
from app.sync.planning.cases import are_cases_createable
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import plan_after_cases


async def write_after_cases(executor: Executor, lookup: LookupResult, access: UserAccess) -> None:
    """Write the calendar Events that waited. Raises as `Executor.run` does."""
    items, batch, clock = executor.items, executor.store.batch, executor.clock
    waited = plan_after_cases(items, existing_persons(items), lookup, batch=batch, clock=clock)
    await executor.run([operation async for plan in yielding(waited) for operation in items.apply_plan(plan)])
    await _note_access(executor.store, access, lookup)


async def _note_access(store: WriteStore, access: UserAccess, lookup: LookupResult) -> None:
    """Keep it as a problem of the connection that no Cases can be created, or end the one that is known."""
    is_known = any(each.code == NO_CASE_ACCESS.code for each in access.problems)
    if not are_cases_createable(lookup):
        await store.note_problems([NO_CASE_ACCESS], about=())
    elif is_known:
        await store.note_problems([], about={NO_CASE_ACCESS.code})
