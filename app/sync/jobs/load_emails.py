"""What was told of the e-mails of registrations: read only where one of their kinds is on."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.kept_plan import kept_plan
from app.sync.jobs.load_queries import REGISTRATION_BY_KEY
from app.sync.model.batch import Batch

EMAILS = kept_plan(
    f"""
    SELECT registration.registration_id, registration.emails
    FROM unnest(CAST(:ids AS text[])) AS wanted (id)
    {REGISTRATION_BY_KEY}
    WHERE registration.emails <> '{{}}'
    """  # noqa: S608 -- put together from constants
)


async def with_emails(session: AsyncSession, batch: Batch) -> Batch:
    """The batch, its jobs with their e-mails where the event writes any."""
    ids = [job.registration_id for job in batch.jobs if job.writes.emails]
    if not ids:
        return batch
    rows = await session.execute(EMAILS, {"host_id": batch.host_id, "ids": ids})
    emails = {row.registration_id: row.emails for row in rows}
    jobs = (replace(job, emails=emails.get(job.registration_id, {})) for job in batch.jobs)
    return replace(batch, jobs=tuple(jobs))
