"""What the platform is notified of, each with its data; called where the fact becomes true."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import api_budget_of
from app.infrastructure.database import database_now
from app.models import Backfill, CampaignLink, Connection, NotifiedCondition, SyncJob
from app.models.conditions import SHOWN_STATE
from app.notifications.outbox import begin_condition, end_condition, keeps_notifications, notify, returning
from app.states import ConditionKind, JobReason, JobState, LinkState, NotificationType, SyncState

GROUPS_MAX: Final = 20
WAITING: Final = (JobState.PENDING, JobState.RUNNING, JobState.AMBIGUOUS, JobState.HELD)
TRIED_AGAIN: Final = (JobState.PENDING, JobState.RUNNING, JobState.AMBIGUOUS)

ProblemKey = tuple[str, str | None, str | None]
"""Code, object, field."""


async def needs_reconnect(session: AsyncSession, host_id: str, *, reason: str) -> None:
    """Salesforce ended the connection."""

    async def read() -> Mapping[str, Any]:
        return {"reason": reason, **await _waiting(session, host_id)}

    await begin_condition(session, host_id, ConditionKind.RECONNECT, read)


async def connection_restored(session: AsyncSession, host_id: str) -> None:
    """The host is connected: if Salesforce had ended its connection, that is over."""
    await end_condition(session, host_id, ConditionKind.RECONNECT, partial(_waiting, session, host_id))


async def problems_are(session: AsyncSession, host_id: str, problems: Iterable[ProblemKey]) -> None:
    """These are the problems of the connection now, and no others."""
    if not keeps_notifications(session):
        return
    now = {json.dumps(key): key for key in problems}
    known = await session.scalars(
        select(NotifiedCondition.subject).where(
            NotifiedCondition.host_id == host_id,
            NotifiedCondition.kind == ConditionKind.PROBLEM,
            NotifiedCondition.is_open,
        )
    )
    for subject in sorted(set(known) - now.keys()):
        await _problem(session, host_id, end_condition, subject)
    for subject in sorted(now):
        await _problem(session, host_id, begin_condition, subject)


async def _problem(
    session: AsyncSession, host_id: str, change: Callable[..., Awaitable[None]], subject: str
) -> None:
    data = dict(zip(("problem", "object", "field"), json.loads(subject), strict=True))
    await change(session, host_id, ConditionKind.PROBLEM, returning(data), subject=subject)


async def events_failed(session: AsyncSession, host_id: str, event_ids: Collection[str]) -> None:
    """Rows of these events have failed just now; those that are tried again at once do not count."""
    if not event_ids or not keeps_notifications(session):
        return
    failing = (
        select(SyncJob.event_id)
        .where(SyncJob.host_id == host_id, SyncJob.event_id.in_(sorted(set(event_ids))))
        .where(SyncJob.state == JobState.FAILED)
        .distinct()
    )
    for event_id in sorted(await session.scalars(failing)):
        read = partial(failing_groups, session, host_id, event_id)
        await begin_condition(session, host_id, ConditionKind.FAILURES, read, subject=event_id)


async def failing_groups(session: AsyncSession, host_id: str, event_id: str) -> Mapping[str, Any]:
    """The event's failed rows, counted; the most frequent first."""
    query = (
        select(SyncJob.error_class, SyncJob.error_code, func.count())
        .where(SyncJob.host_id == host_id, SyncJob.event_id == event_id, SyncJob.state == JobState.FAILED)
        .group_by(SyncJob.error_class, SyncJob.error_code)
        .order_by(func.count().desc(), SyncJob.error_class, SyncJob.error_code)
        .limit(GROUPS_MAX)
    )
    names = ("class", "error_code", "count")
    return {"groups": [dict(zip(names, row, strict=True)) for row in await session.execute(query)]}


def has_failures(host_id: Any, event_id: Any) -> ColumnElement[bool]:
    """Whether rows of the event are failed, or were and are tried again: how these end is not known yet."""
    of_event = (SyncJob.host_id == host_id, SyncJob.event_id == event_id)
    is_tried_again = and_(SyncJob.state.in_(TRIED_AGAIN), SyncJob.error_class.is_not(None))
    return or_(
        exists().where(*of_event, SyncJob.state == JobState.FAILED), exists().where(*of_event, is_tried_again)
    )


