"""What the database says of an event's written records, portion by portion, and what is stored of a run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Verification
from app.states import JobState, WriteState
from app.sync.model.batch import MEMBER, PlannedTimes
from app.sync.model.cases import CASE_KEY
from app.sync.model.record_key import lacks_key
from app.sync.model.records import EVENT
from app.sync.model.slot_details import SlotDetails
from app.verification.checks import NO_DIGESTS, Difference, StoredRecord, is_checked

Records = dict[str, list[StoredRecord]]
"""By registration."""

STANDS: Final = "record.state = :is_in AND record.sf_id IS NOT NULL"
# Offset and order are fences for the planner: see sync/jobs/load_queries.py.
HAS_RECORDS: Final = f"""CROSS JOIN LATERAL (
        SELECT 1 FROM (
            SELECT state, sf_id FROM written_records
            WHERE host_id = registration.host_id AND org_id = :org_id
              AND registration_id = registration.registration_id
            ORDER BY host_id, org_id, registration_id, slot, instance_key OFFSET 0
        ) AS record WHERE {STANDS} LIMIT 1
    ) AS found"""  # noqa: S608 -- put together from constants
COUNT: Final = text(f"""
    SELECT count(*) FROM registrations AS registration {HAS_RECORDS}
    WHERE registration.host_id = :host_id AND registration.event_id = :event_id
      AND registration.erased_at IS NULL
""")  # noqa: S608 -- put together from constants
NEXT_IDS: Final = text(f"""
    SELECT registration.registration_id FROM registrations AS registration {HAS_RECORDS}
    WHERE registration.host_id = :host_id AND registration.event_id = :event_id
      AND registration.registration_id > :cursor AND registration.erased_at IS NULL
    ORDER BY registration.host_id, registration.event_id, registration.registration_id LIMIT :most
""")  # noqa: S608 -- put together from constants
RECORDS: Final = text(f"""
    SELECT record.registration_id, record.slot, record.instance_key, record.sobject, record.sf_id,
           record.label, record.reference, record.details,
           registration.starts_at AS own_start, registration.ends_at AS own_end,
           event.starts_at AS event_start, event.ends_at AS event_end
    FROM unnest(CAST(:ids AS text[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT * FROM written_records
        WHERE host_id = :host_id AND org_id = :org_id AND registration_id = wanted.id
        ORDER BY host_id, org_id, registration_id, slot, instance_key OFFSET 0
    ) AS record
    CROSS JOIN LATERAL (
        SELECT * FROM registrations WHERE host_id = :host_id AND registration_id = wanted.id
        ORDER BY host_id, registration_id OFFSET 0
    ) AS registration
    JOIN events AS event ON event.host_id = registration.host_id AND event.event_id = registration.event_id
    WHERE {STANDS}
""")  # noqa: S608 -- put together from constants
# Registrations that are just being written say nothing yet. An erasure waits for this lock, or is seen.
SETTLED: Final = text("""
    SELECT registration.registration_id FROM registrations AS registration
    WHERE registration.host_id = :host_id AND registration.registration_id = ANY(:ids)
      AND registration.erased_at IS NULL
      AND NOT EXISTS (
        SELECT FROM sync_jobs AS job
        WHERE job.host_id = registration.host_id AND job.registration_id = registration.registration_id
          AND job.state = ANY(:busy)
      )
    ORDER BY registration.registration_id FOR SHARE OF registration
""")
STORE_DIFFERENCES: Final = text("""
    INSERT INTO verification_differences (
        host_id, verification_id, registration_id, slot, instance_key, kind, sf_id, ours, theirs,
        shown_object, shown_id
    )
    SELECT :host_id, :verification_id, registration_id, slot, instance_key, kind, sf_id, ours, theirs,
           shown_object, shown_id
    FROM jsonb_populate_recordset(CAST(NULL AS verification_differences), CAST(:rows AS jsonb))
    ON CONFLICT DO NOTHING
""")
BUSY: Final = (JobState.RUNNING, JobState.AMBIGUOUS)


async def count_registrations(session: AsyncSession, host_id: str, event_id: str, *, org_id: str) -> int:
    """How many registrations of the event have records in the org."""
    values = {"host_id": host_id, "event_id": event_id, "org_id": org_id, "is_in": WriteState.WRITTEN}
    return await session.scalar(COUNT, values) or 0


async def next_ids(session: AsyncSession, run: Verification, *, most: int) -> list[str]:
    """The next registrations of a run that have records in its org."""
    values = {
        "host_id": run.host_id,
        "event_id": run.event_id,
        "org_id": run.org_id,
        "cursor": run.cursor,
        "most": most,
        "is_in": WriteState.WRITTEN,
    }
    return list(await session.scalars(NEXT_IDS, values))


async def load_records(
    session: AsyncSession, run: Verification, ids: Sequence[str], *, campaign_id: str | None
) -> Records:
    """What is to be checked of these registrations, each of them named."""
    values = {"host_id": run.host_id, "org_id": run.org_id, "ids": list(ids), "is_in": WriteState.WRITTEN}
    found: Records = {id_: [] for id_ in ids}
    for row in await session.execute(RECORDS, values):
        if is_checked(row.slot, row.instance_key, row.sobject, campaign_id=campaign_id):
            found[row.registration_id].append(_record(row))
    return found


async def settled_ids(session: AsyncSession, run: Verification, ids: Iterable[str]) -> set[str]:
    """Those of the registrations that nobody writes just now, locked against an erasure."""
    values = {"host_id": run.host_id, "ids": sorted(ids), "busy": list(BUSY)}
    return set(await session.scalars(SETTLED, values))


async def store_differences(
    session: AsyncSession, run: Verification, found: Mapping[str, Sequence[Difference]]
) -> None:
    """Keep what differs, by registration."""
    rows = [_row(registration_id, each) for registration_id, some in found.items() for each in some]
    if rows:
        whose = {"host_id": run.host_id, "verification_id": run.verification_id}
        await session.execute(STORE_DIFFERENCES, {**whose, "rows": to_json(rows).decode()})


def _record(row: Any) -> StoredRecord:
    details = SlotDetails.parse(row.details)
    is_member = row.slot == MEMBER
    return StoredRecord(
        slot=row.slot,
        instance_key=row.instance_key,
        sobject=row.sobject,
        sf_id=row.sf_id,
        label=row.label,
        is_manual=bool(details.is_manual),
        was_member_before=is_member and bool(details.was_member_before),
        is_of_link=row.slot == CASE_KEY.slot and details.is_created_by_us is False,
        digests=_digests(details) if row.sobject == EVENT else NO_DIGESTS,
        planned=_planned(row) if row.sobject == EVENT else (),
        key=row.reference if lacks_key(row.slot, row.reference, details) else None,
    )


def _digests(details: SlotDetails) -> Mapping[str, str]:
    """Of what stands: an update that is written counts."""
    return details.pending_digests or details.written_digests or NO_DIGESTS


def _planned(row: Any) -> PlannedTimes:
    own, event = PlannedTimes(row.own_start, row.own_end), PlannedTimes(row.event_start, row.event_end)
    return PlannedTimes.of(own, event)


def _row(registration_id: str, difference: Difference) -> dict[str, Any]:
    record, shown = difference.record, difference.shown or (None, None)
    return {
        "registration_id": registration_id,
        "slot": record.slot,
        "instance_key": record.instance_key,
        "kind": difference.kind,
        "sf_id": record.sf_id,
        "ours": difference.ours,
        "theirs": difference.theirs,
        "shown_object": shown[0],
        "shown_id": shown[1],
    }
