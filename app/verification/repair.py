"""Repair: a Retry of rows that differ. What is known to be gone is looked for once more, and made again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.errors import NeverVerified
from app.models import BACKFILL, Registration, Verification, VerificationDifference
from app.registrations.context import EventContext, load_context
from app.registrations.retry import (
    RetryCandidate,
    RetrySelection,
    find_locked,
    outcome_of,
    queue_selected,
    select_for_retry,
    wake,
)
from app.registrations.schemas import RetryOutcome
from app.states import DifferenceKind, RetryRefusal, WriteState
from app.sync.model.record_kinds import kind_of_slot
from app.verification.checks import RECREATED
from app.verification.requests import latest_verification
from app.verification.schemas import RepairToStart

PORTION: Final = 5_000
"""Registrations that are marked in one statement."""

# The planner makes again what a look-up by id does not find: see `lost_creates.find_reported`.
REPORT_MISSING: Final = text("""
    UPDATE written_records AS record
    SET details = record.details || '{"reported_missing": true}'
    FROM verification_differences AS difference
    WHERE difference.host_id = :host_id AND difference.verification_id = :verification_id
      AND difference.registration_id = ANY(:ids) AND difference.kind = ANY(:kinds)
      AND record.host_id = difference.host_id AND record.org_id = :org_id
      AND record.registration_id = difference.registration_id AND record.slot = difference.slot
      AND record.instance_key = difference.instance_key AND record.sf_id = difference.sf_id
      AND record.state = :is_in
""")
LEFT_ALONE: Final = frozenset({DifferenceKind.OTHER_PERSON})
"""What a person chose in Salesforce: a Retry changes nothing of it."""


async def repair(call: EventCall, wish: RepairToStart) -> RetryOutcome:
    """Retry the rows of the latest verification that differ; a dry run only counts them.

    Raises EventNotFound, NeverVerified, FilterEmpty.
    """
    ids = wish.chosen_ids()
    async with call.resources.database.tenant(call.host_id) as session:
        context = await load_context(session, call.host_id, call.event_id)
        run = await latest_verification(session, call.host_id, call.event_id)
        if run.org_id != context.org_id:
            raise NeverVerified
        selection = await _select(session, context, run, ids)
        if not wish.dry_run:
            about = {"verification_id": run.verification_id, "filter": "registration_ids" if ids else "all"}
            await _report_missing(session, run, [each.registration_id for each in selection.queued])
            await queue_selected(
                session,
                context,
                selection,
                requested_by=call.user_id,
                about=about,
                action="salesforce.repair",
                priority=BACKFILL,
            )
    if not wish.dry_run:
        await wake(call.resources, context, selection)
    return outcome_of(selection, context, is_dry_run=wish.dry_run)


async def _select(
    session: AsyncSession, context: EventContext, run: Verification, ids: Sequence[str] | None
) -> RetrySelection:
    whose = [
        VerificationDifference.host_id == run.host_id,
        VerificationDifference.verification_id == run.verification_id,
    ]
    if ids is not None:
        whose.append(VerificationDifference.registration_id.in_(ids))
    repairable = await _repairable(session, context, whose)
    differing = select(VerificationDifference.registration_id).where(*whose)
    found = await find_locked(session, context, Registration.registration_id.in_(differing))
    kept = [each for each in found if each.registration_id in repairable]
    selection = select_for_retry(kept, is_single=True)
    others = Counter(
        {
            RetryRefusal.SKIPPED.value: len(found) - len(kept),
            RetryRefusal.ALREADY_SYNCED.value: _without_difference(ids, found),
        }
    )
    return RetrySelection(selection.queued, selection.not_queued + others)


def _without_difference(ids: Sequence[str] | None, found: Sequence[RetryCandidate]) -> int:
    return len(set(ids) - {each.registration_id for each in found}) if ids else 0


async def _repairable(
    session: AsyncSession, context: EventContext, whose: Iterable[ColumnElement[bool]]
) -> set[str]:
    """The registrations with a difference that a Retry may mend: its kind of write is on."""
    columns = (
        VerificationDifference.registration_id,
        VerificationDifference.slot,
        VerificationDifference.kind,
    )
    rows = await session.execute(select(*columns).where(*whose))
    return {row.registration_id for row in rows if _may_be_mended(row, context)}


def _may_be_mended(row: Any, context: EventContext) -> bool:
    kind = kind_of_slot(row.slot)
    is_on = kind is not None and (
        row.kind == DifferenceKind.MISSING_PERSON or getattr(context.writes, kind.toggle)
    )
    return is_on and row.kind not in LEFT_ALONE


async def _report_missing(session: AsyncSession, run: Verification, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), PORTION):
        await session.execute(
            REPORT_MISSING,
            {
                "host_id": run.host_id,
                "verification_id": run.verification_id,
                "org_id": run.org_id,
                "ids": list(ids[start : start + PORTION]),
                "kinds": sorted(RECREATED),
                "is_in": WriteState.WRITTEN,
            },
        )
