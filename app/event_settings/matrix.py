"""All events of a host with what holds for each: one page of them, or a change of many."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import HostCall
from app.api.pagination import Cursor, SortOrder
from app.event_settings.schemas import (
    EventCounts,
    EventLine,
    EventRow,
    EventRows,
    EventsChanged,
    EventsFilter,
    EventsToSet,
)
from app.event_settings.switches import (
    EventSwitches,
    SwitchChanges,
    apply_changes,
    host_settings,
    plan_changes,
)
from app.infrastructure import audit_log
from app.models import CampaignLink, Connection, Event
from app.registrations.event_counts import counts_of_events
from app.registrations.queries import ATTENDED
from app.registrations.row_view import record_link
from app.states import SyncState

SAMPLE_MAX: Final = 10
CAMPAIGN: Final = "Campaign"
LAST: Final = datetime(1, 1, 1, tzinfo=UTC)
STARTS: Final = func.coalesce(Event.starts_at, LAST)
"""Events without a start come last."""
ORDER: Final = SortOrder(Cursor("events", (datetime, str)), (STARTS, Event.event_id))


async def list_events(
    session: AsyncSession, host_id: str, chosen: EventsFilter, *, limit: int, cursor: str | None
) -> EventRows:
    """One page of the host's events. Raises CursorInvalid."""
    query = select(Event).where(Event.host_id == host_id, *conditions(chosen))
    found = (await session.scalars(ORDER.page(query, limit=limit, cursor=cursor))).all()
    events, next_cursor = ORDER.cut(
        found, limit=limit, keys=lambda event: (event.starts_at or LAST, event.event_id)
    )
    switches = {event.event_id: EventSwitches.of(event) for event in events}
    return EventRows(items=await _rows(session, host_id, events, switches), next_cursor=next_cursor)


async def change_events(call: HostCall, wanted: EventsToSet) -> EventsChanged:
    """Change all the chosen events in one transaction with one audit entry; a dry run changes none.

    Raises FilterEmpty.
    """
    selected_by, where = wanted.chosen(), _where(wanted)
    org_ids: set[str] = set()
    async with call.resources.database.tenant(call.host_id) as session:
        changes = await plan_changes(session, call.host_id, wanted.set, *where, is_locked=not wanted.dry_run)
        if not wanted.dry_run and changes.changed:
            org_ids = await apply_changes(session, call.host_id, changes, by=call.user_id)
            await audit_log.append_entry(
                session,
                call.host_id,
                actor=call.user_id,
                action="salesforce.events_settings_changed",
                details=_audit_details(wanted, selected_by, changes),
            )
        sample = await _sample(session, call.host_id, changes.changed[:SAMPLE_MAX])
    await call.resources.wakeups.announce(org_ids)
    matched, changed = len(changes.after), len(changes.changed)
    return EventsChanged(
        dry_run=wanted.dry_run,
        matched=matched,
        changed=changed,
        unchanged=matched - changed,
        unknown=len(set(wanted.event_ids)) - matched if wanted.event_ids is not None else 0,
        sample=sample,
    )


def conditions(chosen: EventsFilter) -> list[ColumnElement[bool]]:
    """What the filter asks of an event."""
    return [
        *([Event.kind == chosen.kind] if chosen.kind is not None else []),
        *([Event.starts_at >= chosen.from_] if chosen.from_ is not None else []),
        *([Event.starts_at < chosen.to] if chosen.to is not None else []),
        *([Event.title.icontains(chosen.q, autoescape=True)] if chosen.q is not None else []),
    ]


def _where(wanted: EventsToSet) -> list[ColumnElement[bool]]:
    if wanted.event_ids is not None:
        return [Event.event_id.in_(sorted(set(wanted.event_ids)))]
    return conditions(wanted.filter) if wanted.filter is not None else []


def _audit_details(wanted: EventsToSet, selected_by: str, changes: SwitchChanges) -> dict[str, object]:
    """Ids and figures; not the text that was searched for."""
    chosen = wanted.filter.model_dump(mode="json", by_alias=True, exclude_none=True) if wanted.filter else {}
    return {
        "selected_by": selected_by,
        "filter": {name: value for name, value in chosen.items() if name != "q"},
        "matched": len(changes.after),
        "changed": len(changes.changed),
        "event_ids": [each.event_id for each in changes.changed][:SAMPLE_MAX],
        **wanted.set.model_dump(exclude_unset=True),
    }


async def _sample(session: AsyncSession, host_id: str, changed: Sequence[EventSwitches]) -> list[EventRow]:
    """The rows of these events, as they are after the change."""
    switches = {each.event_id: each for each in changed}
    query = select(Event).where(Event.host_id == host_id, Event.event_id.in_(list(switches)))
    events = (await session.scalars(query.order_by(STARTS.desc(), Event.event_id.desc()))).all()
    return await _rows(session, host_id, events, switches)


async def _rows(
    session: AsyncSession, host_id: str, events: Sequence[Event], switches: Mapping[str, EventSwitches]
) -> list[EventRow]:
    """The rows of these events, in four statements however many they are."""
    if not events:
        return []
    ids = [event.event_id for event in events]
    linked = (
        select(CampaignLink.event_id, CampaignLink.campaign_id, Connection.instance_url)
        .join(Connection, and_(Connection.host_id == host_id, Connection.org_id == CampaignLink.org_id))
        .where(CampaignLink.host_id == host_id, CampaignLink.event_id.in_(ids))
    )
    campaigns = {
        event_id: record_link(CAMPAIGN, campaign_id, instance_url)
        for event_id, campaign_id, instance_url in await session.execute(linked)
        if campaign_id is not None
    }
    org_id = await session.scalar(select(Connection.org_id).where(Connection.host_id == host_id))
    counts = await counts_of_events(session, host_id, ids, org_id=org_id)
    of_host = await host_settings(session, host_id)
    shown = {event_id: switches[event_id].shown(of_host) for event_id in ids}
    return [
        EventRow(
            event=EventLine(
                id=each.event_id,
                title=each.title,
                kind=each.kind,
                starts_at=each.starts_at,
                timezone=each.timezone,
            ),
            enabled=shown[each.event_id].enabled,
            writes=shown[each.event_id].writes,
            campaign=campaigns.get(each.event_id),
            counts=_counts(counts[each.event_id]),
            is_paused=each.paused_at is not None,
        )
        for each in events
    ]


def _counts(found: Mapping[str, int]) -> EventCounts:
    states = {state.value: found.get(state, 0) for state in SyncState}
    return EventCounts(total=sum(states.values()), attended=found.get(ATTENDED, 0), **states)
