"""The stats of an event: every registration that counts, in exactly one place, in a handful of queries."""

from collections import Counter
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.backfill import backfill_view
from app.registrations import queries
from app.registrations.context import EventContext, load_context
from app.registrations.newest import newest_change
from app.registrations.queries import FailureGroup
from app.registrations.registration_state import Gates, display_state
from app.registrations.row_view import advice_of
from app.registrations.schemas import (
    CheckIns,
    Counts,
    EventShown,
    Group,
    PendingBecause,
    SkippedBecause,
    Stats,
)
from app.registrations.tally import Tally, tally
from app.salesforce.errors import MESSAGE_LENGTH
from app.states import ConnectionState, SyncState
from app.sync.errors.grouping import attendee_values, message_without_values
from app.user_messages.catalog import group_title
from app.user_messages.phrases import kept_text, worded

DOOR_MINUTES: Final = 30
"""As many minutes as the view for the door shows."""


async def event_stats(
    session: AsyncSession, host_id: str, event_id: str, *, is_configured: bool = True
) -> Stats:
    """Everything the event's panel shows. Raises EventNotFound.

    `is_configured`: whether this environment has a Salesforce app at all.
    """
    context = await load_context(session, host_id, event_id)
    newest = await newest_change(session, context)
    counted = await tally(session, context)
    places = count_places(counted, context.gates)
    found = await queries.failures(session, context) if places[SyncState.FAILED, None] else []
    if counted.has_failed_parts:
        found += await queries.failures_of_parts(session, context)
    return Stats(
        event=event_shown(context),
        is_linked=context.link is not None,
        counts=count_states(counted, places),
        pending_because=PendingBecause(**_reasons(places, SyncState.PENDING)),
        skipped_because=SkippedBecause(**_reasons(places, SyncState.SKIPPED)),
        next_retry_at=counted.next_retry_at,
        groups=[assemble_group(each) for each in found],
        backfill=await backfill_view(session, host_id, event_id),
        budget=context.budget,
        connection_state=connection_state(context, is_configured=is_configured),
        last_synced_at=newest.synced_at,
        as_of=context.now,
        version=newest.version,
    )


async def recent_check_ins(session: AsyncSession, host_id: str, event_id: str) -> CheckIns:
    """How many people came in each of the last minutes. Raises EventNotFound."""
    context = await load_context(session, host_id, event_id)
    found = await queries.check_ins_by_minute(session, context, minutes=DOOR_MINUTES)
    return CheckIns(minutes=[found[ago] for ago in reversed(range(DOOR_MINUTES))], as_of=context.now)


def count_places(counted: Tally, gates: Gates) -> Counter[tuple[str, str | None]]:
    """How many registrations are in each (state, reason)."""
    counter: Counter[tuple[str, str | None]] = Counter()
    for stored, count in counted.states.items():
        display = display_state(stored, gates)
        counter[display.state, display.because] += count
    return counter


def count_states(counted: Tally, places: Counter[tuple[str, str | None]]) -> Counts:
    """The totals by state, and the two that cut across."""
    states: Counter[str] = Counter()
    for (state, _), count in places.items():
        states[state] += count
    return Counts(
        total=states.total(),
        **{state: states[state] for state in SyncState},
        attended=counted.attended,
        checked_in=counted.checked_in,
    )


def connection_state(context: EventContext, *, is_configured: bool) -> str:
    """As on the host's card."""
    if not is_configured:
        return ConnectionState.NOT_CONFIGURED
    return context.connection.state if context.connection else ConnectionState.NOT_CONNECTED


def event_shown(context: EventContext) -> EventShown:
    event = context.event
    return EventShown(
        id=event.event_id,
        title=event.title,
        starts_at=event.starts_at,
        timezone=event.timezone,
        is_paused=event.paused_at is not None,
    )


def _reasons(places: Counter[tuple[str, str | None]], state: str) -> dict[str, int]:
    return {reason: count for (each, reason), count in places.items() if each == state and reason}


def assemble_group(found: FailureGroup) -> Group:
    """Build the group; its message is one row's, without the attendee's values."""
    error, sample = found.error, found.sample
    advice = advice_of(error)
    sobject = error.get("object")
    values = attendee_values(sample.attendee, sample.answers)
    return Group(
        group_id=found.group_id,
        error_class=error.get("class") or "other",
        error_code=error.get("error_code") or "OTHER",
        object=sobject,
        fields=list(error.get("fields") or ()),
        title=group_title(advice, sobject),
        message=message_without_values(worded(kept_text(error, "message")), values)[:MESSAGE_LENGTH],
        advice=advice,
        count=found.count,
        can_retry=True,
        first_at=found.first_at,
        last_at=found.last_at,
    )
