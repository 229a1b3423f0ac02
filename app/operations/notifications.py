"""Notifications of the platform for operations: listed, sent again, and let go out after a 410."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.pagination import Cursor, SortOrder
from app.infrastructure import audit_log
from app.infrastructure.database import NOW
from app.models import Notification
from app.notifications.delivery import enable_receiver, is_disabled
from app.operations.notification_schemas import (
    NotificationFilter,
    Notifications,
    NotificationsActed,
    NotificationShown,
    NotificationsQuery,
    ReplayNotifications,
)
from app.operations.schemas import Act
from app.states import NotificationState

SAMPLE_MAX = 10
AT_ONCE_MAX = 10_000
ORDER: Final = SortOrder(Cursor("notifications", (int,)), (Notification.position,))
EQUAL = ("host_id", "event_id", "type")

IS_PENDING: Final = Notification.state == NotificationState.PENDING


async def list_notifications(session: AsyncSession, query: NotificationsQuery) -> Notifications:
    """One page, the latest first. Raises CursorInvalid."""
    disabled = await is_disabled(session)
    rows = select(Notification).where(*_conditions(query, disabled=disabled))
    found = (await session.scalars(ORDER.page(rows, limit=query.limit, cursor=query.cursor))).all()
    page, next_cursor = ORDER.cut(found, limit=query.limit, keys=lambda row: (row.position,))
    return Notifications(items=_shown(page, disabled=disabled), next_cursor=next_cursor)


async def replay_notifications(
    resources: Resources, request: ReplayNotifications, *, by: str
) -> NotificationsActed:
    """Send what the filter matches again, under the same ids, at most 10,000: all repeats begin anew.

    Raises FilterEmpty.
    """
    async with resources.database.system() as session:
        disabled = await is_disabled(session)
        conditions = _conditions(request.filter.checked(), disabled=disabled)
        matched, sample = await _matching(session, conditions, disabled=disabled)
        sent = [] if request.dry_run else await _send_again(session, conditions)
        if not request.dry_run:
            hosts = Counter(sent) or {request.filter.host_id or audit_log.OPERATIONS: 0}
            for host_id, count in sorted(hosts.items()):
                await audit_log.append_entry(
                    session,
                    host_id,
                    actor=by,
                    action="ops.notifications_replayed",
                    details={"notifications": count},
                )
    return NotificationsActed(dry_run=request.dry_run, matched=matched, queued=len(sent), sample=sample)


async def enable_notifications(resources: Resources, request: Act, *, by: str) -> NotificationsActed:
    """Let what waits since the receiver answered 410 go out; nothing matches while it is not disabled."""
    async with resources.database.system() as session:
        disabled = await is_disabled(session)
        conditions = [IS_PENDING] if disabled else [false()]
        matched, sample = await _matching(session, conditions, disabled=disabled)
        queued = 0
        if not request.dry_run:
            queued = matched if await enable_receiver(session) else 0
            await audit_log.append_entry(
                session,
                audit_log.OPERATIONS,
                actor=by,
                action="ops.notifications_enabled",
                details={"notifications": queued, **request.because},
            )
    return NotificationsActed(dry_run=request.dry_run, matched=matched, queued=queued, sample=sample)


async def _matching(
    session: AsyncSession, conditions: Sequence[ColumnElement[bool]], *, disabled: bool
) -> tuple[int, list[NotificationShown]]:
    matched = await session.scalar(select(func.count()).select_from(Notification).where(*conditions))
    query = select(Notification).where(*conditions).order_by(Notification.position)
    return matched or 0, _shown((await session.scalars(query.limit(SAMPLE_MAX))).all(), disabled=disabled)


async def _send_again(session: AsyncSession, conditions: Sequence[ColumnElement[bool]]) -> Sequence[str]:
    """The host of each that is due again."""
    chosen = (
        select(Notification.host_id, Notification.notification_id)
        .where(*conditions)
        .order_by(Notification.position)
        .limit(AT_ONCE_MAX)
        .with_for_update()
    )
    again = {"state": NotificationState.PENDING, "attempts": 0, "due_at": NOW, "finished_at": None}
    sent = await session.scalars(
        update(Notification)
        .where(tuple_(Notification.host_id, Notification.notification_id).in_(chosen))
        .values(again)
        .returning(Notification.host_id)
        .execution_options(synchronize_session=False)
    )
    return sent.all()


def _conditions(chosen: NotificationFilter, *, disabled: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name in EQUAL:
        if (value := getattr(chosen, name)) is not None:
            conditions.append(getattr(Notification, name) == value)
    if chosen.state is not None:
        conditions.append(_is_in(chosen.state, disabled=disabled))
    if chosen.notification_ids is not None:
        conditions.append(Notification.notification_id.in_(chosen.notification_ids))
    if chosen.created_from is not None:
        conditions.append(Notification.created_at >= chosen.created_from)
    if chosen.created_to is not None:
        conditions.append(Notification.created_at < chosen.created_to)
    return conditions


def _is_in(state: str, *, disabled: bool) -> ColumnElement[bool]:
    if state in (NotificationState.PENDING, NotificationState.DISABLED):
        return IS_PENDING if (state == NotificationState.DISABLED) is disabled else false()
    return Notification.state == state


def _shown(rows: Sequence[Notification], *, disabled: bool) -> list[NotificationShown]:
    return [_view(row, disabled=disabled) for row in rows]


def _view(row: Notification, *, disabled: bool) -> NotificationShown:
    is_pending = row.state == NotificationState.PENDING
    shown: dict[str, Any] = {
        **vars(row),
        "state": NotificationState.DISABLED if is_pending and disabled else row.state,
        "due_at": row.due_at if is_pending and not disabled else None,
    }
    return NotificationShown.model_validate(shown)
