"""From a host down: its events with their rows by state, and the runs of one row."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import HostNotFound, RegistrationNotFound
from app.api.pagination import Cursor, SortOrder
from app.models import Event, Host, SyncAttempt, SyncJob
from app.operations.org_schemas import AttemptOfJob, AttemptsOfJob, EventOfHost, EventsOfHost
from app.states import JobState

ATTEMPTS: Final = SortOrder(Cursor("attempts", (datetime,)), (SyncAttempt.at,))
STARTS_AT: Final = func.coalesce(Event.starts_at, Event.created_at)


async def list_events(session: AsyncSession, host_id: str, *, limit: int, cursor: str | None) -> EventsOfHost:
    """One page, those with most failures first, then the latest. Raises HostNotFound, CursorInvalid."""
    if await session.get(Host, host_id) is None:
        raise HostNotFound
    of_state = (
        select(SyncJob.event_id, SyncJob.state, func.count().label("jobs"))
        .where(SyncJob.host_id == host_id)
        .group_by(SyncJob.event_id, SyncJob.state)
        .subquery()
    )
    by_event = (
        select(
            of_state.c.event_id,
            func.jsonb_object_agg(of_state.c.state, of_state.c.jobs).label("jobs"),
            func.coalesce(func.sum(of_state.c.jobs).filter(of_state.c.state == JobState.FAILED), 0).label(
                "failed"
            ),
        )
        .group_by(of_state.c.event_id)
        .subquery()
    )
    failed = func.coalesce(by_event.c.failed, 0)
    order = SortOrder(Cursor("failed events", (int, datetime, str)), (failed, STARTS_AT, Event.event_id))
    query = (
        select(Event, by_event.c.jobs, failed, STARTS_AT)
        .outerjoin(by_event, by_event.c.event_id == Event.event_id)
        .where(Event.host_id == host_id)
    )
    found = (await session.execute(order.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = order.cut(found, limit=limit, keys=lambda row: (int(row[2]), row[3], row[0].event_id))
    return EventsOfHost(items=[_event(row[0], row[1]) for row in page], next_cursor=next_cursor)


async def list_attempts(
    session: AsyncSession, host_id: str, registration_id: str, *, limit: int, cursor: str | None
) -> AttemptsOfJob:
    """One page, the latest first. Raises RegistrationNotFound, CursorInvalid."""
    if await session.get(SyncJob, (host_id, registration_id)) is None:
        raise RegistrationNotFound
    runs = select(
        SyncAttempt.at,
        SyncAttempt.kind,
        SyncAttempt.reason,
        SyncAttempt.requested_by,
        SyncAttempt.outcome,
        SyncAttempt.error["class"].astext,
        SyncAttempt.error["error_code"].astext,
    ).where(and_(SyncAttempt.host_id == host_id, SyncAttempt.registration_id == registration_id))
    found = (await session.execute(ATTEMPTS.page(runs, limit=limit, cursor=cursor))).all()
    page, next_cursor = ATTEMPTS.cut(found, limit=limit, keys=lambda row: (row[0],))
    names = tuple(AttemptOfJob.model_fields)
    items = [AttemptOfJob(**dict(zip(names, row, strict=True))) for row in page]
    return AttemptsOfJob(items=items, next_cursor=next_cursor)


def _event(event: Event, jobs: dict[str, Any] | None) -> EventOfHost:
    counts = jobs or {}
    return EventOfHost(
        event_id=event.event_id,
        title=event.title,
        starts_at=event.starts_at,
        timezone=event.timezone,
        is_paused=event.paused_at is not None,
        jobs={state: counts.get(state, 0) for state in JobState},
    )
