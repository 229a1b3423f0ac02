"""The outbox: a fact is written in the transaction that makes it true, and numbered after the commit.

What begins and ends is a condition: however often it is met, its begin is notified once, and its end once
after that. Nothing is kept by processes without NOTIFY_URL. What is written here holds ids, codes and counts,
never personal data or titles.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Notification
from app.states import ConditionKind, NotificationType

KEEPS_NOTIFICATIONS: Final = "keeps_notifications"
"""In `info` of a session: whether the platform is notified at all."""

Data = Mapping[str, Any]
ReadData = Callable[[], Awaitable[Data]]
Types = tuple[NotificationType, NotificationType]

TYPES: Final[Mapping[ConditionKind, Types]] = {
    ConditionKind.RECONNECT: (NotificationType.NEEDS_RECONNECT, NotificationType.RESTORED),
    ConditionKind.PROBLEM: (NotificationType.PROBLEM, NotificationType.PROBLEM_SOLVED),
    ConditionKind.FAILURES: (NotificationType.FAILURES_STARTED, NotificationType.FAILURES_CLEARED),
    ConditionKind.CAMPAIGN: (NotificationType.CAMPAIGN_BROKEN, NotificationType.CAMPAIGN_RESTORED),
    ConditionKind.BUDGET: (NotificationType.BUDGET_STOPPED, NotificationType.BUDGET_RESUMED),
}
OF_EVENTS: Final = (ConditionKind.FAILURES, ConditionKind.CAMPAIGN)
"""Kinds whose subject is an event."""

FAILURES_QUIET: Final = timedelta(hours=1)
"""Failures begin anew once there were none for as long."""
QUIET: Final[Mapping[ConditionKind, timedelta]] = {ConditionKind.FAILURES: FAILURES_QUIET}

# Both times are the statement's own where it opened the condition, and differ where it did not.
OPEN: Final = text("""
    INSERT INTO notified_conditions AS known (host_id, kind, subject, changed_at, seen_at)
    VALUES (:host_id, :kind, :subject, statement_timestamp(), statement_timestamp())
    ON CONFLICT (host_id, kind, subject) DO UPDATE
    SET (is_open, changed_at) = (
            SELECT known.is_open OR is_new,
                   CASE WHEN is_new THEN statement_timestamp() ELSE known.changed_at END
            FROM (
                SELECT NOT known.is_open
                       AND known.seen_at <= statement_timestamp() - CAST(:quiet AS interval) AS is_new
            ) AS judged
        ),
        seen_at = statement_timestamp()
    RETURNING changed_at = seen_at AS is_new
""")
REOPEN: Final = text("""
    UPDATE notified_conditions SET is_open = true, changed_at = statement_timestamp()
    WHERE host_id = :host_id AND kind = :kind AND subject = :subject AND NOT is_open
    RETURNING 1
""")
CLOSE: Final = text("""
    UPDATE notified_conditions SET is_open = false, changed_at = statement_timestamp()
    WHERE host_id = :host_id AND kind = :kind AND subject = :subject AND is_open
    RETURNING 1
""")


def keeps_notifications(session: AsyncSession) -> bool:
    return bool(session.info.get(KEEPS_NOTIFICATIONS))


def returning(data: Data) -> ReadData:
    """For who has the data already."""

    async def read() -> Data:
        return data

    return read


async def notify(
    session: AsyncSession, host_id: str, kind: NotificationType, data: Data, *, event_id: str | None = None
) -> None:
    """Write one fact in the caller's transaction. It takes no lock that another transaction waits for."""
    if not keeps_notifications(session):
        return
    session.add(
        Notification(
            host_id=host_id,
            notification_id=f"ntf_{uuid4().hex}",
            type=kind,
            event_id=event_id,
            data=dict(data),
        )
    )
    await session.flush()


async def begin_condition(
    session: AsyncSession, host_id: str, kind: ConditionKind, read: ReadData, *, subject: str = ""
) -> None:
    """Notify that something began, unless it did already; `read` is asked only then.

    Call it late in the transaction: the condition's row stays locked to its end.
    """
    if not keeps_notifications(session):
        return
    values = {"host_id": host_id, "kind": kind, "subject": subject, "quiet": QUIET.get(kind, timedelta())}
    if (await session.execute(OPEN, values)).scalar_one():
        await notify(session, host_id, TYPES[kind][0], await read(), event_id=_event_of(kind, subject))


async def reopen_condition(
    session: AsyncSession, host_id: str, kind: ConditionKind, read: ReadData, *, subject: str
) -> None:
    """Notify that what is closed began again, whenever it was met last."""
    values = {"host_id": host_id, "kind": kind, "subject": subject}
    if (await session.execute(REOPEN, values)).first() is not None:
        await notify(session, host_id, TYPES[kind][0], await read(), event_id=_event_of(kind, subject))


async def end_condition(
    session: AsyncSession, host_id: str, kind: ConditionKind, read: ReadData, *, subject: str = ""
) -> None:
    """Notify that it ended, if it had begun."""
    if await forget_condition(session, host_id, kind, subject=subject):
        await notify(session, host_id, TYPES[kind][1], await read(), event_id=_event_of(kind, subject))


async def forget_condition(
    session: AsyncSession, host_id: str, kind: ConditionKind, *, subject: str = ""
) -> bool:
    """Close it without a notification, as what it was about is gone; says whether it was open."""
    if not keeps_notifications(session):
        return False
    values = {"host_id": host_id, "kind": kind, "subject": subject}
    return (await session.execute(CLOSE, values)).first() is not None


def _event_of(kind: ConditionKind, subject: str) -> str | None:
    return subject if kind in OF_EVENTS else None
