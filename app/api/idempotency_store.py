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
from app.models import IdempotencyKey
from app.user_messages.catalog import say

log = logging.getLogger(__name__)

RETENTION: Final = timedelta(hours=24)
ANSWERS_MAX: Final = 5_000
BYTES_MAX: Final = 67_108_864
"""Of one host, in 24 hours; the largest mapping's answer is half a megabyte."""
ABANDONED_AFTER: Final = timedelta(minutes=5)
IN_PROGRESS: Final = 0


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


async def claim_key(
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
    }
    new = insert(IdempotencyKey).values(**row, created_at=func.clock_timestamp())
    age = func.clock_timestamp() - IdempotencyKey.created_at
    is_abandoned = (IdempotencyKey.status == IN_PROGRESS) & (age > ABANDONED_AFTER)
    taken = new.on_conflict_do_update(
        index_elements=[IdempotencyKey.host_id, IdempotencyKey.key],
        set_={name: new.excluded[name] for name in ("request_sha256", "status", "sealed", "created_at")},
        where=or_(age > RETENTION, is_abandoned),
    ).returning(IdempotencyKey.created_at)
    async with database.tenant(host_id) as session:
        created_at = await session.scalar(taken)
        if created_at is not None:
            await _check_room(session, host_id)
            return ClaimedKey(host_id, key, created_at)
        known = await session.scalar(
            select(IdempotencyKey).where(IdempotencyKey.host_id == host_id, IdempotencyKey.key == key)
        )
    return _judge(known, digest)


async def _check_room(session: AsyncSession, host_id: str) -> None:
    """With the new row counted. Raises TooManyRequests, which takes the row back."""
    age = func.clock_timestamp() - IdempotencyKey.created_at
    kept = select(
        func.count(),
        func.coalesce(func.sum(func.octet_length(IdempotencyKey.sealed)), 0),
        func.max(age),
    ).where(IdempotencyKey.host_id == host_id, age < RETENTION)
    number, size, oldest = (await session.execute(kept)).one()
    if number > ANSWERS_MAX or size > BYTES_MAX:
        wait = max(1, ceil((RETENTION - oldest).total_seconds()))
        raise TooManyRequests(
            say("detail.answers_kept"), reason="kept_answers", headers={"Retry-After": str(wait)}
        )


def _judge(known: IdempotencyKey | None, digest: bytes) -> StoredResponse | None:
    if known is None:
        return None
    if known.request_sha256 != digest:
        raise KeyReused
    if known.status == IN_PROGRESS or known.sealed is None:
        return None
    return StoredResponse(known.status, known.sealed)


async def save_response(database: Database, ticket: ClaimedKey, *, status: int, sealed: bytes) -> None:
    """Store the answer for the next 24 hours."""
    stored = update(IdempotencyKey).where(*_own(ticket)).values(status=status, sealed=sealed)
    async with database.tenant(ticket.host_id) as session:
        await session.execute(stored)


async def release_key(database: Database, ticket: ClaimedKey) -> None:
    """Give the key back: the request may be sent again. Best effort, since it expires by itself."""
    try:
        async with database.tenant(ticket.host_id) as session:
            await session.execute(delete(IdempotencyKey).where(*_own(ticket)))
    except (SQLAlchemyError, OSError) as error:
        if not is_away(error):
            raise
        log.warning("idempotency_key_not_released", extra={"error": type(error).__name__})


def _own(ticket: ClaimedKey) -> tuple[Any, ...]:
    return (
        IdempotencyKey.host_id == ticket.host_id,
        IdempotencyKey.key == ticket.key,
        IdempotencyKey.status == IN_PROGRESS,
        IdempotencyKey.created_at == ticket.created_at,
    )
