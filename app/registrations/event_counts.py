"""The counts of many events in one statement: each registration in exactly one place, as in stats."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import hash_joins_only
from app.models import Registration, SyncJob
from app.models.conditions import IS_COUNTED, IS_ERASED, SHOWN_STATE
from app.registrations.queries import ATTENDED, IS_ATTENDED, job_of
from app.registrations.registration_state import SYNC_STATES
from app.states import JobState


async def counts_of_events(
    session: AsyncSession, host_id: str, event_ids: Sequence[str], *, org_id: str | None
) -> dict[str, Counter[str]]:
    """By event: how many registrations are in each state, and how many of them count as attended."""
    counts: dict[str, Counter[str]] = {event_id: Counter() for event_id in event_ids}
    if not counts:
        return counts
    query = (
        select(
            Registration.event_id,
            SHOWN_STATE.label("state"),
            IS_ERASED,
            func.count().label("registrations"),
            func.count().filter(IS_ATTENDED).label("attended"),
        )
        .outerjoin(SyncJob, job_of(org_id))
        .where(Registration.host_id == host_id, Registration.event_id.in_(event_ids), IS_COUNTED)
        .group_by(Registration.event_id, SHOWN_STATE, IS_ERASED)
    )
    async with hash_joins_only(session):
        rows = (await session.execute(query)).all()
    for event_id, job_state, is_erased, registrations, attended in rows:
        shown = SYNC_STATES[JobState(job_state) if job_state else None]
        counts[event_id][shown.erased if is_erased else shown.living] += registrations
        counts[event_id][ATTENDED] += attended
    return counts
