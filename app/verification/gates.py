"""What keeps a verification from going on just now, and until when. Pure, but for one question."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Verification
from app.registrations.context import EventContext
from app.states import ConnectionState
from app.sync.jobs.claim import HAS_DUE_LIVE_WORK

SHARE: Final = 100
"""All verifications of a host spend one in so many of the org's daily calls."""

TODAY: Final = func.date_trunc("day", func.clock_timestamp())
LOOK_AGAIN: Final = timedelta(seconds=5)
"""How often it is looked whether a gate is open again that names no time."""

YIELD: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Ended:
    """The verification will never go on: its org is no longer the connected one."""


@dataclass(frozen=True)
class Wait:
    """It waits until `at`, and is looked at again `after` a while where no time is known.

    What `is_shown` is a pause; the rest is the turn of live work.
    """

    at: datetime | None = None
    after: timedelta = LOOK_AGAIN
    is_shown: bool = True


Gate = Ended | Wait
PAUSED: Final = Wait()
LIVE_WORK_FIRST: Final = Wait(after=YIELD, is_shown=False)


async def closed_gate(session: AsyncSession, run: Verification, context: EventContext) -> Gate | None:
    """What is in the way; None where the next portion may be read."""
    gate = gate_of(run, context)
    if gate is not None:
        return gate
    spent = await calls_today(session, run.host_id)
    if is_allowance_spent(spent, context.connection.api_limit if context.connection else None):
        return Wait(next_day(context.now))
    whose = {"host_id": run.host_id, "org_id": run.org_id}
    return LIVE_WORK_FIRST if await session.scalar(HAS_DUE_LIVE_WORK, whose) else None


def gate_of(run: Verification, context: EventContext) -> Gate | None:
    """What the connection, pauses and back-offs say."""
    connection, lease, now = context.connection, context.lease, context.now
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        return Ended()
    if connection.org_id != run.org_id:
        return Ended()
    pausable = (context.event, context.host, lease)
    if any(each is not None and each.paused_at is not None for each in pausable):
        return PAUSED
    if connection.state != ConnectionState.CONNECTED:
        return PAUSED
    backoffs = (connection.api_closed_until, connection.fault_until, lease.not_before if lease else None)
    later = [at for at in backoffs if at is not None and at > now]
    return Wait(max(later)) if later else None


async def calls_today(session: AsyncSession, host_id: str) -> int:
    """The calls that all verifications of the host have sent today."""
    query = select(func.sum(Verification.calls_today)).where(
        Verification.host_id == host_id, Verification.calls_day == TODAY
    )
    return await session.scalar(query) or 0


def is_allowance_spent(spent: int, api_limit: int | None) -> bool:
    """Whether the share of the org's daily calls is used up; before the first figure it is not."""
    return api_limit is not None and spent >= max(1, api_limit // SHARE)


def next_day(now: datetime) -> datetime:
    """When the next day begins, in UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
