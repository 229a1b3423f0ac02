"""Retention: how long rows are stored, and the purge of older ones."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, CursorResult, Delete, delete, func, inspect, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.field_mapping.owners import KEPT_AS
from app.infrastructure.database import Database
from app.models import (
    Delivery,
    DescribeCache,
    FlowInterval,
    IdempotencyKey,
    Notification,
    NotifiedCondition,
    OAuthAttempt,
    Quarantined,
    SyncAttempt,
    UnknownBody,
    Verification,
    VerificationDifference,
    WorkerHeartbeat,
)
from app.models.base import Base
from app.sync.lookup.owners import CACHE_PREFIX

PURGE_ROWS = 5_000


@dataclass(frozen=True)
class Retention:
    """Rows of `table`, or `only` some, are deleted once `column` is older than `keep`, by the database's
    clock.
    """

    table: type[Base]
    column: InstrumentedAttribute[Any]
    keep: timedelta
    only: tuple[ColumnElement[bool], ...] = ()


OTHERS: Final = (
    Retention(Verification, Verification.started_at, timedelta(days=30)),
    Retention(VerificationDifference, VerificationDifference.found_at, timedelta(days=30)),
    Retention(OAuthAttempt, OAuthAttempt.expires_at, timedelta(days=30)),
    # Nobody came back from these, so there is nothing to tell of them.
    Retention(
        OAuthAttempt, OAuthAttempt.expires_at, timedelta(days=1), only=(OAuthAttempt.arrived_at.is_(None),)
    ),
    # Which user has an organizer's e-mail, and who may own records: asked for again after an hour.
    Retention(
        DescribeCache,
        DescribeCache.fetched_at,
        timedelta(days=1),
        only=(
            or_(
                DescribeCache.sobject.startswith(CACHE_PREFIX, autoescape=True),
                DescribeCache.sobject == KEPT_AS,
            ),
        ),
    ),
    # For a replay; what is pending stays until it was delivered or given up.
    Retention(
        Notification,
        Notification.created_at,
        timedelta(days=30),
        only=(Notification.finished_at.is_not(None),),
    ),
    # A new failure of an event is one after an hour without.
    Retention(
        NotifiedCondition,
        NotifiedCondition.changed_at,
        timedelta(days=1),
        only=(~NotifiedCondition.is_open,),
    ),
    Retention(FlowInterval, FlowInterval.at, timedelta(days=8)),
    Retention(WorkerHeartbeat, WorkerHeartbeat.beat_at, timedelta(days=1)),
)


def retentions(*, deliveries_days: int, history_days: int) -> tuple[Retention, ...]:
    """How long the rows of each table are kept that do not stay for ever."""
    deliveries, history = timedelta(days=deliveries_days), timedelta(days=history_days)
    return (
        Retention(IdempotencyKey, IdempotencyKey.created_at, timedelta(hours=24)),
        # A delivery's id must outlive the sender's retries; its payload is for replays.
        Retention(Delivery, Delivery.received_at, deliveries),
        Retention(UnknownBody, UnknownBody.received_at, deliveries),
        Retention(Quarantined, Quarantined.received_at, deliveries),
        Retention(SyncAttempt, SyncAttempt.at, history),
        *OTHERS,
    )


async def purge(
    database: Database, *, deliveries_days: int = 30, history_days: int = 90, portion: int = PURGE_ROWS
) -> int:
    """Delete what has had its time, `portion` rows a transaction; returns how many rows went."""
    kept = retentions(deliveries_days=deliveries_days, history_days=history_days)
    return sum([await _purge_one(database, retention, portion) for retention in kept])


async def _purge_one(database: Database, retention: Retention, portion: int) -> int:
    gone = 0
    while True:
        async with database.system() as session:
            result = await session.execute(_oldest(retention, portion))
            rows = cast("CursorResult[Any]", result).rowcount
        gone += rows
        if rows < portion:
            return gone


def _oldest(retention: Retention, portion: int) -> Delete:
    keys = inspect(retention.table).primary_key
    due = (
        select(*keys)
        .where(retention.column < func.clock_timestamp() - retention.keep, *retention.only)
        .limit(portion)
        .with_for_update(skip_locked=True)
    )
    return delete(retention.table).where(tuple_(*keys).in_(due))
