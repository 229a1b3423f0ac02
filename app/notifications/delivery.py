"""The way out of the outbox: numbered, claimed to be sent, and settled by how the receiver answered."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import exists, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import NOW, Database
from app.models import Notification, NotificationReceiver
from app.states import NotificationState

RECEIVER: Final = "platform"
LEASE: Final = timedelta(seconds=60)
"""Who claimed a notification has settled it by then, or is dead: it goes out again."""
REPEATS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""How long after each try but the last the next one follows."""
JITTER: Final = 0.2
GONE: Final = 410
AT_ONCE: Final = 1_000

# A host's counter is locked by whoever numbers, never by who writes facts; another worker passes it by. What
# the counter's lock lets see is all that was numbered before: the third statement begins after it.
ADD_COUNTERS = text("""
    INSERT INTO notification_sequences (host_id)
    SELECT DISTINCT host_id FROM notifications WHERE sequence IS NULL
    ON CONFLICT DO NOTHING
""")
LOCK_COUNTERS = text("""
    SELECT counter.host_id FROM notification_sequences AS counter
    WHERE EXISTS (SELECT FROM notifications AS unnumbered
                  WHERE unnumbered.host_id = counter.host_id AND unnumbered.sequence IS NULL)
    ORDER BY counter.host_id LIMIT :hosts FOR UPDATE OF counter SKIP LOCKED
""")
NUMBER = text("""
    WITH numbered AS (
        UPDATE notifications AS notification SET sequence = ranked.sequence
        FROM (
            SELECT unnumbered.host_id, unnumbered.notification_id,
                   counter.last + row_number() OVER (
                       PARTITION BY unnumbered.host_id ORDER BY unnumbered.position
                   ) AS sequence
            FROM notifications AS unnumbered
            JOIN notification_sequences AS counter ON counter.host_id = unnumbered.host_id
            WHERE unnumbered.host_id = ANY(:host_ids) AND unnumbered.sequence IS NULL
        ) AS ranked
        WHERE notification.host_id = ranked.host_id AND notification.notification_id = ranked.notification_id
        RETURNING notification.host_id, notification.sequence
    )
    UPDATE notification_sequences AS counter SET last = highest.sequence
    FROM (SELECT host_id, max(sequence) AS sequence FROM numbered GROUP BY host_id) AS highest
    WHERE counter.host_id = highest.host_id
    RETURNING counter.host_id
""")
IS_DISABLED: Final = exists().where(
    NotificationReceiver.name == RECEIVER, NotificationReceiver.disabled_at.is_not(None)
)


@dataclass(frozen=True)
class Claimed:
    """A notification to send now, for LEASE; `attempts` were made before."""

    host_id: str
    notification_id: str
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Answer:
    """How the receiver answered: a status, or what kept one from coming."""

    status: int | None = None
    error: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


async def number_notifications(database: Database) -> int:
    """Give committed facts their numbers, in the order of each host; returns for how many hosts."""
    async with database.system() as session:
        if not await session.scalar(select(exists().where(Notification.sequence.is_(None)))):
            return 0
        await session.execute(ADD_COUNTERS)
        hosts = (await session.scalars(LOCK_COUNTERS, {"hosts": AT_ONCE})).all()
        if not hosts:
            return 0
        return len((await session.execute(NUMBER, {"host_ids": hosts})).all())


async def claim_notifications(database: Database, limit: int) -> list[Claimed]:
    """Take what is due and nobody else sends, the longest due first; nothing from a disabled receiver."""
    async with database.system() as session:
        due = (
            select(Notification.host_id, Notification.notification_id)
            .where(
                Notification.state == NotificationState.PENDING,
                Notification.sequence.is_not(None),
                Notification.due_at <= func.clock_timestamp(),
                ~IS_DISABLED,
            )
            .order_by(Notification.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Notification)
        )
        claimed = await session.execute(
            update(Notification)
            .where(tuple_(Notification.host_id, Notification.notification_id).in_(due))
            .values(due_at=NOW + literal(LEASE))
            .returning(
                Notification.host_id,
                Notification.notification_id,
                Notification.sequence,
                Notification.type,
                Notification.event_id,
                Notification.data,
                Notification.created_at,
                Notification.attempts,
            )
            .execution_options(synchronize_session=False)
        )
        return [
            Claimed(row.host_id, row.notification_id, body_of(row), row.attempts) for row in claimed.all()
        ]


