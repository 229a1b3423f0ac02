"""The endpoints of what holds for events."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from app.api.calls import AdminCall, EventAdminCall, EventCall, EventMemberCall, MemberCall
from app.event_settings.matrix import change_events, list_events
from app.event_settings.schemas import (
    EventKind,
    EventRows,
    EventsChanged,
    EventSettingsShown,
    EventSettingsToSet,
    EventsFilter,
    EventsToSet,
    SearchText,
)
from app.event_settings.switches import EventSwitches, apply_changes, host_settings, plan_changes
from app.hosts.rows import require_event
from app.infrastructure import audit_log
from app.models import Event

router = APIRouter(prefix="/v1/hosts/{host_id}/events/{event_id}/salesforce", tags=["host"])

host_router = APIRouter(prefix="/v1/hosts/{host_id}/salesforce", tags=["host"])


@host_router.get("/events")
async def get_events(
    call: MemberCall,
    q: Annotated[SearchText | None, Query(description="part of the title")] = None,
    kind: EventKind | None = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="the earliest start")] = None,
    to: Annotated[AwareDatetime | None, Query(description="the first start that is too late")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> EventRows:
    """The host's events, newest start first, with what holds for each and how far its registrations are."""
    chosen = EventsFilter(kind=kind, from_=from_, to=to, q=q)
    async with call.resources.database.tenant(call.host_id) as session:
        return await list_events(session, call.host_id, chosen, limit=limit, cursor=cursor)


@host_router.put("/events")
async def put_events(call: AdminCall, body: EventsToSet) -> EventsChanged:
    """Change what holds for many events at once; a dry run, unless the body says otherwise, changes none."""
    return await change_events(call, body)


@router.get("/settings")
async def get_event_settings(call: EventMemberCall) -> EventSettingsShown:
    """What holds for the event, and whether the host or the event chose it."""
    async with call.resources.database.tenant(call.host_id) as session:
        event = await require_event(session, call.host_id, call.event_id)
        return EventSwitches.of(event).shown(await host_settings(session, call.host_id))


@router.put("/settings")
async def put_event_settings(call: EventAdminCall, body: EventSettingsToSet) -> EventSettingsShown:
    """Change what is given and leave the rest; null takes the event's own choice away.

    An event that is switched on again is written as a backfill; a kind holds from now on.
    """
    shown, org_ids = await _change(call, body)
    await call.resources.wakeups.announce(org_ids)
    return shown


async def _change(call: EventCall, body: EventSettingsToSet) -> tuple[EventSettingsShown, set[str]]:
    host_id, event_id = call.host_id, call.event_id
    async with call.resources.database.tenant(host_id) as session:
        await require_event(session, host_id, event_id)
        is_meant = Event.event_id == event_id
        changes = await plan_changes(session, host_id, body, is_meant, is_locked=True)
        org_ids = await apply_changes(session, host_id, changes, by=call.user_id)
        if changes.changed:
            await audit_log.append_entry(
                session,
                host_id,
                actor=call.user_id,
                action="salesforce.event_settings_changed",
                details={"event_id": event_id, **body.model_dump(exclude_unset=True)},
            )
        [switches] = changes.after
        return switches.shown(await host_settings(session, host_id)), org_ids