async def campaign_broken(
    session: AsyncSession, host_id: str, event_id: str, *, campaign_id: str | None
) -> None:
    """The event's campaign is gone, hidden or changed: no member is written."""
    read = returning({"campaign_id": campaign_id})
    await begin_condition(session, host_id, ConditionKind.CAMPAIGN, read, subject=event_id)


async def campaign_restored(
    session: AsyncSession, host_id: str, event_id: str, *, campaign_id: str | None
) -> None:
    """The event's link is in order: if it was broken, that is over."""
    read = returning({"campaign_id": campaign_id})
    await end_condition(session, host_id, ConditionKind.CAMPAIGN, read, subject=event_id)


async def campaigns_checked(session: AsyncSession, host_id: str, org_id: str) -> None:
    """The host's campaigns were looked for in this org: which of its events are without one now?"""
    if not keeps_notifications(session):
        return
    is_in_order = and_(CampaignLink.state == LinkState.LINKED, CampaignLink.org_id == org_id)
    is_known_broken = exists().where(
        NotifiedCondition.host_id == CampaignLink.host_id,
        NotifiedCondition.kind == ConditionKind.CAMPAIGN,
        NotifiedCondition.subject == CampaignLink.event_id,
        NotifiedCondition.is_open,
    )
    changed = (
        select(CampaignLink.event_id, CampaignLink.campaign_id, is_in_order)
        .where(CampaignLink.host_id == host_id, CampaignLink.state.in_((LinkState.LINKED, LinkState.BROKEN)))
        .where(is_in_order == is_known_broken)
        .order_by(CampaignLink.event_id)
    )
    for event_id, campaign_id, is_restored in (await session.execute(changed)).all():
        change = campaign_restored if is_restored else campaign_broken
        await change(session, host_id, event_id, campaign_id=campaign_id)


async def backfill_finished(session: AsyncSession, backfill: Backfill) -> None:
    """A backfill came to its end; one that only lets go of rows after an unlink is nobody's business."""
    if backfill.reason == JobReason.UNLINK:
        return
    counts = {"done": backfill.done, SyncState.FAILED: backfill.failed, SyncState.SKIPPED: backfill.skipped}
    data = {"backfill_id": backfill.backfill_id, **counts}
    kind = NotificationType.BACKFILL_FINISHED
    await notify(session, backfill.host_id, kind, data, event_id=backfill.event_id)


async def budget_stopped(session: AsyncSession, host_id: str, cap_percent: int) -> None:
    """The host's share of the org's API calls is used up."""
    read = partial(_budget, session, host_id, cap_percent)
    await begin_condition(session, host_id, ConditionKind.BUDGET, read)


async def budget_resumed(session: AsyncSession, host_id: str, cap_percent: int) -> None:
    """The host may call again: if it could not, that is over."""
    read = partial(_budget, session, host_id, cap_percent)
    await end_condition(session, host_id, ConditionKind.BUDGET, read)


async def _budget(session: AsyncSession, host_id: str, cap_percent: int) -> Mapping[str, Any]:
    stored = select(Connection).where(Connection.host_id == host_id)
    connection = (await session.scalars(stored.execution_options(populate_existing=True))).one()
    budget = api_budget_of(connection, cap_percent, await database_now(session))
    resumes_at = budget.resumes_at.isoformat().replace("+00:00", "Z") if budget.resumes_at else None
    return {
        "used": budget.org_used,
        "limit": budget.org_limit,
        "stop_at": budget.stop_at,
        "resumes_at": resumes_at,
    }


async def _waiting(session: AsyncSession, host_id: str) -> Mapping[str, Any]:
    """How many rows wait for the connection."""
    query = select(func.count()).where(SyncJob.host_id == host_id, SHOWN_STATE.in_(WAITING))
    return {"waiting": await session.scalar(query.where(SyncJob.state.in_(WAITING))) or 0}
