"""What changed last in an event, by the numbers of changes: they rise with time, and each table has an index
of those of a host.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import in_index_order
from app.models import Registration, SyncJob
from app.registrations.context import EventContext
from app.registrations.queries import jobs_here

LOOKED_BACK: Final = 1_000
"""So many changes of the host's registrations, and of its jobs, are looked through."""


@dataclass(frozen=True)
class Newest:
    """`version` rises with every change of the event; where none is among the host's last ones, it is the
    number from which on there is none. `synced_at`: when one was last synced to the connected org.
    """

    version: int
    synced_at: datetime | None


async def newest_change(session: AsyncSession, context: EventContext) -> Newest:
    """Read it before the counts: what is counted may be newer than the version, never older."""
    registrations = _latest(Registration, context).subquery()
    jobs = _latest(SyncJob, context, SyncJob.org_id, SyncJob.synced_at, SyncJob.updated_at).subquery()
    is_here = and_(jobs.c.event_id == context.event_id, jobs.c.org_id == (context.org_id or ""))
    of_registrations = select(_version(registrations, context).label("version")).subquery()
    of_jobs = select(
        _version(jobs, context).label("version"),
        func.max(jobs.c.synced_at).filter(is_here).label("synced_at"),
        (func.count() == LOOKED_BACK).label("is_cut"),
        func.min(jobs.c.updated_at).label("since"),
    ).subquery()
    query = select(
        func.greatest(of_registrations.c.version, of_jobs.c.version),
        of_jobs.c.synced_at,
        of_jobs.c.is_cut,
        of_jobs.c.since,
    ).select_from(of_jobs.join(of_registrations, true()))
    async with in_index_order(session):
        version, synced_at, is_cut, since = (await session.execute(query)).one()
    # Whatever changed before was synced before.
    if is_cut and (synced_at is None or synced_at < since):
        synced_at = await session.scalar(select(func.max(SyncJob.synced_at)).where(*jobs_here(context)))
    return Newest(version, synced_at)


def _latest(table: type[Registration] | type[SyncJob], context: EventContext, *columns: Any) -> Select[Any]:
    query = select(table.event_id, table.change_no, *columns).where(table.host_id == context.host_id)
    return query.order_by(table.change_no.desc()).limit(LOOKED_BACK)


def _version(latest: Subquery, context: EventContext) -> ColumnElement[int]:
    own = func.max(latest.c.change_no).filter(latest.c.event_id == context.event_id)
    return func.coalesce(own, case((func.count() == LOOKED_BACK, func.min(latest.c.change_no))), 0)


# Twice a page leaves room for rows that do not count, and for those whose later change is on a page before.
CANDIDATES: Final = text("""
    WITH changed AS MATERIALIZED (
        (SELECT registration_id, event_id, change_no, true AS is_job FROM sync_jobs
         WHERE host_id = :host_id AND change_no < :before ORDER BY change_no DESC LIMIT :most)
        UNION ALL
        (SELECT registration_id, event_id, change_no, false FROM registrations
         WHERE host_id = :host_id AND change_no < :before ORDER BY change_no DESC LIMIT :most)
    ),
    candidates AS MATERIALIZED (
        SELECT registration_id, max(change_no) AS change_no FROM changed WHERE event_id = :event_id
        GROUP BY registration_id ORDER BY max(change_no) DESC LIMIT :wanted
    )
    SELECT coalesce((SELECT array_agg(registration_id) FROM candidates), '{}') AS ids,
           coalesce(greatest(
               (SELECT min(change_no) FROM changed WHERE is_job HAVING count(*) = :most),
               (SELECT min(change_no) FROM changed WHERE NOT is_job HAVING count(*) = :most),
               (SELECT min(change_no) FROM candidates HAVING count(*) = :wanted)
           ), 0) AS floor
""")
NO_BOUND: Final = 2**63 - 1


@dataclass(frozen=True)
class Candidates:
    """Registrations that changed last. All of the event that changed from `floor` on are among them."""

    ids: Sequence[str]
    floor: int


async def newest_candidates(
    session: AsyncSession, context: EventContext, *, before: int | None, wanted: int
) -> Candidates:
    """Of those whose registration or job changed before the number `before`."""
    values = {
        "host_id": context.host_id,
        "event_id": context.event_id,
        "before": NO_BOUND if before is None else before,
        "most": LOOKED_BACK,
        "wanted": wanted,
    }
    async with in_index_order(session):
        ids, floor = (await session.execute(CANDIDATES, values)).one()
    return Candidates(ids, floor)
