"""Say that a registration has something to write: raise its job's wanted version, or make the job."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import LIVE, SyncJob

IN_FLIGHT = ("running", "ambiguous")


@dataclass(frozen=True)
class Arm:
    """One registration to write. `org_id` is the org of the host's connection."""

    host_id: str
    registration_id: str
    event_id: str
    org_id: str
    why: str = "live"
    priority: int = LIVE
    asked_by: str | None = None


async def arm_jobs(session: AsyncSession, arms: Iterable[Arm]) -> set[str]:
    """Raise `wanted_version` of each job, in one statement; returns the org ids to wake after the commit.

    A running or ambiguous job keeps its state and is armed again when it settles. Rows are locked in the
    order of their keys, as everywhere.
    """
    rows = sorted(
        {(arm.host_id, arm.registration_id): arm for arm in arms}.values(),
        key=lambda arm: (arm.host_id, arm.registration_id),
    )
    if not rows:
        return set()
    new = insert(SyncJob).values([vars(arm) for arm in rows])
    is_in_flight = SyncJob.state.in_(IN_FLIGHT)
    is_waiting = SyncJob.state == "pending"
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[SyncJob.host_id, SyncJob.registration_id],
            set_={
                "wanted_version": SyncJob.wanted_version + 1,
                "event_id": new.excluded.event_id,
                "org_id": case((is_in_flight, SyncJob.org_id), else_=new.excluded.org_id),
                "state": case((is_in_flight, SyncJob.state), else_="pending"),
                "due_at": case((is_in_flight, SyncJob.due_at), else_=func.clock_timestamp()),
                "priority": case(
                    (is_waiting, func.least(SyncJob.priority, new.excluded.priority)),
                    else_=new.excluded.priority,
                ),
                "why": new.excluded.why,
                "asked_by": new.excluded.asked_by,
                "attempts": literal_column("0"),
                "waiting_for": case((is_in_flight, SyncJob.waiting_for), else_=None),
                "skipped_because": None,
            },
        )
    )
    return {arm.org_id for arm in rows}
