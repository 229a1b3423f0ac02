"""What follows Cases: the calendar Events that hang on them, and whether the org lets us create any."""

from app.sync.execution.executor import Executor
from app.sync.execution.taken_keys import settle_taken_keys
from app.sync.lookup.access import NO_CASE_ACCESS, UserAccess
from app.sync.lookup.lookup import LookupResult
from app.sync.model.cooperative import yielding
from app.sync.planning.cases import are_cases_createable
from app.sync.planning.person_ref import existing_persons
from app.sync.planning.plan_writes import plan_after_cases


async def write_after_cases(executor: Executor, lookup: LookupResult, access: UserAccess) -> None:
    """Write the calendar Events that waited, and keep whether Cases can be created.

    Raises as `Executor.run` does.
    """
    items, batch, clock = executor.items, executor.store.batch, executor.clock
    waited = plan_after_cases(items, existing_persons(items), lookup, batch=batch, clock=clock)
    await executor.run([operation async for plan in yielding(waited) for operation in items.apply_plan(plan)])
    if executor.taken_keys:
        await settle_taken_keys(executor)
    is_open = are_cases_createable(lookup)
    await executor.store.note_problem(
        NO_CASE_ACCESS, known=access.problems, is_met=not is_open, is_over=is_open
    )
