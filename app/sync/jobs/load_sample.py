"""Stored registrations as the engine sees them, whether or not anything of theirs is due. Reads only."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.sync.jobs.load_batch import attendee_of, events_of, extras_of, facts_of
from app.sync.jobs.load_queries import FACT_COLUMNS, HOST_ROW
from app.sync.model.batch import Job
from app.sync.model.cooperative import yielding

SELECT: Final = f"""
    SELECT registration.registration_id, registration.event_id, registration.attendee, registration.email_key,
           registration.salesforce_id, registration.ticket ->> 'name' AS ticket_name, {FACT_COLUMNS},
           registration.answers, registration.ticket, registration.buyer, registration.utm
    FROM registrations AS registration
    WHERE registration.host_id = :host_id AND registration.erased_at IS NULL
"""  # noqa: S608 -- put together from constants
ONE = text(f"{SELECT} AND registration.registration_id = :registration_id")
LATEST = text(f"{SELECT} ORDER BY registration.change_no DESC LIMIT :most")
LATEST_OF_EVENT = text(
    f"{SELECT} AND registration.event_id = :event_id ORDER BY registration.change_no DESC LIMIT :most"
)

PEOPLE: Final = text("""
    SELECT count(*) FROM written_records
    WHERE host_id = :host_id AND org_id = :org_id AND registration_id = ANY(:ids)
      AND slot = 'person' AND sf_id IS NOT NULL
""")


async def count_people(session: AsyncSession, host_id: str, org_id: str | None, ids: Sequence[str]) -> int:
    """Of how many of these registrations the person is in Salesforce."""
    if org_id is None or not ids:
        return 0
    values = {"host_id": host_id, "org_id": org_id, "ids": list(ids)}
    return int(await session.scalar(PEOPLE, values) or 0)


async def load_one(
    session: AsyncSession, host_id: str, org_id: str | None, registration_id: str
) -> Job | None:
    """The registration with the rules that hold for it now; None where there is none, or it was erased."""
    rows = await session.execute(ONE, {"host_id": host_id, "registration_id": registration_id})
    found = await _jobs(session, host_id, org_id, rows.all())
    return next(iter(found), None)


async def load_latest(
    session: AsyncSession, host_id: str, org_id: str | None, event_id: str | None, *, most: int
) -> list[Job]:
    """The registrations of a host, or of one event, that changed last."""
    values = {"host_id": host_id, "most": most}
    if event_id is None:
        rows = await session.execute(LATEST, values)
    else:
        rows = await session.execute(LATEST_OF_EVENT, values | {"event_id": event_id})
    return await _jobs(session, host_id, org_id, rows.all())


async def _jobs(session: AsyncSession, host_id: str, org_id: str | None, rows: Sequence[Any]) -> list[Job]:
    if not rows:
        return []
    of_host = (await session.execute(HOST_ROW, {"host_id": host_id})).one()
    whose = {"host_id": host_id, "org_id": org_id or ""}
    events = await events_of(session, {row.event_id for row in rows}, whose, of_host=of_host)
    jobs = []
    async for row in yielding(rows):
        if row.event_id not in events:
            continue
        shared = events[row.event_id].shared_by(row.salesforce_id)
        jobs.append(
            Job(
                registration_id=row.registration_id,
                event=shared.event,
                attendee=attendee_of(row.attendee, row.email_key),
                facts=facts_of(row),
                link=shared.link,
                salesforce_id=row.salesforce_id,
                ticket=row.ticket_name,
                extras=extras_of(row),
                rules=shared.rules,
                is_enabled=shared.is_enabled,
                writes=shared.writes,
            )
        )
    return jobs
