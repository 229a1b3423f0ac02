"""First answers kept for 24 hours, by host and key: who may carry a request out, and what it came to."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import KeyReused, TooManyRequests
from app.infrastructure.database import Database
from app.infrastructure.database_errors import is_away
from app.models import IdempotentAnswer

log = logging.getLogger(__name__)

RETENTION: Final = timedelta(hours=24)
ANSWERS_MAX: Final = 5_000
BYTES_MAX: Final = 67_108_864
"""Of one host, in 24 hours; the largest mapping's answer is half a megabyte."""
ABANDONED_AFTER: Final = timedelta(minutes=5)
IN_PROGRESS: Final = 0
NO_ROOM: Final = "As many answers as may be are kept for this host; send changes without Idempotency-Key."


@dataclass(frozen=True)
class ClaimedKey:
    """The right to carry a request out: the row that we made, known by its time."""

    host_id: str
    key: str
    created_at: datetime


@dataclass(frozen=True)
class StoredResponse:
    """A finished answer."""

    status: int
    sealed: bytes


async def claim(
    database: Database, host_id: str, *, key: str, digest: bytes
) -> ClaimedKey | StoredResponse | None:
    """Take the key, or the answer that it has; None while another request with it is under way.

    Raises KeyReused for another request, TooManyRequests when the host has as much kept as it may. A row
    older than 24 hours, or abandoned by a process that died, is taken over.
    """
    row = {
        "host_id": host_id,
        "key": key,
        "request_sha256": digest,
        "status": IN_PROGRESS,
        "sealed": None,
        "body": {},
    }
    new = insert(IdempotentAnswer).values(**row, created_at=func.clock_timestamp())
    age = func.clock_timestamp() - IdempotentAnswer.created_at
    is_abandoned = (IdempotentAnswer.status == IN_PROGRESS) & (age > ABANDONED_AFTER)
    taken = new.on_conflict_do_update(
        index_elements=[IdempotentAnswer.host_id, IdempotentAnswer.key],
        set_={
            name: new.excluded[name] for name in ("request_sha256", "status", "sealed", "body", "created_at")
        },
        where=or_(age > RETENTION, is_abandoned),
    ).returning(IdempotentAnswer.created_at)
    async with database.tenant(host_id) as session:
        created_at = await session.scalar(taken)
        if created_at is not None:
            await _check_room(session, host_id)
            return ClaimedKey(host_id, key, created_at)
        known = await session.scalar(
            select(IdempotentAnswer).where(IdempotentAnswer.host_id == host_id, IdempotentAnswer.key == key)
        )
    return _judge(known, digest)


async def _check_room(session: AsyncSession, host_id: str) -> None:
    """With the new row counted. Raises TooManyRequests, which takes the row back."""
    age = func.clock_timestamp() - IdempotentAnswer.created_at
    kept = select(
        func.count(),
        func.coalesce(func.sum(func.octet_length(IdempotentAnswer.sealed)), 0),
        func.max(age),
    ).where(IdempotentAnswer.host_id == host_id, age < RETENTION)
    number, size, oldest = (await session.execute(kept)).one()
    if number > ANSWERS_MAX or size > BYTES_MAX:
        wait = max(1, ceil((RETENTION - oldest).total_seconds()))
        raise TooManyRequests(NO_ROOM, reason="kept_answers", headers={"Retry-After": str(wait)})


def _judge(known: IdempotentAnswer | None, digest: bytes) -> StoredResponse | None:
    if known is None:
        return None
    if known.request_sha256 != digest:
        raise KeyReused
    if known.status == IN_PROGRESS:
        return None
    return StoredResponse(known.status, known.sealed or bytes.fromhex(known.body["sealed"]))


async def save_response(database: Database, ticket: ClaimedKey, *, status: int, sealed: bytes) -> None:
    """Store the answer for the next 24 hours."""
    stored = update(IdempotentAnswer).where(*_own(ticket)).values(status=status, sealed=sealed)
    async with database.tenant(ticket.host_id) as session:
        await session.execute(stored)


async def release_key(database: Database, ticket: ClaimedKey) -> None:
    """Give the key back: the request may be sent again. Best effort, since it expires by itself."""
    try:
        async with database.tenant(ticket.host_id) as session:
            await session.execute(delete(IdempotentAnswer).where(*_own(ticket)))
    except (SQLAlchemyError, OSError) as error:
        if not is_away(error):
            raise
        log.warning("idempotency_key_not_released", extra={"error": type(error).__name__})


def _own(ticket: ClaimedKey) -> tuple[Any, ...]:
    return (
        IdempotentAnswer.host_id == ticket.host_id,
        IdempotentAnswer.key == ticket.key,
        IdempotentAnswer.status == IN_PROGRESS,
        IdempotentAnswer.created_at == ticket.created_at,
    )
