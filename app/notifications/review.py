"""Conditions that end without an act of anybody: an event has no failed rows left, a budget is open again."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import DEFAULT_CAP, api_budget_of
from app.infrastructure.database import NOW, Database, database_now
from app.models import Connection, Host, NotifiedCondition
from app.notifications.facts import budget_resumed, failing_groups, has_failures
from app.notifications.outbox import FAILURES_QUIET, end_condition, reopen_condition
from app.states import ConditionKind

AT_ONCE: Final = 200

FAILS: Final = has_failures(NotifiedCondition.host_id, NotifiedCondition.subject)
HAS_CLEARED: Final = and_(NotifiedCondition.is_open, ~FAILS)
FAILS_UNNOTIFIED: Final = and_(
    ~NotifiedCondition.is_open,
    NotifiedCondition.changed_at < NOW - FAILURES_QUIET,
    NotifiedCondition.seen_at > NotifiedCondition.changed_at,
    FAILS,
)
"""Failed again within an hour of failures, and still does an hour after it was cleared."""


async def review_conditions(database: Database) -> None:
    """Notify of what ended by itself, one transaction each."""
    async with database.system() as session:
        events = await _hosts_and_subjects(session, _changed_events())
        stopped = select(NotifiedCondition.host_id, NotifiedCondition.subject).where(
            NotifiedCondition.kind == ConditionKind.BUDGET, NotifiedCondition.is_open
        )
        hosts = await _hosts_and_subjects(session, stopped.order_by(func.random()).limit(AT_ONCE))
    for host_id, event_id in events:
        async with database.system() as session:
            await _review_event(session, host_id, event_id)
    for host_id, _ in hosts:
        async with database.system() as session:
            await _review_budget(session, host_id)


async def forget_conditions(database: Database) -> None:
    """Nobody is notified any more: what began now must not be taken for begun later."""
    async with database.system() as session:
        await session.execute(delete(NotifiedCondition))


async def _hosts_and_subjects(session: AsyncSession, query: Select[str, str]) -> Sequence[tuple[str, str]]:
    return [(host_id, subject) for host_id, subject in await session.execute(query)]


def _changed_events() -> Select[str, str]:
    return (
        select(NotifiedCondition.host_id, NotifiedCondition.subject)
        .where(NotifiedCondition.kind == ConditionKind.FAILURES, or_(HAS_CLEARED, FAILS_UNNOTIFIED))
        .limit(AT_ONCE)
    )


async def _review_event(session: AsyncSession, host_id: str, event_id: str) -> None:
    """Judge the event again under its condition's lock, which a batch that fails now waits for."""
    mine = (
        NotifiedCondition.host_id == host_id,
        NotifiedCondition.kind == ConditionKind.FAILURES,
        NotifiedCondition.subject == event_id,
    )
    locked = select(NotifiedCondition.is_open).where(*mine).with_for_update(skip_locked=True)
    if (await session.execute(locked)).first() is None:
        return
    has_cleared, fails = (await session.execute(select(HAS_CLEARED, FAILS_UNNOTIFIED).where(*mine))).one()
    read = partial(failing_groups, session, host_id, event_id)
    if has_cleared:
        await end_condition(session, host_id, ConditionKind.FAILURES, read, subject=event_id)
    elif fails:
        await reopen_condition(session, host_id, ConditionKind.FAILURES, read, subject=event_id)


async def _review_budget(session: AsyncSession, host_id: str) -> None:
    connection = await session.get_one(Connection, host_id)
    chosen = await session.scalar(select(Host.api_cap_percent).where(Host.host_id == host_id))
    cap_percent = DEFAULT_CAP if chosen is None else chosen
    now = await database_now(session)
    if not api_budget_of(connection, cap_percent, now).is_stopped:
        await budget_resumed(session, host_id, cap_percent)