def body_of(row: Any) -> bytes:
    """What is posted: the same bytes each time, since `timestamp` is that of the fact."""
    event = {} if row.event_id is None else {"event": {"id": row.event_id}}
    data = {"host": {"id": row.host_id}, "sequence": row.sequence, **event, **row.data}
    return to_json({"type": row.type, "timestamp": _rfc3339(row.created_at), "data": data})


async def settle_notification(database: Database, claimed: Claimed, answer: Answer) -> None:
    """Note how a try ended: delivered, to be repeated, given up, or the receiver is disabled.

    A failure that comes late changes nothing: somebody else may have sent it since.
    """
    async with database.system() as session:
        mine = (
            Notification.host_id == claimed.host_id,
            Notification.notification_id == claimed.notification_id,
        )
        is_same_try = (
            Notification.state == NotificationState.PENDING,
            Notification.attempts == claimed.attempts,
        )
        conditions = mine if answer.is_accepted else (*mine, *is_same_try)
        values = {"last_status": answer.status, "last_error": answer.error, **_next(claimed, answer)}
        await session.execute(update(Notification).where(*conditions).values(values))
        if answer.is_gone:
            await _disable(session)


def _next(claimed: Claimed, answer: Answer) -> dict[str, Any]:
    if answer.is_gone:
        return {"due_at": NOW}
    attempts = {"attempts": claimed.attempts + 1}
    if answer.is_accepted:
        return {**attempts, "state": NotificationState.DELIVERED, "finished_at": NOW}
    if claimed.attempts >= len(REPEATS):
        return {**attempts, "state": NotificationState.FAILED, "finished_at": NOW}
    wait = REPEATS[claimed.attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- spreads load
    return {**attempts, "due_at": NOW + literal(wait)}


async def _disable(session: AsyncSession) -> None:
    row = insert(NotificationReceiver).values(name=RECEIVER, disabled_at=NOW)
    again = {"disabled_at": func.coalesce(NotificationReceiver.disabled_at, NOW)}
    await session.execute(row.on_conflict_do_update(index_elements=[NotificationReceiver.name], set_=again))


async def enable_receiver(session: AsyncSession) -> bool:
    """Let notifications go out again, all that wait at once; says whether the receiver was disabled."""
    enabled = await session.execute(
        update(NotificationReceiver)
        .where(NotificationReceiver.name == RECEIVER, NotificationReceiver.disabled_at.is_not(None))
        .values(disabled_at=None)
        .returning(NotificationReceiver.name)
    )
    return enabled.first() is not None


async def count_undelivered(session: AsyncSession) -> tuple[dict[NotificationState, int], float]:
    """What is pending, disabled and failed, and the age of the oldest that is no failure, in seconds."""
    of_state = Notification.state
    query = select(
        func.count().filter(of_state == NotificationState.PENDING),
        func.count().filter(of_state == NotificationState.FAILED),
        func.extract(
            "epoch", NOW - func.min(Notification.created_at).filter(of_state == NotificationState.PENDING)
        ),
        select(IS_DISABLED).scalar_subquery(),
    ).where(of_state != NotificationState.DELIVERED)
    pending, failed, oldest, disabled = (await session.execute(query)).one()
    counts = {
        NotificationState.PENDING: 0 if disabled else pending,
        NotificationState.DISABLED: pending if disabled else 0,
        NotificationState.FAILED: failed,
    }
    return counts, float(oldest or 0)


async def is_disabled(session: AsyncSession) -> bool:
    return bool(await session.scalar(select(IS_DISABLED)))


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
