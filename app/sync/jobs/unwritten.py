"""Registrations that count and have no job for the connected org."""

from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import hash_joins_only
from app.models import Backfill, Event, Registration, SyncJob
from app.models.conditions import IS_WRITABLE
from app.states import BackfillState, JobReason


@dataclass(frozen=True)
class Unwritten:
    """How many registrations of how many events nobody asked to write yet."""

    registrations: int
    events: int
    estimated_api_calls: int

    @classmethod
    def of(cls, registrations: int, events: int) -> Self:
        return cls(registrations, events, api_calls_for(registrations))


BATCH_ROWS: Final = 1000
CALLS_PER_BATCH: Final = 5
"""One look, one for people, and Tasks and members of a thousand registrations in three more composites."""
ACTIVE: Final = (BackfillState.RUNNING, BackfillState.PAUSED)


def api_calls_for(registrations: int) -> int:
    """ceil(registrations / 1000) batches of about five calls each; retries and refusals come on top."""
    return -(-registrations // BATCH_ROWS) * CALLS_PER_BATCH


def without_job(host_id: str, org_id: str) -> list[ColumnElement[bool]]:
    """The host's registrations that count and have no job for this org: from before it was connected.

    Those of an event that is switched off are not to be written.
    """
    has_job = exists().where(
        SyncJob.host_id == Registration.host_id,
        SyncJob.registration_id == Registration.registration_id,
        SyncJob.event_id == Registration.event_id,
        SyncJob.org_id == org_id,
    )
    is_switched_off = exists().where(
        Event.host_id == Registration.host_id,
        Event.event_id == Registration.event_id,
        Event.is_enabled.is_(False),
    )
    return [Registration.host_id == host_id, IS_WRITABLE, ~has_job, ~is_switched_off]


async def count_unwritten(session: AsyncSession, host_id: str, *, org_id: str | None) -> Unwritten:
    """How many wait to be asked for; all of them where the host was never connected."""
    each = unwritten_by_event(host_id, org_id or "").subquery()
    totals = select(func.coalesce(func.sum(each.c.total), 0), func.count()).select_from(each)
    async with hash_joins_only(session):
        registrations, events = (await session.execute(totals)).one()
    return Unwritten.of(int(registrations), events)


def unwritten_by_event(host_id: str, org_id: str) -> Select[str, int]:
    is_on_its_way = exists().where(
        Backfill.host_id == host_id,
        Backfill.event_id == Registration.event_id,
        Backfill.state.in_(ACTIVE),
        Backfill.reason != JobReason.UNLINK,
    )
    return (
        select(Registration.event_id, func.count().label("total"))
        .where(*without_job(host_id, org_id), ~is_on_its_way)
        .group_by(Registration.event_id)
    )
