"""Start a verification of an event, and read how far the latest one is."""

from typing import Final
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.errors import NeverVerified, VerifyRunning
from app.api.pagination import Cursor, SortOrder
from app.connections.service import usable_connection
from app.hosts.rows import require_event
from app.infrastructure import audit_log
from app.models import Connection, Verification, VerificationDifference
from app.salesforce.allowed_hosts import record_url
from app.states import VerificationState
from app.verification.portions import count_registrations
from app.verification.run import ACTIVE
from app.verification.schemas import DifferenceShown, VerificationShown

ORDER: Final = SortOrder(
    Cursor("differences", (str, str, str, str)),
    (
        VerificationDifference.registration_id,
        VerificationDifference.slot,
        VerificationDifference.instance_key,
        VerificationDifference.kind,
    ),
    is_descending=False,
)


async def start_verification(call: EventCall) -> VerificationShown:
    """Have the event's records verified by the workers.

    Raises EventNotFound, VerifyRunning, NotConnected, ConnectionNeedsReconnect.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        await session.get(Connection, call.host_id, with_for_update=True)
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
        await _end_of_other_org(session, call, connection.org_id)
        await _delete_earlier_differences(session, call)
        total = await count_registrations(session, call.host_id, call.event_id, org_id=connection.org_id)
        run = Verification(
            host_id=call.host_id,
            verification_id=f"vf_{uuid4().hex}",
            event_id=call.event_id,
            org_id=connection.org_id,
            total=total,
            requested_by=call.user_id,
        )
        session.add(run)
        await session.flush()
        await audit_log.append_entry(
            session,
            call.host_id,
            actor=call.user_id,
            action="salesforce.verification_started",
            details={"event_id": call.event_id, "verification_id": run.verification_id},
        )
        await session.refresh(run)
        return _shown(run, [], None)


async def read_verification(call: EventCall, *, limit: int, cursor: str | None) -> VerificationShown:
    """The latest verification with a page of its differences.

    Raises EventNotFound, NeverVerified, CursorInvalid.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        run = await latest_verification(session, call.host_id, call.event_id)
        differences = select(VerificationDifference).where(
            VerificationDifference.host_id == call.host_id,
            VerificationDifference.verification_id == run.verification_id,
        )
        found = (await session.scalars(ORDER.page(differences, limit=limit, cursor=cursor))).all()
        page, next_cursor = ORDER.cut(
            found,
            limit=limit,
            keys=lambda row: (row.registration_id, row.slot, row.instance_key, row.kind),
        )
        connection = await session.get(Connection, call.host_id)
        is_same_org = connection is not None and connection.org_id == run.org_id
        instance_url = connection.instance_url if connection and is_same_org else None
        return _shown(run, [_difference(each, instance_url) for each in page], next_cursor)


async def latest_verification(session: AsyncSession, host_id: str, event_id: str) -> Verification:
    """Raises NeverVerified."""
    run = await session.scalar(
        select(Verification)
        .where(Verification.host_id == host_id, Verification.event_id == event_id)
        .order_by(Verification.started_at.desc())
        .limit(1)
    )
    if run is None:
        raise NeverVerified
    return run


async def _end_of_other_org(session: AsyncSession, call: EventCall, org_id: str) -> None:
    """End what runs for an org that is no longer connected. Raises VerifyRunning."""
    running = await session.scalar(
        select(Verification)
        .where(
            Verification.host_id == call.host_id,
            Verification.event_id == call.event_id,
            Verification.state.in_(ACTIVE),
        )
        .with_for_update()
    )
    if running is None:
        return
    if running.org_id == org_id:
        raise VerifyRunning
    running.state = VerificationState.ENDED
    running.finished_at = await session.scalar(select(func.clock_timestamp()))
    await session.flush()


async def _delete_earlier_differences(session: AsyncSession, call: EventCall) -> None:
    """Nobody sees those of an earlier verification again, however often one is started."""
    earlier = select(Verification.verification_id).where(
        Verification.host_id == call.host_id, Verification.event_id == call.event_id
    )
    await session.execute(
        delete(VerificationDifference).where(
            VerificationDifference.host_id == call.host_id,
            VerificationDifference.verification_id.in_(earlier),
        )
    )


def _shown(run: Verification, items: list[DifferenceShown], next_cursor: str | None) -> VerificationShown:
    return VerificationShown(
        state=run.state,
        checked=run.checked,
        total=run.total,
        api_calls=run.api_calls,
        in_order=run.in_order,
        resumes_at=run.resumes_at if run.state == VerificationState.PAUSED else None,
        started_at=run.started_at,
        finished_at=run.finished_at,
        items=items,
        next_cursor=next_cursor,
    )


def _difference(row: VerificationDifference, instance_url: str | None) -> DifferenceShown:
    is_linked = instance_url is not None and row.shown_object is not None and row.shown_id is not None
    return DifferenceShown(
        registration_id=row.registration_id,
        kind=row.kind,
        ours=row.ours,
        theirs=row.theirs,
        url=record_url(instance_url, row.shown_object, row.shown_id)  # type: ignore[arg-type]
        if is_linked
        else None,
    )
